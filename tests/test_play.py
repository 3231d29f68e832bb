"""The playground: from an endpoint table to controls, and from what a person does to what the page shows."""

import importlib.util
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import zoo
from PIL import Image

from dgm_zoo.cli.main import main
from dgm_zoo.core.endpoints import SEED, Endpoint, Input
from dgm_zoo.errors import InvalidInput
from dgm_zoo.play import codes, controls, exhibits, show, words

NEEDS_GRADIO = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="Gradio is missing: pip install 'dgm_zoo[play]'"
)
X, LABEL = Input((4, 4, 1), range=(0.0, 1.0)), Input((), tf.int32, range=(0, 2))


def table(**endpoints):
    return {name: Endpoint(inputs, compute=lambda: {}) for name, inputs in endpoints.items()}


def exhibit(name, **changes):
    return exhibits.exhibit(name, zoo.tiny(name, **changes))


@pytest.fixture(scope="module")
def cvae():
    return exhibit("cvae")


# ------------------------------------------------------------------------------------------------ controls


@pytest.mark.parametrize("name, wanted, kind", [
    ("seed", SEED, "seed"), ("label", LABEL, "choice"), ("x", X, "picture"), ("x", Input((8, 8, 3)), "picture"),
    ("x", Input((112,), binary=True), "picture"), ("mask", X, "mask"), ("z", Input((50,)), "vector"),
    ("condition", Input((4, 16, 84), binary=True), "phrase"), ("temperature", Input(()), None),
    ("x", Input((2, 3, 4, 5)), None),
])
def test_an_input_gets_its_control_by_shape_and_range(name, wanted, kind):
    assert controls.kind_of(name, wanted) == kind


def test_endpoints_that_take_the_same_drawing_share_a_panel():
    z = Input((8,))
    found = controls.panels(table(
        sample={"seed": SEED, "label": LABEL}, decode={"z": z}, encode={"x": X}, render={"z": X, "seed": SEED},
        inpaint={"x": X, "mask": X, "seed": SEED}, log_likelihood={"x": X, "seed": SEED, "label": LABEL},
        sample_code={"seed": SEED, "continuous": Input((2,), range=(-1.0, 1.0))},
    ))
    assert [(one.kind, one.name, one.endpoints, list(one.extras), one.masked) for one in found] == [
        ("sample", "seed", ("sample", "sample_code"), ["label", "continuous"], False),
        ("picture", "x", ("encode", "inpaint", "log_likelihood"), ["label"], True),
        ("picture", "z", ("render",), [], False),
        ("vector", "z", ("decode",), [], False),
    ]


def test_an_endpoint_without_a_control_is_named():
    odd = table(sample={"seed": SEED}, cool={"seed": SEED, "temperature": Input(())}, morph={"x": X, "y": X})
    assert controls.left_out(odd) == ["cool", "morph"]


@pytest.mark.parametrize("bits, size", [(112, (8, 14, 1)), (9, (3, 3, 1)), (7, (1, 7, 1))])
def test_a_vector_of_bits_is_drawn_near_a_square(bits, size):
    assert controls.sheet(Input((bits,), binary=True)) == size


# ------------------------------------------------------------------------------------------------ answers


def test_samples_are_those_of_the_model(cvae):
    every = cvae.ask("sample", 5, 3, {"label": None})["x"]
    np.testing.assert_allclose(every, cvae.model.sample(5, seed=3, label=np.arange(5) % zoo.CLASSES), atol=1e-6)
    one = cvae.ask("sample", 2, 3, {"label": 1})["x"]
    np.testing.assert_allclose(one, cvae.model.sample(2, seed=3, label=1), atol=1e-6)


def test_a_wrong_request_gets_the_endpoints_own_sentence(cvae):
    with pytest.raises(InvalidInput, match=r"reconstruct: x has shape \[1, 64, 64, 3\], but this model takes"):
        cvae.ask("reconstruct", 1, 0, {"x": np.zeros((1, 64, 64, 3)), "label": 0})
    with pytest.raises(InvalidInput, match="seed is 4294967296; give a whole number"):
        cvae.ask("sample", 1, 2**32, {"label": 0})
    assert "role='alert'>x &lt; 0" in show.refused(InvalidInput("x < 0"))


def test_shapes_of_outputs_are_known_without_a_request(cvae):
    assert cvae.shapes("decode") == {"x": zoo.SHAPE}
    known = exhibits.exhibit("cvae", cvae.model, known={"decode": {"x": (9, 9, 1)}})
    assert known.shapes("decode") == {"x": (9, 9, 1)}


