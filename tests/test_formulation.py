"""Declarations of the unified view, compared with what one real training step does; and what is told of them."""

import contextlib
import dataclasses
import functools
import io
import json
import types
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import CLASSES, examples, tiny

from dgm_zoo.cli.main import main
from dgm_zoo.core.formulation import ABSENT, Ascent, inferred
from dgm_zoo.core.registry import register_model
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import (
    IWAE,
    Classifier,
    GenerativeModel,
    formulation_of,
    list_models,
    model_class,
)
from dgm_zoo.models.evidence.activation import Activated

MODELS = list_models()
DRAWS = {  # the methods of a model's parts that draw the samples of a source
    "prior": (("prior", "draw"), ("generative", "draw")),
    "posterior": (("posterior", "sample"), ("inference", "draw")),
}


# One training step: who moves, what each utility has a gradient for, which samples it changes with.


def changed(before, model):
    """The players any of whose variables differ from what they were."""
    now = snapshot(model)
    return {p for p in before if any(np.any(a != b) for a, b in zip(before[p], now[p], strict=True))}


def snapshot(model):
    return {p: [v.numpy() for v in model.player_variables(p)] for p in model.players}


def carried(model, objective, inputs, term):
    """The players to whose variables the mean of a term has a gradient that is not 0."""
    owned = {p: [v.value for v in model.player_variables(p)] for p in model.players}
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(objective(*inputs)[term])
    slopes = tape.gradient(value, owned)
    return {p for p in owned if any(g is not None and np.any(g.numpy() != 0) for g in slopes[p])}


def utilities(model, batch):
    """The values of the terms that a training step ascends, had no player moved before: `{movers: term}`."""
    found = {}

    def look(self, objective, *inputs, phase=None, when=None, moves=None, **ascents):
        terms = objective(*inputs)
        for term in set(ascents.values()):
            found[frozenset(p for p in ascents if ascents[p] == term)] = np.array(terms[term])
        return terms

    with mock.patch.object(GenerativeModel, "ascend", look):
        model.train_step(batch)
    return found


def moved_up(draw, of_noise):
    """A method that draws, each row with the next row's sample (or noise), the last with its own: other samples for
    the rows, and another set of samples for what depends on the batch only as a whole."""

    def up(values):
        n = tf.shape(values)[-2]
        return tf.gather(values, tf.minimum(tf.range(n) + 1, n - 1), axis=-2)

    def other(first, *rest):
        return draw(up(first), *rest) if of_noise else up(draw(first, *rest))

    return other


def reads(model, batch):
    """The sources of samples with which each utility changes: `{movers: sources}`."""
    batches = {"data": (examples(model, 8, seed=1)[0], *batch[1:])}
    if len(batch) > 1:
        batches["labels"] = (batch[0], keras.tree.map_structure(lambda label: (label + 1) % CLASSES, batch[1]))
    plain = utilities(model, as_data(batch))
    others = {source: utilities(model, as_data(other)) for source, other in batches.items()}
    for source, methods in DRAWS.items():
        with contextlib.ExitStack() as stack:
            for part, method in methods:
                if hasattr(model, part):
                    draw = getattr(getattr(model, part), method)
                    other = moved_up(draw, of_noise=part in ("generative", "inference"))
                    stack.enter_context(mock.patch.object(getattr(model, part), method, other))
            others[source] = utilities(model, as_data(batch))
    return {
        movers: {source for source, values in others.items() if not np.allclose(values[movers], plain[movers])}
        for movers in plain
    }


def as_data(batch):
    return batch if len(batch) > 1 else batch[0]


@functools.cache
def observed(name):
    """What a step of the table's tiny model does: `{movers: (moved, carries, reads)}`."""
    model = tiny(name)
    model.compile("sgd", run_eagerly=True)
    batch = examples(model, 8)
    sources, found, ascend = reads(model, batch), {}, GenerativeModel.ascend

    def look(self, objective, *inputs, phase=None, when=None, moves=None, **ascents):
        before = snapshot(model)
        carries = {term: carried(model, objective, inputs, term) for term in set(ascents.values())}
        terms = ascend(self, objective, *inputs, phase=phase, when=when, moves=moves, **ascents)
        moved = changed(before, model)
        assert moved <= set(ascents)
        for term in carries:
            movers = frozenset(p for p in ascents if ascents[p] == term)
            found[movers] = types.SimpleNamespace(moved=moved & movers, carries=carries[term], reads=sources[movers])
        return terms

    with mock.patch.object(GenerativeModel, "ascend", look):
        model.train_step(as_data(batch))
    return found


def check(declared, found):
    """Raises `AssertionError` unless a formulation's ascents are those that were observed, to the last source."""
    assert {frozenset(one.movers) for one in declared.ascents} == set(found)
    for one in declared.ascents:
        seen = found[frozenset(one.movers)]
        assert set(one.movers) == seen.moved, f"{one.who}: moves"
        assert set(one.carries) == seen.carries, f"{one.who}: carries"
        assert set(one.reads) == seen.reads, f"{one.who}: reads"


