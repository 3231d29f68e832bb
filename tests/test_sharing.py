"""Presets between machines: found by name, checked by their sums, fetched from a hub's cache, sealed and verified."""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dgm_zoo import serving
from dgm_zoo.cli.main import main
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving import hub, integrity, places, sharing

NAME = "classifier_digits"  # the smallest
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of a preset's version folder, `saved_models/mine/1`, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DGM_ZOO_PRESETS", raising=False)
    shutil.copytree(serving.preset_dir(NAME), tmp_path / "saved_models" / "mine" / "1")
    return tmp_path / "saved_models" / "mine" / "1"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A function that puts a version folder into a hub's cache, as huggingface_hub lays it out, offline."""
    constants = pytest.importorskip("huggingface_hub").constants
    place = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(folder, owner, name):
        repository = place / f"models--{owner}--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(COMMIT)
        (repository / "blobs").mkdir()
        for path in [path for path in Path(folder).rglob("*") if path.is_file()]:
            blob = repository / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
            shutil.copy(path, blob)
            link = repository / "snapshots" / COMMIT / path.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(*[".."] * len(link.relative_to(repository).parts[:-1])) / "blobs" / blob.name)
        return repository / "snapshots" / COMMIT

    return put


# --------------------------------------------------------------------------------------------- names and places


def test_the_folders_of_the_environment_come_first_and_the_others_stay(folder, tmp_path, monkeypatch):
    assert serving.preset_dir("mine") == str(Path("saved_models/mine/1"))
    shutil.copytree(folder.parent, tmp_path / "a" / "vae_digits")
    assert serving.preset_dir("vae_digits") == str(places.shipped("saved_models") / "vae_digits" / "1")
    monkeypatch.setenv("DGM_ZOO_PRESETS", str(tmp_path / "a"))
    assert serving.preset_dir("vae_digits") == str(tmp_path / "a" / "vae_digits" / "1")
    assert {"mine", "vae_digits", NAME} <= set(serving.list_presets())


@pytest.mark.parametrize("name", ["..", "vae_digits/../mine", "saved_models/../saved_models/mine"])
def test_two_dots_are_refused_in_a_name(folder, name):
    with pytest.raises(InvalidInput, match=r"contains '\.\.'; give a name, or a path that begins with \./ or \.\./"):
        serving.preset_dir(name)