def test_an_example_for_a_sheet_is_made_by_the_model(cvae):
    sample = cvae.ask("sample", 1, 5, {"label": 0})["x"]
    np.testing.assert_array_equal(cvae.example(cvae.panels[1], 5), sample[0])
    classifier = exhibit("classifier")
    assert classifier.example(classifier.panels[0]) is None


def test_a_mask_for_a_sheet_is_that_of_a_sample():
    segvae = exhibit("segvae")
    sheets = {panel.name: panel for panel in segvae.panels if panel.kind == "picture"}
    mask = segvae.example(sheets["z"], 1)
    np.testing.assert_array_equal(mask, segvae.ask("segment", 1, 0, segvae.ask("sample", 1, 1))["mask"][0])
    assert "data:image/png" in show.answer(segvae, segvae.ask("render", 3, 0, {"z": mask}))


def test_each_kind_of_output_has_its_picture(cvae):
    def shown(**outputs):
        return show.answer(cvae, {name: np.asarray(value, "float32") for name, value in outputs.items()})

    assert shown(x=np.zeros((2, 4, 4, 1))).startswith("<img class='grid'")
    assert "-1.50 <small>nats" in shown(log_likelihood=[-1.5])
    bars = shown(logits=[[0, 1, 0]], probabilities=[[0.2, 0.7, 0.1]])
    assert "<p class='number'>1</p>" in bars and "70.0%" in bars
    assert "3 numbers, from -1.00 to 2.00" in shown(mean=[[2, -1, 0]])
    assert "points" in shown(x=np.random.default_rng(0).normal(size=(5, 2)))
    both = shown(mean=[[1, 2, 3]], stddev=[[1, 1, 1]])
    assert both.count("<figcaption>") == 2
    music = np.zeros((1, 2, 8, 84, 2))
    music[0, 0, :4, 30, 1] = 1
    assert "<audio controls src='data:audio/wav;base64," in shown(x=music)


def test_a_vector_of_bits_that_a_model_takes_is_drawn():
    one = exhibits.exhibit("bits", zoo.tiny("bihm", image_shape=(6,)), known={"sample": {"x": (6,)}})
    assert show.images(one, np.zeros((3, 6))).shape == (3, 2, 3, 1)


def test_an_uploaded_picture_is_taken_as_it_is(tmp_path):
    Image.fromarray(np.full((4, 6), 255, "uint8")).save(tmp_path / "grey.png")
    assert show.uploaded(tmp_path / "grey.png").shape == (1, 4, 6, 1)
    Image.fromarray(np.zeros((4, 6, 4), "uint8")).save(tmp_path / "colour.png")
    assert show.uploaded(tmp_path / "colour.png").shape == (1, 4, 6, 3)
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(InvalidInput, match="'notes.txt' cannot be read as an image"):
        show.uploaded(tmp_path / "notes.txt")


# ------------------------------------------------------------------------------------------------ codes


