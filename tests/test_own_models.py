"""Models of a user's own, in a module of hers: found by `config.imports` and `--imports`, in every command."""

import importlib
import sys

import pytest

from dgm_zoo import serving, training
from dgm_zoo.cli.main import main
from dgm_zoo.core import registry
from dgm_zoo.errors import InvalidInput

MODULE = '''
import keras
from dgm_zoo.core.registry import register_model
from dgm_zoo.models import VAE

@keras.saving.register_keras_serializable("hers")
@register_model("hers")
class Hers(VAE):
    """A VAE of another name.

    max_{theta, eta} the bound of `VAE`.
    """

    formulation = VAE.formulation
'''
CONFIG = {
    "imports": ["my_package.hers"], "model": {"name": "hers", "latent_dim": 2, "hidden": [8]},
    "data": {"name": "digits", "batch_size": 100, "binarize": "stochastic"},
}


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A function that forgets her module, as a new process does; her package and config are in the current folder."""
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "hers.py").write_text(MODULE)
    (tmp_path / "hers_digits.py").write_text(f"def get_config():\n    return {CONFIG!r}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def forget():
        registry.MODELS.pop("hers", None)
        for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
            del sys.modules[name]
        importlib.invalidate_caches()

    yield forget
    forget()


def test_a_config_records_its_imports_and_whoever_resolves_it_imports_them(fresh):
    config = training.load_config("hers_digits.py")
    assert config.to_dict()["imports"] == ["my_package.hers"] and "hers" in registry.MODELS
    fresh()
    assert training.resolve(config.to_dict()) == config and "hers" in registry.MODELS
    plain = {key: value for key, value in CONFIG.items() if key != "imports"}
    fresh()
    with pytest.raises(InvalidInput, match="unknown model 'hers'"):
        training.resolve(plain)
    assert "imports" not in training.load_config("vae_digits").to_dict()  # a config without them stays as it was


def test_commands_find_her_model_by_flag_and_her_preset_by_its_config(fresh, capsys, tmp_path):
    assert main(["describe", "hers"]) == 2
    assert "unknown model or preset 'hers'" in capsys.readouterr().err
    assert main(["describe", "hers", "--imports=my_package.hers"]) == 0
    assert "hers (Hers)" in capsys.readouterr().out
    model = registry.create("hers", image_shape=(8, 8, 1), latent_dim=2, hidden=[8], seed=0)
    config = training.load_config("hers_digits.py").to_dict()
    folder = serving.export(model, tmp_path / "out", "hers", metadata={"config": config})
    fresh()
    assert main(["sample", f"--preset={folder}", "--n=2", "--out=x.npy"]) == 0
    assert "wrote 2 samples" in capsys.readouterr().out


def test_an_override_names_a_module_too(fresh, tmp_path):
    (tmp_path / "plain.py").write_text(f"def get_config():\n    return {({**CONFIG, 'imports': []})!r}\n")
    assert training.load_config("plain.py", ["imports=['my_package.hers']"]).model.name == "hers"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("hers", "imports is 'hers'; give a list of module names"),
        (["../hers"], "give a list of module names"),
        (["my_package.his"], "there is no module 'my_package.his' to import; install it, or run the command in the"),
        (["broken"], "module 'broken' is broken (ZeroDivisionError: division by zero); correct it"),
        (["needs"], "module 'needs' is broken (ModuleNotFoundError: No module named 'not_there'); correct it"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_sentence(fresh, tmp_path, names, sentence):
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "needs.py").write_text("import not_there")
    with pytest.raises(InvalidInput) as error:
        training.resolve({**CONFIG, "imports": names})
    assert sentence in str(error.value) and "\n" not in str(error.value)