def test_an_explicit_path_may_have_two_dots(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for path in ("../../mine", "./../../mine", folder / ".." / "1", str(folder / ".." / "1")):
        assert Path(serving.preset_dir(path)).resolve() == folder


def test_a_config_is_found_by_its_name(folder):
    from dgm_zoo import training

    config = training.load_config("vae_digits", ["train.epochs=2"])
    assert (config.model.latent_dim, config.train.epochs) == (8, 2)
    with pytest.raises(InvalidInput, match="unknown config 'vae_digit'; did you mean 'vae_digits'"):
        training.load_config("vae_digit")
    Path("configs").mkdir()
    shutil.copy(places.shipped("configs") / "vae_mnist.py", "configs/my_own.py")
    assert training.load_config("my_own").data.name == "mnist"
    with pytest.raises(InvalidInput, match="no config file 'configs/no.py'; give the path of a file, or a name"):
        training.load_config("configs/no.py")


# ---------------------------------------------------------------------------------------------------------- the sums


def edit_weights(folder):
    """Puts the weights of another model into a preset: correct files, but not those that were exported."""
    model = serving.from_preset(folder)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    with tempfile.TemporaryDirectory() as place:
        other = serving.export(model, place, "other")
        shutil.copytree(Path(other) / "variables", folder / "variables", dirs_exist_ok=True)


def test_a_preset_with_edited_weights_is_refused_by_the_name_of_the_file(folder):
    edit_weights(folder)
    with pytest.raises(InvalidInput, match="mine/1/variables/variables.* is not the file that was exported") as error:
        serving.from_preset("mine")
    assert "\n" not in str(error.value)
    metadata = json.loads((folder / "metadata.json").read_text())
    del metadata["files"]  # without its sum, as in older presets, the file is a model like any other
    (folder / "metadata.json").write_text(json.dumps(metadata))
    edited, shipped = (serving.from_preset(name).get_weights() for name in ("mine", NAME))
    assert any((one != other).any() for one, other in zip(edited, shipped, strict=True))


@pytest.mark.parametrize("file", ["saved_model.pb", "README.md", "variables/variables.index",
                                  "assets.extra/tf_serving_warmup_requests"])
def test_every_file_is_checked(folder, file):
    assert integrity.check(folder) == 7
    with open(folder / file, "ab") as open_file:
        open_file.write(b" ")
    with pytest.raises(InvalidInput, match=f"mine/1/{file}' is not the file that was exported"):
        integrity.check(folder)
    (folder / file).unlink()
    with pytest.raises(InvalidInput, match=f"mine/1/{file}' is missing"):
        integrity.check(folder)


def test_metadata_that_is_no_object_is_refused(folder):
    (folder / "metadata.json").write_text("[]")
    with pytest.raises(InvalidInput, match="metadata.json' holds list, not an object"):
        serving.from_preset("mine")


def test_sealing_an_export_changes_nothing(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(["presets", "seal", "mine"]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", sorted(path.name for path in places.shipped(places.PRESETS).iterdir()))
def test_every_preset_has_sums_that_fit_and_the_card_of_its_metadata(name):
    folder = Path(serving.preset_dir(name))
    assert integrity.check(folder) == len(integrity.sums(folder)) >= 7
    metadata = serving.read_metadata(folder)
    metadata.pop("files")
    from dgm_zoo.serving.card import SAMPLES, card

    beside = [name for name in SAMPLES if (folder / name).is_file()]
    assert (folder / "README.md").read_text(encoding="utf-8") == card(metadata, beside)


def test_a_card_begins_with_the_header_that_hubs_read(folder):
    yaml = pytest.importorskip("yaml")
    first, header, page = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert first == "" and page.startswith(f"\n# {NAME}, version 1\n")
    found = yaml.safe_load(header)
    assert found["license"] == "apache-2.0" and found["library_name"] == "dgm_zoo" and found["datasets"] == ["digits"]
    assert {"keras", "classifier"} <= set(found["tags"]) and "test_accuracy" in found["metrics"]
    cards = pytest.importorskip("huggingface_hub").ModelCard(str((folder / "README.md").read_text(encoding="utf-8")))
    assert cards.data.to_dict() == found


# ------------------------------------------------------------------------------------------------------------ verify


def test_verify_compares_sums_keras_and_tensorflow(folder, capsys):
    assert main(["presets", "verify", "mine"]) == 0
    assert "correct (7 files; classify, features)" in capsys.readouterr().out
    config = folder / "model.json"
    config.write_text(config.read_text().replace('"relu"', '"tanh"'))
    assert main(["presets", "verify", "mine"]) == 2
    assert "model.json' is not the file" in capsys.readouterr().err
    sharing.seal("mine")  # the sums fit again, the answers do not
    assert main(["presets", "verify", "mine"]) == 2
    assert "Keras and TensorFlow differ at 'classify'" in capsys.readouterr().err
    metadata = json.loads((folder / "metadata.json").read_text())
    del metadata["files"]
    (folder / "metadata.json").write_text(json.dumps(metadata))
    assert main(["presets", "verify", "mine"]) == 2
    assert "run dgm-zoo presets seal mine" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------------------------- the hub


def test_a_preset_loads_from_the_cache_of_the_hub_while_offline(folder, cache, capsys):
    snapshot = cache(folder, "someone", "digits")
    for address in ("hf://someone/digits", f"hf://someone/digits@{COMMIT}"):
        assert serving.preset_dir(address) == str(snapshot)
    x = np.zeros((2, 8, 8, 1), "float32")
    mine = serving.from_preset(NAME).answer("classify", x=x)
    np.testing.assert_array_equal(serving.from_preset("hf://someone/digits").answer("classify", x=x)["probabilities"],
                                  mine["probabilities"])
    assert main(["presets", "pull", "hf://someone/digits", "--out=here"]) == 0
    pulled = Path("here") / NAME / "1"
    assert f"pulled {pulled}" in capsys.readouterr().out
    assert integrity.check(pulled) == 7 and not any(path.is_symlink() for path in pulled.rglob("*"))
    assert main(["presets", "pull", "hf://someone/digits", "--out=here"]) == 2
    assert "exists; delete it" in capsys.readouterr().err


def test_what_the_hub_does_not_have_is_one_sentence(folder, cache, capsys):
    for address, sentence in {
        "hf://nobody/nothing": "cannot be downloaded (Cannot find an appropriate cached snapshot folder",
        "hf://nothing": "is not the address of a preset on a hub; give hf://owner/name",
        "hf://a/../b": "is not the address",
    }.items():
        with pytest.raises(InvalidInput) as error:
            serving.from_preset(address)
        assert sentence in str(error.value) and "\n" not in str(error.value)
    assert main(["presets", "push", "mine", "hf://me/mine"]) == 2
    assert "cannot be uploaded to 'hf://me/mine'" in capsys.readouterr().err


def test_a_damaged_or_hostile_preset_is_not_pulled(folder, cache):
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "name": "../../up"}))
    cache(folder, "someone", "hostile")
    with pytest.raises(InvalidInput, match="name '../../up' cannot be served"):
        sharing.pull("hf://someone/hostile", "here")
    (folder / "metadata.json").write_text(json.dumps(metadata))
    edit_weights(folder)
    cache(folder, "someone", "damaged")
    with pytest.raises(InvalidInput, match="is not the file that was exported"):
        sharing.pull("hf://someone/damaged", "here")
    assert not Path("here").exists()


def test_without_the_hubs_package_a_sentence_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InvalidInput, match=r"pip install 'dgm_zoo\[hub\]'"):
        serving.from_preset("hf://someone/digits")


def test_push_uploads_the_version_folder_whole(folder, monkeypatch):
    asked = {}

    class Hub:
        def HfApi(self):
            return self

        def create_repo(self, name, exist_ok):
            asked["repository"] = name

        def upload_folder(self, **given):
            asked.update(given)
            return "https://hub/commit/1"

    monkeypatch.setattr(hub, "_hub", Hub)
    assert sharing.push("mine", "hf://me/mine") == "https://hub/commit/1"
    assert asked["repository"] == asked["repo_id"] == "me/mine" and asked["revision"] is None
    assert Path(asked["folder_path"]).resolve() == folder
    (folder / "saved_model.pb").write_bytes(b"other")
    with pytest.raises(InvalidInput, match="saved_model.pb' is not the file"):
        sharing.push("mine", "hf://me/mine")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "presets needs one of list, verify, pull, push, seal"),
        (["lsit"], "unknown presets command 'lsit'; did you mean 'list'"),
        (["pull"], "presets pull does not take 0 arguments"),
        (["verify", "no_such"], "unknown preset 'no_such'"),
    ],
)
def test_a_mistake_is_one_sentence(folder, capsys, words, sentence):
    assert main(["presets", *words]) == 2
    assert sentence in capsys.readouterr().err