def test_the_map_is_exact_at_its_corners_and_on_its_tiles():
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], "float32")
    for i, (a, b) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        np.testing.assert_array_equal(codes.at(corners, a, b), corners[i])
    np.testing.assert_allclose(codes.grid(corners, 2), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    np.testing.assert_allclose(codes.path(corners[0], corners[3], 3), [[0, 0], [0.5, 0.5], [1, 1]])


def test_sliders_are_for_the_coordinates_that_matter(cvae):
    panel = next(panel for panel in cvae.panels if panel.kind == "vector")
    kernel = next(w for w in cvae.model.decoder.weights if w.shape[0] in (panel.wanted.shape[0],
                                                                          panel.wanted.shape[0] + zoo.CLASSES))
    before = kernel.numpy()
    silent = before.copy()
    silent[1:] = 0  # only the first coordinate has a say
    kernel.assign(silent)
    found = codes.span(cvae, panel)
    kernel.assign(before)
    assert found.indices[0] == 0 and found.total == panel.wanted.shape[0]
    assert found.low == -found.high < 0


def test_codes_are_draws_of_the_models_prior(cvae):
    panel = next(panel for panel in cvae.panels if panel.kind == "vector")
    z = codes.draws(cvae, panel, 3, 7)
    np.testing.assert_allclose(
        cvae.ask("decode", 3, 0, {"z": z, "label": 2})["x"], cvae.ask("sample", 3, 7, {"label": 2})["x"], atol=1e-5
    )


def test_the_page_says_what_p_q_and_z_are(cvae):
    said = words.about("mine", cvae.model)
    assert "<h2>mine</h2>" in said and "q(z|x)" in said and "the generator" in said
    assert "the mean of p(x|z)" in words.says(cvae, "decode")


# ------------------------------------------------------------------------------------------------ the page


@NEEDS_GRADIO
@pytest.mark.parametrize("name, changes, tabs", [
    ("cyclegan", {}, ["Draw"]),
    ("segvae", {}, ["Samples", "Draw x", "Draw a mask", "Code z", "Between two"]),
    ("musegan", {"condition": "track 1"}, ["Accompany"]),
])
def test_a_page_is_built_from_the_endpoint_table(name, changes, tabs):
    check_page(exhibit(name, **changes), tabs)


def check_page(one, tabs):
    """Builds the page of an exhibit, checks its tabs and that each endpoint is explained; returns the page."""
    import gradio as gr

    from dgm_zoo.play.panels import build

    with gr.Blocks() as page:
        build(one, gr.Number(0), 0)
    assert [block.label for block in page.blocks.values() if isinstance(block, gr.Tab)] == tabs
    shown = "".join(str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert "class='refused'" not in shown
    for panel in one.panels:
        for endpoint in panel.endpoints:
            assert words.says(one, endpoint) in shown
    return page


@NEEDS_GRADIO
def test_a_drawing_goes_onto_the_sheet_and_back(cvae):
    from dgm_zoo.play import widgets

    x = np.round(np.random.default_rng(0).random(zoo.SHAPE), 1)
    value = widgets.on_paper(x, X)
    back, known = widgets.drawn(value, X)
    np.testing.assert_allclose(back, x, atol=1 / 255)
    assert known.all()
    value["known"][3] = 0
    assert widgets.drawn(value, X)[1].ravel()[3] == 0
    bits = widgets.on_paper(x, X._replace(binary=True))
    assert set(bits["pixels"]) <= {0, 255}


@NEEDS_GRADIO
def test_a_seed_that_does_not_fit_is_answered_with_a_sentence(cvae):
    page = check_page(cvae, ["Samples", "Draw", "Code z", "Between two"])
    (sample,) = [fn for fn in page.fns.values() if any("sample" in (out.elem_classes or []) for out in fn.outputs)]
    assert "seed is 4294967296; give a whole number" in sample.fn(16, 2**32, "each in turn")
    assert sample.fn(16, 5, "2") == show.answer(cvae, cvae.ask("sample", 16, 5, {"label": 2}))


@NEEDS_GRADIO
def test_a_port_that_is_taken_is_refused():
    import socket

    from dgm_zoo.play.page import HOST, free_port

    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port {port} cannot be used"):
            free_port(port)
    assert free_port(None) >= 7860


def test_the_command_says_how_to_install_what_it_lacks(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["play", "--preset=vae_mnist"]) == 2
    assert re.fullmatch(r"dgm-zoo: .*install it with: pip install 'dgm_zoo\[play\]'\n", capsys.readouterr().err)


def test_the_command_refuses_two_sources(tmp_path, capsys):
    assert main(["play", "--preset=vae_mnist", f"--workdir={tmp_path}"]) == 2
    assert "give one of --workdir=DIR" in capsys.readouterr().err


def test_a_collection_refuses_what_it_does_not_have(monkeypatch):
    with pytest.raises(InvalidInput, match="vae_mnist"):
        exhibits.Collection().open("vae_mnst")
    monkeypatch.setattr(exhibits.serving, "list_presets", list)
    with pytest.raises(InvalidInput, match="there are no presets"):
        exhibits.Collection()


AT_ONCE = """
import threading
from dgm_zoo.cli.commands import play
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.play.exhibits import Collection
collection, failed = Collection(None, import_tensorflow), []
threading.excepthook = lambda args: failed.append(repr(args.exc_value))
def visit():
    collection.open("vae_digits").ask("sample", 1)
    import dgm_zoo.play.panels
visits = [threading.Thread(target=visit) for _ in range(8)]
visits.insert(0, threading.Thread(target=play._load, args=(collection, "vae_digits")))
for one in visits:
    one.start()
for one in visits:
    one.join()
print(failed)
"""


@pytest.mark.exhaustive
def test_visitors_who_come_before_tensorflow_is_imported_do_not_import_it_half():
    ran = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, timeout=300)
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr


@NEEDS_GRADIO
@pytest.mark.exhaustive
def test_control_c_while_a_model_is_loaded_ends_the_page_quietly():
    command = [sys.executable, "-m", "dgm_zoo.cli", "play", "--preset=vae_digits", "--port=0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a background job ignores
    ) as page:
        assert page.stdout.readline().startswith("open http://127.0.0.1:")
        page.send_signal(signal.SIGINT)
        said, errors = page.communicate(timeout=120)
    assert page.returncode == 0 and said.startswith("closed ") and "Traceback" not in errors


def test_a_closed_collection_loads_nothing_more():
    collection = exhibits.Collection()
    collection.close()
    with pytest.raises(InvalidInput, match="the page is closed; start it again"):
        collection.open("vae_digits")
