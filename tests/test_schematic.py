"""The drawings of the unified view: what they show, and what they refuse."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import formulation_of, list_models
from dgm_zoo.viz import save_schematic
from dgm_zoo.viz.schematic import BLUE, PALE, places


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)


def count(path, colour):
    """The pixels of exactly one colour, such as "#1f5fbf"."""
    return int((pixels(path) == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(1).sum())


def drawn(path, *formulations):
    save_schematic(list(formulations), str(path))
    return path


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_ending_decides_and_the_bytes_repeat(tmp_path, ending, start):
    one = drawn(tmp_path / f"one.{ending}", formulation_of("vae"), formulation_of("gan"))
    two = drawn(tmp_path / f"two.{ending}", formulation_of("vae"), formulation_of("gan"))
    assert one.read_bytes().startswith(start) and one.read_bytes() == two.read_bytes()


def test_every_model_can_be_drawn(tmp_path):
    every = [formulation_of(name) for name in list_models()]
    drawn(tmp_path / "all.png", *every)
    for one in every:
        at = places(one)
        assert set(at) == set(one.nodes) and len(set(at.values())) == len(at)


def test_what_is_swapped_is_seen_in_the_picture(tmp_path):
    """Blue: an adversary; pale: a degenerate one. Hollow heads hold less ink than filled ones."""
    names = ("vae", "aavae", "gan")
    blue = {name: count(drawn(tmp_path / f"{name}.png", formulation_of(name)), BLUE) for name in names}
    pale = {name: count(tmp_path / f"{name}.png", PALE) for name in names}
    assert blue["vae"] < blue["aavae"] < blue["gan"]  # the legend's line alone, dashed, solid
    assert pale["vae"] > pale["aavae"] == pale["gan"] > 0

    gan = formulation_of("gan")
    filled = dataclasses.replace(gan, edges=tuple(dataclasses.replace(edge, implicit=False) for edge in gan.edges))
    ink = [int((pixels(drawn(tmp_path / "x.png", one)) < 128).all(1).sum()) for one in (gan, filled)]
    assert ink[0] < ink[1]


def test_variables_stand_by_their_part():
    assert places(formulation_of("infogan"))["x"] == places(formulation_of("aae"))["z"] == (0.0, 0.0)
    assert places(formulation_of("infogan"))["z"] == places(formulation_of("aae"))["x"]
    assert places(formulation_of("helmholtz"))["h"][0] == -places(formulation_of("helmholtz"))["x"][0]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("x.gif", "unknown ending of a drawing '.gif'"), ("x", "unknown ending of a drawing 'x'"),
        ("no/x.svg", "does not exist"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(tmp_path, monkeypatch, path, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=sentence):
        save_schematic([formulation_of("vae")], path)
    with pytest.raises(InvalidInput, match="at least one"):
        save_schematic([], "x.svg")
    assert not list(tmp_path.iterdir())