@pytest.mark.parametrize("name", MODELS)
def test_a_declaration_is_what_a_training_step_does(name):
    check(formulation_of(name), observed(name))


def altered(name, i, **changes):
    """The formulation of a model, with a lie in its i-th ascent."""
    declared = formulation_of(name)
    ascents = list(declared.ascents)
    ascents[i] = dataclasses.replace(ascents[i], **changes)
    return dataclasses.replace(declared, ascents=tuple(ascents))


LIES = {
    "the GAN's phi reaches the generator": ("gan", 0, {"carries": ("phi", "theta")}),
    "the GAN's theta does not pass through the discriminator": ("gan", 1, {"carries": ("theta",)}),
    "the GAN's theta sees data": ("gan", 1, {"reads": ("data", "prior")}),
    "the GAN's phi sees no samples of the prior": ("gan", 0, {"reads": ("data",)}),
    "the GAN's phi moves theta too": ("gan", 0, {"movers": ("phi", "theta"), "carries": ("phi", "theta")}),
    "the VAE's encoder rests": ("vae", 0, {"movers": ("theta",)}),
    "the VAE dreams": ("vae", 0, {"reads": ("data", "prior", "posterior")}),
    "the VAE samples no posterior": ("vae", 0, {"reads": ("data",)}),
    "the CVAE sees no labels": ("cvae", 0, {"reads": ("data", "posterior")}),
    "dreams come from the recognition network": ("helmholtz", 1, {"reads": ("posterior",)}),
    "weights carry a gradient": ("rws", 0, {"carries": ("theta", "eta")}),
    "the fakes of AAVAE carry a gradient": ("aavae", 1, {"carries": ("theta", "phi")}),
    "eta of the VAE/GAN sees the prior's samples": ("vaegan", 0, {"reads": ("data", "prior", "posterior")}),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{LIES[lie][0]}-{lie}")  # beside what is true of the model
def test_a_lie_is_found_out(lie):
    name, i, changes = LIES[lie]
    with pytest.raises(AssertionError):
        check(altered(name, i, **changes), observed(name))


def test_a_player_that_does_not_move_is_found_out():
    with mock.patch.object(model_class("vae"), "train_step", resting(model_class("vae").train_step, "eta")):
        with pytest.raises(AssertionError, match="moves"):
            check(formulation_of("vae"), observed.__wrapped__("vae"))


def resting(train_step, player):
    """A training step after which a player's optimizer has not moved it."""

    def step(self, data):
        with mock.patch.object(self.optimizers[player], "apply"):
            return train_step(self, data)

    return step


# What is declared once agrees with itself, and with the class.


@pytest.mark.parametrize("name", MODELS)
class TestDeclaration:
    def test_its_players_are_the_classes(self, name):
        assert set(formulation_of(name).players) == set(model_class(name).players)

    def test_its_arrows_are_those_of_the_models_parts(self, name):
        declared, model = formulation_of(name), tiny(name)
        trained = [edge for edge in declared.edges if edge.adversarial and not edge.degenerate]
        assert bool(trained) == ("phi" in declared.players)
        assert any(edge.degenerate for edge in declared.edges) == ("degenerate" in declared.q_y_given_x)
        into_x = [edge for edge in declared.edges if edge.target == "x" and edge.source in ("z", "h")]
        assert all(edge.implicit == (not hasattr(model, "likelihood") and name not in HELMHOLTZ) for edge in into_x)
        assert any(edge.source == "x" and edge.target in ("z", "h") for edge in declared.edges) == any(
            hasattr(model, part) for part in ("encoder", "inference", "recognition", "to_source")
        )
        assert ("c" in declared.nodes) == (declared.c != ABSENT) == ("label" in model.takes())

    def test_variables_of_the_drawing_are_latent_or_visible(self, name):
        declared = formulation_of(name)
        assert sorted(declared.latent + declared.visible) == sorted(declared.nodes)
        for edge in declared.edges:
            assert (declared.kind(edge) == "inference") == (edge.target in declared.latent)


HELMHOLTZ = ("helmholtz", "rws", "bihm")


def test_every_model_has_a_formulation_of_its_own():
    names = [formulation_of(name).name for name in list_models()]
    assert len(set(names)) == len(names)
    with pytest.raises(InvalidInput, match="unknown model 'vea'; did you mean 'vae'"):
        formulation_of("vea")


def test_a_class_without_one_is_not_registered():
    class Other(Classifier):
        pass

    with pytest.raises(InvalidInput, match="Other has no formulation of its own; give it one"):
        register_model("other")(Other)
    assert "other" not in list_models()


def test_activation_gives_a_subclass_its_formulation():
    class AAIWAE(Activated, IWAE):
        pass

    class Again(AAIWAE):
        pass

    found = AAIWAE.formulation
    assert found.name == "AA-IWAE" and found.players == ("theta", "eta", "phi")
    assert str(found.kl[0]) == "KL(q_η(z|x,y) q_φ^r(y|x) ‖ p_θ(z,y|x))"
    assert Again.formulation is found


def test_table_1_of_the_paper():
    """Which conditional generates and which infers, and in which phase: the marks of its columns."""
    marks = {
        name: [formulation_of(name).rows()[key][:3] for key in ("p_x_given_y", "q_y_given_x", "q_z_given_xy")]
        for name in ("ada", "gan", "infogan", "vae", "aavae", "aae", "helmholtz")
    }
    assert marks["ada"] == marks["gan"] == ["[I]", "[G]", "—"]
    assert marks["infogan"] == marks["aae"] == ["[I]", "[G]", "[G]"]
    assert marks["vae"] == marks["aavae"] == ["[G]", "[I]", "[I]"]
    assert not any(mark.startswith("[") for mark in marks["helmholtz"])
    assert (formulation_of("vae").phases, formulation_of("gan").phases) == (("wake",), ("sleep",))
    assert formulation_of("helmholtz").phases == formulation_of("vaegan").phases == ("wake", "sleep")
    assert formulation_of("ae").phases == formulation_of("classifier").phases == ()
    assert formulation_of("gan").latent == ("x",) and formulation_of("gan").visible == ("z", "y")


def test_ascents_are_checked_when_they_are_declared():
    assert inferred("q_η(z,c|x,y) q_*^r(y|x)") == ("z", "c", "y") and inferred("p_data(x)") == ()
    with pytest.raises(InvalidInput, match="unknown source of samples 'date'; did you mean 'data'"):
        Ascent(("theta",), "log p", reads=("date",), carries=("theta",))
    with pytest.raises(InvalidInput, match="cannot ascend"):
        Ascent(("theta",), "log p", reads=("data",), carries=("eta",))


# What is told of the declarations.


def told(*words):
    """The JSON document that a command prints, and its text."""
    texts = []
    for more in (["--json"], []):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([*words, *more]) == 0
        texts.append(out.getvalue())
    return json.loads(texts[0]), texts[1]


def test_describe_shows_the_formulation_of_a_model():
    found, text = told("describe", "aavae")
    assert found["formulation"]["kl"] == ["KL(q_η(z|x,y) q_φ^r(y|x) ‖ p_θ(z,y|x))"]
    assert found["formulation"]["latent"] == ["z", "y"] and found["formulation"]["phases"] == ["wake"]
    assert "  q_φ(y|x)            [I] q_φ(y|x): discriminator\n" in text


def test_describe_all_is_table_1_for_every_model_in_120_columns():
    found, text = told("describe", "--all")
    assert list(found["models"]) == list_models()
    assert max(map(len, text.splitlines())) <= 120
    for name in list_models():
        assert f"{formulation_of(name).name} ({name})\n" in text
    assert "reads: data, prior; gradient for: φ; constant: generated x" in text


def test_compare_sees_what_the_paper_says():
    found, text = told("compare", "vae", "infogan")
    assert found["observations"] == [
        "solid and dashed arrows are swapped: what generated infers, and what inferred generates",
        "z → x is a deterministic transformation",
        "x → y is learned by a player",
        "θ moves from the right of the KL, which covers modes, to the left, which misses modes",
    ]
    assert text.startswith("VAE → InfoGAN\n") and found["rows"]["phases"] == ["wake", "sleep"]
    assert told("compare", "infogan", "aae")[0]["observations"] == ["x and z are exchanged"]
    assert told("compare", "gan", "infogan")[0]["observations"] == ["x → z (solid, q_η(z|x,y)) is new"]
    assert told("compare", "infogan", "gan")[0]["observations"] == ["x → z (solid, q_η(z|x,y)) is gone"]
    assert told("compare", "gan", "ada")[0]["observations"] == ["the arrows are the same"]


def test_compare_sees_that_iwgan_differs_by_the_generators_weights():
    found, text = told("compare", "gan", "iwgan")
    assert found["observations"] == ["the arrows are the same"] and set(found["rows"]) == {"remark"}
    assert set(found["ascents"]) == {"θ"} and set(found["ascents"]["θ"]) == {"utility", "stopped"}
    assert found["ascents"]["θ"]["stopped"] == ["", "weights w̃_i"] and "θ: constant" in text


def test_draw_writes_the_models_that_it_is_given(tmp_path):
    found, text = told("draw", "gan", "vae", "ada", f"--out={tmp_path / 'm.svg'}")
    assert found["models"] == ["gan", "vae", "ada"] and "drew gan, vae, ada" in text
    assert (tmp_path / "m.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["compare", "gan", "gan"], "'gan' and 'gan' have the same formulation"),
        (["compare", "gan"], "give two models"),
        (["compare", "gan", "infogna"], "unknown model 'infogna'; did you mean 'infogan'?"),
        (["draw"], "MODEL is missing"),
        (["draw", "gna", "--out=x.svg"], "did you mean 'gan'?"),
        (["draw", "gan", "--out=x.gif"], "unknown ending of a drawing '.gif'"),
        (["draw", "gan", "--out=no/x.svg"], "does not exist"),
        (["describe", "gan", "--all"], "leave out 'gan'"),
    ],
)
def test_a_mistake_is_one_sentence(capsys, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and not list(tmp_path.iterdir())
