"""The public doors that `fuzz.py` tries, by area, each with arguments that work and the rule of a right answer."""

import contextlib
import copy
import functools
import importlib
import inspect
import io
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from fuzz_values import ARRAY, COUNT, LARGE, NAME, NUMBER, PATH, REAL, SEED, SHAPE, Kind, array_of, constant
from test_config_values import BASE, LOOP, TAKEN, VALUES
from zoo import EXCEPTIONS, examples, tiny
from zoo import SHAPE as X_SHAPE

import dgm_zoo
from dgm_zoo import data, distributions, metrics, serving, viz
from dgm_zoo.cli import main as cli
from dgm_zoo.core import recipes, registry
from dgm_zoo.data.tracks import BAND
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import GenerativeModel, list_models, model_class
from dgm_zoo.serving.metadata import GIVEN
from dgm_zoo.serving.warmup import one_row
from dgm_zoo.training.config import resolve

ROWS = 2


class Door(NamedTuple):
    """A public door.

    Attributes:
      name: as it is called.
      call: the function.
      good: arguments that work.
      kinds: dict of argument to the `Kind` of values that replace it.
      rule: function (arguments, answer) that returns what is wrong with an answer, or None.
    """

    name: str
    call: object
    good: dict
    kinds: dict
    rule: object = lambda given, answer: None

    def cases(self):
        """(argument, label, value, whether it can be right) of every input; a value that cannot be made is left out."""
        for argument, kind in self.kinds.items():
            for label, value in kind.values.items():
                with contextlib.suppress(TypeError, ValueError, IndexError, tf.errors.OpError):
                    yield argument, label, value(self.good.get(argument)), label in kind.may


def finite(given, answer):
    """All numbers of an answer are finite, and it has a row for each row asked for."""
    for value in tf.nest.flatten(answer):
        if isinstance(value, np.ndarray | float | tf.Tensor) and not np.all(np.isfinite(value)):
            return "answered NaN or infinity"
    rows = {len(value) for value in given.values() if isinstance(value, np.ndarray | list) and np.ndim(value)}
    if isinstance(given.get("n"), int | np.integer):
        rows.add(int(given["n"]))
    for value in tf.nest.flatten(answer):
        if isinstance(value, np.ndarray) and value.ndim and rows and len(value) not in rows:
            return f"answered {len(value)} rows for {sorted(rows)}"
    return None


# ------------------------------------------------------------------------------------------ models


@functools.cache
def built(name):
    model = tiny(name)
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def of_endpoints(name):
    """`answer` of each endpoint, `model(x)`, `predict`, and the methods that a user calls."""
    model, pool = built(name), {}
    for endpoint, entry in model.endpoints().items():
        good = {key: np.repeat(row, ROWS, 0) for key, row in one_row(entry).items()}
        kinds = {key: array_of(wanted, len(good) > 1) for key, wanted in entry.inputs.items()}
        pool |= {key: (good[key], array_of(wanted)) for key, wanted in entry.inputs.items() if key != "seed"}
        call = lambda _endpoint=endpoint, **given: model.answer(_endpoint, **given)  # noqa: E731
        yield Door(f"{name}.answer:{endpoint}", call, good, kinds, finite)
    for method, function in inspect.getmembers(type(model), inspect.isfunction):
        of_ours = function.__module__.startswith("dgm_zoo")
        if method[0] != "_" and of_ours and (method in model.endpoints() or method in OTHERS):
            yield from of_method(name, model, method, inspect.signature(getattr(model, method)).parameters, pool)
    if model.call_endpoint:
        entry = model.endpoints()[model.call_endpoint[0]]
        if len(entry.inputs) == 1:
            ((key, wanted),) = entry.inputs.items()
            good, kinds = {"x": pool[key][0]}, {"x": array_of(wanted).allowing("no rows")}
            yield Door(f"{name}.predict", lambda x: model.predict(x, verbose=0), good, kinds, finite)
            kinds = {"x": kinds["x"].allowing("keras input")}  # as in the functional API of Keras
            yield Door(f"{name}", lambda x: model(x), good, kinds, finite)


OTHERS = {  # methods besides endpoints
    "draw",
    "gibbs",
    "resample",
    "inpaint",
    "log_p_tilde",
    "log_p_star",
    "weight_moments",
    "z_moments",
    "compose",
    "interpolate",
    "perform",
    "accompany",
    "translate",
    "render",
    "features",
}
BY_NAME = {  # argument: what it is given, and its kind
    "n": (2, COUNT),
    "phrases": (2, COUNT),
    "num_samples": (3, COUNT),
    "steps": (2, COUNT),
    "candidates": (2, COUNT),
    "inner": (2, COUNT),
    "seed": (0, SEED),
    "first": (0, SEED),
    "second": (1, SEED),
    "to": ("source", NAME),
}


def of_method(name, model, method, parameters, pool):
    good, kinds, table = {}, {}, model.endpoints()
    inputs = table[method].inputs if method in table else table.get("sample", next(iter(table.values()))).inputs
    for key, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if key in BY_NAME:
            good[key], kinds[key] = BY_NAME[key]
            if parameter.default is None or (key == "steps" and method == "gibbs"):
                kinds[key] = kinds[key].allowing("None" if parameter.default is None else "0")
        elif key == "mask" and key in pool:
            good[key], kinds[key] = pool[key][0], pool[key][1].allowing("one axis less")
        elif key in pool and (key in inputs or parameter.default is parameter.empty):
            good[key], kinds[key] = pool[key]
            if parameter.default is None:
                kinds[key] = kinds[key].allowing(
                    *(("None", "0", "0-d", "True", "one axis less") if method in ("draw", "sample") else ("None",))
                )
        elif parameter.default is parameter.empty:
            return  # not an array of an endpoint: an argument of another kind
    if method == "log_p_star":
        model.log_z = -1.0
    yield Door(f"{name}.{method}", getattr(model, method), good, kinds, finite)


def usable(given, model):
    """A model that was built has finite weights, and answers or scores a batch of its own shape with finite numbers."""
    if not isinstance(model, GenerativeModel):
        return f"returned a {type(model).__name__}"
    if not all(np.isfinite(v.numpy()).all() for v in model.weights):
        return "has weights that are not finite"
    model.get_config()
    for endpoint, entry in model.endpoints().items():
        rows = {key: np.repeat(row, ROWS, 0) for key, row in one_row(entry).items()}
        for output in entry_of(model, endpoint, rows).values():
            if not np.isfinite(output).all():
                return f"{endpoint} answers NaN or infinity"
    return None


def entry_of(model, name, rows):
    """An endpoint's answer, computed without a graph."""
    answer = model.endpoint_function(name)(**{key: tf.constant(value) for key, value in rows.items()})
    return {key: value.numpy() for key, value in answer.items()}


SOME = (
    *("None", "0", "1", "2.5", "2.0", "int64", "float64", "no list", "no dict", "False", "True", "no text", "-1"),
    *("inf", "2**31", "10**12", "2**63", "10**30", "tensor"),
)
ARGUMENT = Kind(NUMBER.values).allowing(*SOME)


def of_create(name):
    """`create` with each of its arguments."""
    good = {"image_shape": X_SHAPE, **registry.small(name), **EXCEPTIONS.get(name, {}), "seed": 0}
    own = {"image_shape": SHAPE, "seed": SEED.allowing("None")}
    kinds = {key: own.get(key, OF_ARGUMENT.get(key, ARGUMENT)) for key in registry.arguments(name)}
    yield Door(f"create:{name}", lambda **given: dgm_zoo.create(name, **given), good, kinds, usable)


LISTS = {
    "0 in a list": [0],
    "-1 in a list": [-1],
    "2.5 in a list": [2.5],
    "huge in a list": [10**12],
    "'0'": "0",
    "'4,,4'": "4,,4",
}
WIDTHS = Kind({**NUMBER.values, **constant(LISTS)}).allowing(
    "None", "no list", "one in a list", "'3'", "no text", "range", "1", "0", "no dict"
)
OF_ARGUMENT = {
    "latent_dim": COUNT,
    "num_classes": COUNT.allowing("None"),
    "k": COUNT.allowing("None"),
    "categories": COUNT.allowing("0"),
    "log_z": NUMBER.allowing("None", "-1", "0", "-2**63"),
    **dict.fromkeys(
        (
            "hidden", "group_hidden", "discriminator_hidden", "encoder_hidden", "classifier_hidden", "predictor_hidden",
            "recognition_hidden", "filters", "layers", "groups",
        ), WIDTHS
    ),
}


def parts_of(model):
    """The arguments of a model's constructor that are layers or networks."""
    found = {key: getattr(model, key, None) for key in recipes.constructor_arguments(type(model))}
    return {key: part for key, part in found.items() if isinstance(part, keras.layers.Layer)}


class Subclassed(keras.Model):
    def call(self, x):
        return x


def of_constructor(name):
    """The constructor with parts of another model, heads in another role, and networks of another form."""
    model = built(name)
    every = {key: getattr(model, key) for key in recipes.constructor_arguments(type(model)) if hasattr(model, key)}
    parts, x, z = parts_of(model), keras.Input(X_SHAPE), keras.Input((2,))
    values = {
        "a name": "IndependentBernoulli",
        "a class": distributions.IndependentNormal,
        "subclassed": Subclassed(),
        "subclassed layer": keras.layers.Lambda(lambda x: x),
        "a layer": keras.layers.Dense(2),
        "no input": keras.Sequential([keras.layers.Dense(2)]),
        "dict of outputs": keras.Model(x, {"a": x, "b": x}),
        "dict of outputs of z": keras.Model(z, {"a": z}),
        "two outputs": keras.Model(x, [x, x]),
        "two inputs": keras.Model([x, z], [keras.layers.Flatten()(x)]),
        "identity": keras.Model(x, x),
    }
    shape = getattr(parts.get("posterior"), "event_shape", (2,))
    values |= {f"{head} over z": distributions.get(head, shape) for head in OVER}
    values |= {f"{head} over x": distributions.get(head, X_SHAPE) for head in OVER}
    values["VampPrior of other data"] = distributions.VampPrior(shape, (3, 3, 1), 2)
    values["VampPrior"] = distributions.VampPrior(shape, X_SHAPE, 2)
    values |= {
        f"{key} of another {other}": part
        for other in ("vae", "gan", "rws", "ada")
        for key, part in parts_of(built(other)).items()
    }
    for other in parts.values():
        if isinstance(other, distributions.Head):
            values[f"its {type(other).__name__}"] = other
    kind = Kind({**NUMBER.values, **constant(values)}, frozenset(values))
    required = {key for key, one in recipes.constructor_arguments(type(model)).items() if one.default is one.empty}
    kinds = {key: kind if key in required else kind.allowing("None") for key in parts}
    yield Door(type(model).__name__, lambda **given: type(model)(**given), every, kinds, scored)


OVER = (
    "StandardNormal",
    "BernoulliPrior",
    "UniformPrior",
    "IndependentNormal",
    "Deterministic",
    "StraightThroughBernoulli",
    "IndependentLogistic",
    "OneHotCategorical",
    "IndependentBernoulli",
)


def scored(given, model):
    """A model that was built takes a step of evaluation with a finite loss, and answers as `usable` says."""
    model.compile("adam", run_eagerly=True)
    batch = examples(model, ROWS)
    found = model.test_on_batch(*batch, return_dict=True)
    if not np.isfinite(found["loss"]):
        return f"loss {found['loss']}"
    model.train_on_batch(*batch)
    return usable(given, model)


def of_training(name):
    """`fit`, `evaluate`, `predict`, `train_on_batch` and `compile`."""
    model = built(name)
    x, *label = examples(model, 4)
    several, labelled = bool(model.domains), bool(label)
    if several:
        x_kind = Kind(constant({key: value for key, value in constant_odd().items()}))
        y_kind = x_kind.allowing("None")
    else:
        takes = model.takes()
        x_kind = array_of(takes["x"], labelled)
        x_kind = x_kind if labelled else x_kind._replace(may=x_kind.may - {"no rows"})
        y_kind = array_of(takes["label"], True) if labelled else ARRAY.allowing(*ARRAY.values)
    good = {"x": x, "y": label[0] if label else None, "batch_size": 2}
    for method in ("fit", "evaluate"):
        call = functools.partial(getattr(model, method), verbose=0)
        kinds = {"x": x_kind, "y": y_kind, "batch_size": COUNT.allowing("None", "2**31", "10**12", "2**63", "10**30")}
        if method == "fit":
            kinds |= {
                "epochs": COUNT._replace(
                    values={
                        k: v
                        for k, v in COUNT.values.items()
                        if k not in ("2**31", "10**12", "2**63", "10**30", "10**400")
                    }
                ),
                "initial_epoch": COUNT.allowing("0"),  # from 1 on there is nothing to do, as in Keras
                "validation_split": REAL._replace(may=frozenset({"0"})),
                "steps_per_epoch": COUNT.allowing("None"),
                "validation_freq": COUNT.allowing("set", "no list", "list", "range", "one in a list"),
                "class_weight": Kind(NUMBER.values).allowing("None"),
            }
        kinds["sample_weight"] = ARRAY.allowing("None", "0.5", "2.5 in it", "2**40")
        yield Door(
            f"{name}.{method}",
            call,
            {**good, "sample_weight": np.ones(4, "float32") if model.takes_weights else None},
            kinds,
            loss_is_finite,
        )
    compile_kinds = {
        "optimizer": Kind(
            {
                **NUMBER.values,
                **constant(
                    {
                        "player 5": {"theta": 5},
                        "no player": {"nobody": "adam"},
                        "misspelt": "sgdd",
                        "class": keras.optimizers.Adam,
                    }
                ),
            }
        ),
        "steps_per_execution": COUNT,
        "jit_compile": NUMBER.allowing("True", "False", "1", "0", "int64"),
        "metrics": Kind(NUMBER.values).allowing("None", "no list", "no dict", "no text", "0", "False"),
        "loss": Kind(NUMBER.values).allowing("None"),
        "run_eagerly": NUMBER.allowing("True", "False", "1", "0"),
    }
    fresh = tiny(name)
    yield Door(f"{name}.compile", fresh.compile, {"optimizer": "adam"}, compile_kinds)


def constant_odd():
    from fuzz_values import NUMBERS, ODD

    return {**ODD, **NUMBERS}


def loss_is_finite(given, answer):
    values = answer.history.get("loss", []) if hasattr(answer, "history") else answer
    return None if np.all(np.isfinite(np.ravel(values).astype(float))) else "the loss is not finite"


# ------------------------------------------------------------------------------------------ data


def of_data():
    """`load`, `info`, `class_shares`, `load_pair`, `from_arrays`, `pair_from_arrays`."""
    flag = NAME.allowing("True", "False")
    limit = COUNT.allowing("None")
    options = {
        "split": NAME,
        "batch_size": COUNT,
        "labels": flag,
        "binarize": NAME.allowing("None"),
        "dequantize": flag,
        "image_size": SHAPE._replace(may=frozenset({"None"})),
        "shuffle": flag.allowing("None"),
        "seed": SEED,
        "first_epoch": COUNT.allowing("None", "0"),
        "limit": limit,
        "labelled_fraction": REAL.allowing("None"),
        "labels_per_class": limit,
        "labelled_rows": limit,
        "pairs": limit.allowing("0"),
    }
    music = {key: limit for key in ("bars", "hop", "steps", "sounding")}
    good = {"name": "digits", "split": "train", "batch_size": 2, "labels": True}
    load = lambda **given: next(iter(data.load(**given)))  # noqa: E731
    yield Door(
        "data.load",
        load,
        good,
        {"name": NAME, **options, **music, "data_dir": NAME.allowing("None", "text", "no text", "long text", "'3'")},
    )
    yield Door("data.info", lambda name: data.info(name), {"name": "digits"}, {"name": NAME})
    yield Door("data.class_shares", lambda **given: data.class_shares(**given), {"name": "digits"}, {"name": NAME})
    x, y = np.random.default_rng(0).random((4, 4, 4, 1)).astype("float32"), np.array([0, 1, 2, 1])
    arrays = lambda **given: next(iter(data.from_arrays(**given)))  # noqa: E731
    kinds = {
        "x": ARRAY.allowing("0.5", "one axis more", "one axis less", "twice as wide"),
        **options,
        "y": ARRAY._replace(may=frozenset({"list of it", "int8", "uint64", "tensor", "reversed", "-1.0"})),
        "levels": NUMBER.allowing("None", "int64"),
    }
    yield Door("data.from_arrays", arrays, {"x": x, "y": y, "batch_size": 2, "labels": True}, kinds, finite_batch)
    pair = lambda **given: next(iter(data.load_pair(**given)))  # noqa: E731
    shared = {
        "split": NAME,
        "labels": NAME,
        "image_size": options["image_size"],
        "channels": NUMBER.allowing("None", "1"),
        "limit": NAME.allowing("None"),
        "balanced": flag,
        "seed": SEED,
        "first_epoch": options["first_epoch"],
        "batch_size": COUNT,
    }
    yield Door(
        "data.load_pair",
        pair,
        {"source": "digits", "target": "digits", "batch_size": 4},
        {"source": NAME, "target": NAME, **shared},
    )
    own = lambda **given: next(iter(data.pair_from_arrays(**given)))  # noqa: E731
    yield Door(
        "data.pair_from_arrays",
        own,
        {"source": x, "target": x, "y_source": y, "y_target": y, "batch_size": 4},
        {
            "source": ARRAY.allowing("0.5"),
            "target": ARRAY.allowing("0.5"),
            "y_source": kinds["y"].allowing("None"),
            "y_target": kinds["y"].allowing("None"),
            "ranges": NAME.allowing("None"),
            **{key: one for key, one in shared.items() if key != "labels"},
        },
        finite_batch,
    )


def finite_batch(given, answer):
    values = [np.asarray(value) for value in tf.nest.flatten(answer)]
    return None if all(np.isfinite(value).all() for value in values) else "a batch is not finite"


def of_config():
    """Each key of a config, with the values and the table of right ones of `test_config_values.py`."""
    for key, taken in TAKEN.items():

        def read(value, key=key):
            config = copy.deepcopy(BASE)
            *sections, leaf = key.split(".")
            node = config
            for section in sections:
                node = node.setdefault(section, {})
            node[leaf] = value
            return resolve(config)

        yield Door(f"config.{key}", read, {}, {"value": Kind(constant(VALUES), frozenset(taken))})


# ------------------------------------------------------------------------------------------ metrics, viz, serving


def of_metrics():
    rng = np.random.default_rng(0)
    rows, other = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    p = np.full((40, 2), 0.5)
    bits, label = (rng.random((40, 3)) < 0.5).astype("float32"), np.arange(40) % 2
    model, batches = built("vae"), tf.data.Dataset.from_tensor_slices(examples(built("vae"), 4)[0]).batch(2)
    real = ARRAY.allowing("3e38", "-1.0", "2.5 in it", "0.5", "2**40", "1e300 in it", "twice as wide", "one row")
    whole = ARRAY._replace(may=frozenset({"list of it", "int8", "uint64", "tensor", "reversed", "2**40", "-1.0"}))
    models = Kind(
        {
            **NUMBER.values,
            **constant({"a layer": keras.layers.Dense(1), "keras model": keras.Sequential([keras.Input((2,))])}),
        }
    )
    sets = Kind(
        {
            **NUMBER.values,
            **constant(
                {
                    "an array": np.zeros((2, *X_SHAPE), "float32"),
                    "a tensor": tf.zeros((2, *X_SHAPE)),
                    "empty": batches.take(0),
                    "not batched": batches.unbatch(),
                    "other shape": tf.data.Dataset.from_tensors(tf.zeros((2, 3))),
                    "NaN": tf.data.Dataset.from_tensors(tf.fill((2, *X_SHAPE), np.nan)),
                    "of text": tf.data.Dataset.from_tensors(["a"]),
                    "dicts": tf.data.Dataset.from_tensors({"a": tf.zeros((2, *X_SHAPE))}),
                }
            ),
        }
    )
    pair = {"real": real, "generated": real}
    few = {"model": models, "dataset": sets}
    good = {"model": model, "dataset": batches}
    table = {
        "precision_recall": ({"real": rows, "generated": other}, {**pair, "k": COUNT}),
        "density_coverage": ({"real": rows, "generated": other}, {**pair, "k": COUNT}),
        "frechet_distance": ({"real": rows, "generated": other}, pair),
        "kernel_distance": ({"real": rows, "generated": other}, {**pair, "subsets": COUNT}),
        "inception_score": (
            {"probabilities": p},
            {"probabilities": ARRAY.allowing("0.5", "one row", "one axis less"), "splits": COUNT},
        ),
        "conditional_accuracy": ({"probabilities": p, "label": label}, {"probabilities": real, "label": whole}),
        "mode_coverage": (
            {"points": rows[:, :2], "dataset": "gaussian_mixtures/ring"},
            {"points": real, "dataset": NAME, "least": COUNT},
        ),
        "constant_units": ({"code": bits}, {"code": real}),
        "pairwise_information": ({"code": bits}, {"code": real}),
        "distinct_codes": ({"code": bits}, {"code": real}),
        "factorial": ({"code": bits, "patterns": 4}, {"code": real, "patterns": COUNT}),
        "counterpart_error": ({"translated": bits, "counterpart": bits}, {"translated": real, "counterpart": real}),
        "retrieval": ({"translated": bits, "counterpart": bits}, {"translated": real, "counterpart": real}),
        "intersection_over_union": (
            {"mask": bits, "truth": bits},
            dict.fromkeys(("mask", "truth"), ARRAY.allowing("one axis more")),
        ),
        "share": (
            {"right": bits[:, 0] > 0.5, "protocol": "a"},
            {"right": ARRAY.allowing("one row", "0.5", "twice as wide")},
        ),
        "code_error": ({"category": label, "label": label, "held_out_category": label, "held_out_label": label}, {}),
        "sample_quality": ({"x": rows[:, :2], "dataset": "gaussian_mixtures/ring"}, {"x": real, "dataset": NAME}),
        "least_samples": ({"dataset": "gaussian_mixtures/ring"}, {"dataset": NAME}),
        "music_quality": (
            {"phrases": np.zeros((2, 2, 16, 84, 5), "uint8"), "tracks": BAND},
            {"phrases": ARRAY.allowing("one row"), "tracks": NAME},
        ),
        "phrase_features": (
            {"phrases": np.zeros((2, 2, 16, 84, 5), "uint8"), "tracks": BAND},
            {"phrases": ARRAY.allowing("one row"), "tracks": NAME},
        ),
        "shuffled_tracks": (
            {"phrases": np.zeros((2, 2, 16, 84, 5), "uint8")},
            {"phrases": ARRAY.allowing("one row", "twice as wide"), "seed": SEED},
        ),
        "nearest_distances": (
            {"x": bits, "others": np.packbits(bits.astype("uint8").reshape(len(bits), -1), 1)},
            {"x": ARRAY.allowing("one row", "one axis more", "twice as wide"), "others": ARRAY.allowing("one row")},
        ),
        "log_likelihood": ({**good, "num_samples": 3}, {**few, "num_samples": COUNT, "seed": SEED}),
        "bound_terms": (good, few),
        "active_units": (good, {**few, "threshold": REAL.allowing(*LARGE, "2**63", "10**30")}),
        "aggregate_posterior": (good, {**few, "seed": SEED}),
        "codes_and_prior": (good, {**few, "seed": SEED}),
        "consistency": (
            {**good, "num_samples": 2, "dreams": 2},
            {**few, "num_samples": COUNT, "dreams": COUNT, "seed": SEED},
        ),
        "helmholtz_evidence": (
            {"model": built("bihm"), "dataset": batches, "num_samples": 2},
            {**few, "num_samples": COUNT, "seed": SEED, "log_z": NUMBER.allowing("None")},
        ),
        "log_partition": (
            {"model": built("bihm"), "num_samples": 8},
            {"model": models, "num_samples": COUNT, "inner": COUNT, "seed": SEED},
        ),
        "extractor": ({"given": len}, {"given": NAME.allowing("lambda", "type")}),
        "frechet_of_moments": (
            {"mean_1": rows[0], "cov_1": np.eye(3), "mean_2": rows[1], "cov_2": np.eye(3)},
            {key: real.allowing("range") for key in ("mean_1", "cov_1", "mean_2", "cov_2")},
        ),
    }
    assert set(table) <= set(metrics.__all__)
    for name, (good, kinds) in table.items():
        yield Door(f"metrics.{name}", getattr(metrics, name), good, kinds, numbers_are_finite)


def numbers_are_finite(given, answer):
    values = [value for value in tf.nest.flatten(answer) if isinstance(value, float | np.ndarray)]
    return None if all(np.all(np.isfinite(value)) for value in values) else "a number is not finite"


@functools.cache
def scratch():
    return tempfile.mkdtemp(prefix="fuzz_")


def of_viz():
    x = np.zeros((4, 4, 4, 1), "float32")
    pixels = ARRAY.allowing(
        "3e38",
        "-1.0",
        "2.5 in it",
        "0.5",
        "2**40",
        "1e300 in it",
        "one row",
        "twice as wide",
        "inf in it",
        "-inf in it",
    )
    points = ARRAY.allowing("3e38", "-1.0", "2.5 in it", "0.5", "2**40", "1e300 in it", "one row", "twice as wide")
    codes, path = np.random.default_rng(0).normal(size=(4, 2)), os.path.join(scratch(), "a.png")
    phrase = np.zeros((2, 16, 84, 5), "uint8")
    paths = PATH.allowing("text", "'3'")
    dicts = Kind(
        {
            **NUMBER.values,
            **constant(
                {
                    "of text": {"a": "b"},
                    "ragged": {"a": [[1.0], [1.0, 2.0]]},
                    "of None": {"a": None},
                    "key 3": {3: codes},
                }
            ),
        }
    )
    table = {
        "save_grid": (
            {"images": x},
            {"images": pixels, "columns": COUNT.allowing("None", "2**31", "10**12", "2**63", "10**30")},
        ),
        "save_pairs": ({"x": x, "reconstruction": x}, {"x": pixels, "reconstruction": pixels}),
        "save_rows": ({"rows": {"a": x}}, {"rows": dicts}),
        "save_interpolation": ({"rows": x[None]}, {"rows": pixels}),
        "save_latent_map": (
            {"codes": codes, "labels": np.arange(4)},
            {
                "codes": points,
                "labels": ARRAY.allowing(
                    "None", "array of text", "0.5", "2.5 in it", "-1.0", "2**40", "3e38", "1e300 in it"
                ),
            },
        ),
        "save_points": (
            {"panels": {"a": codes}},
            {"panels": dicts.allowing("key 3"), "columns": COUNT.allowing("None")},
        ),
        "save_curves": ({"history": {"loss": [1.0, 2.0]}}, {"history": dicts}),
        "save_pianoroll": (
            {"phrases": phrase[None], "tracks": BAND},
            {"phrases": ARRAY.allowing("0.5", "one row"), "tracks": NAME},
        ),
        "save_midi": (
            {"phrase": phrase, "tracks": BAND},
            {"phrase": ARRAY.allowing("one row"), "tracks": NAME, "tempo": REAL},
        ),
        "save_wav": (
            {"phrase": phrase, "tracks": BAND},
            {"phrase": ARRAY.allowing("one row"), "tracks": NAME, "tempo": REAL},
        ),
        "save_schematic": ({"formulations": [model_class("vae").formulation]}, {"formulations": NAME}),
    }
    for name, (good, kinds) in table.items():
        yield Door(f"viz.{name}", getattr(viz, name), {**good, "path": path}, {**kinds, "path": paths}, written)


def written(given, answer):
    path = given["path"]
    return None if os.path.getsize(path) else f"{path} is empty"


def of_serving():
    text = NAME
    model, folder = built("vae"), os.path.join(scratch(), "presets")
    spoilt = tiny("vae")
    spoilt.set_weights([np.nan * w for w in spoilt.get_weights()])
    models = Kind(
        {**NUMBER.values, **constant({"NaN weights": spoilt, "keras": keras.Sequential([keras.Input((2,))])})}
    )
    metadata = Kind(
        {
            **NUMBER.values,
            **constant(
                {
                    "metrics 3": {"metrics": 3},
                    "metrics of 3": {"metrics": {"a": 3}},
                    "dataset 3": {"dataset": 3},
                    "dataset []": {"dataset": []},
                    "config 3": {"config": 3},
                    "seed 'a'": {"seed": "a"},
                    "loop": {"config": LOOP},
                    "nan": {"seed": np.nan},
                    "key 3": {3: 3},
                    "value": {"metrics": {"a": {"value": "b", "protocol": 3}}},
                }
            ),
        }
    )
    yield Door(
        "serving.export",
        serving.export,
        {"model": model, "directory": folder, "name": "a", "metadata": {}},
        {
            "model": models,
            "directory": PATH.without("text", "long text", "'3'", "a folder"),
            "name": text.without("text", "'3'"),
            "version": NUMBER.without("None", "1", "int64", "2**31", "10**12"),
            "metadata": metadata.without("None", "no dict", "dataset 'abc'"),
        },
    )
    preset = "vae_digits"
    for name in ("from_preset", "read_metadata", "preset_dir"):
        yield Door(
            f"serving.{name}",
            getattr(serving, name),
            {"name_or_dir": preset},
            {"name_or_dir": PATH, "version": NUMBER.allowing("None", "1")},
        )
    client = {
        "address": NAME.allowing("text", "'3'"),
        "model": NAME.allowing("text", "long text", "'3'"),
        "protocol": NAME,
        "version": NUMBER.allowing("None", "0", "1", "int64", "2**31", "10**12"),
        "timeout": REAL._replace(
            may=frozenset({"1", "2.5", "2.0", "int64", "float64", "1e300", "10**12", "2**31", "10**30", "2**63"})
        ),
        "retries": COUNT.allowing("0", "10**12", "2**31", "2**63", "10**30"),
    }
    yield Door("serving.Client", serving.Client, {"address": "localhost:1", "model": "a"}, client)
    yield Door(
        "preset",
        damaged,
        {"text": "{}"},
        {
            "text": Kind(
                constant(
                    {
                        "no text": "",
                        "list": "[]",
                        "dict": "{}",
                        "null": "null",
                        "3": "3",
                        "half": '{"name": ',
                        "deep": "[" * 100_000,
                        "bytes": "\xff\x00",
                        "nulls": json.dumps(dict.fromkeys(("name", *GIVEN, "endpoints"))),
                    }
                )
            )
        },
    )


def damaged(text):
    folder = Path(tempfile.mkdtemp(dir=scratch()), "1")
    folder.mkdir()
    (folder / "metadata.json").write_bytes(text.encode("latin1"))
    (folder / "model.keras").write_bytes(b"")
    return serving.read_metadata(str(folder)), serving.from_preset(str(folder))


# ------------------------------------------------------------------------------------------ the command line


WORDS = {
    "no text": "",
    "text": "abc",
    "0": "0",
    "-1": "-1",
    "2.5": "2.5",
    "nan": "nan",
    "inf": "inf",
    "10**9": str(10**9),
    "10**11": str(10**11),
    "10**20": str(10**20),
    "2**63": str(2**63),
    "long": "a" * 300,
    "longer": "9" * 5000,
    "zero byte": "a\0b",
    "surrogate": "\udcff",
    "accents": "é",
    "list": "[1]",
    "dict": "{}",
    "a folder": "/",
    "under a file": "/dev/null/a.png",
    "nowhere": "/proc/nowhere/a.png",
    "star": "*",
    "space": " ",
    "None": "None",
    "true": "true",
    "..": "..",
    "quote": "'",
}
GOOD_LINES = {
    "list": [],
    "describe": ["vae"],
    "compare": ["vae", "gan"],
    "draw": ["vae", "--out={}/a.svg"],
    "train": ["--config=vae_digits", "--workdir={}/run"],
    "sweep": ["--config=vae_digits", "--workdir={}/sweep", "--grid=model.latent_dim=2"],
    "compare-runs": ["{}/nowhere"],
    "evaluate": ["--preset=vae_digits"],
    "sample": ["--preset=vae_digits", "--n=2", "--out={}/a.png"],
    "accompany": ["--preset=vae_digits", "--midi=a.mid"],
    "reconstruct": ["--preset=vae_digits", "--n=2", "--out={}/a.png"],
    "interpolate": ["--preset=vae_digits", "--rows=1", "--steps=2", "--out={}/a.png"],
    "export": ["--preset=vae_digits", "--out={}/presets"],
    "presets": ["verify", "vae_digits"],
    "reproduce": ["nothing"],
    "data": ["list"],
    "transfer": ["samples", "vae"],
    "directions": ["--quick", "--out={}/nowhere/a"],
    "play": ["--preset=vae_digits"],
}
WORKS = ("train", "sweep", "evaluate", "export", "directions", "reproduce")  # whose other flags would begin the work
RIGHT_WORDS = {
    "0",
    "-1",
    "text",
    "accents",
    "2.5",
    "list",
    "dict",
    "quote",
    "star",
    "None",
    "true",
    "a folder",
    "no text",
    "10**9",
}


def of_command(name):
    """Each flag of a command, and each word in the place of its first argument."""
    module = importlib.import_module(f"dgm_zoo.cli.commands.{name}")
    flags = cli.parsing.absl_flags.FlagValues()
    module.define(flags)
    base = [word.format(scratch()) for word in GOOD_LINES[name]]

    def call(flag, word):
        rest = [one for one in base if not one.startswith(f"--{flag}=")]
        if flag == "argument":
            rest = [word, *[one for one in base if one.startswith("--")]]
        else:
            rest = [*rest, f"--{flag}={word}"]
        errors = io.StringIO()
        at_once = mock.patch("dgm_zoo.play.page.serve", side_effect=KeyboardInterrupt)  # a page waits for its reader
        with contextlib.redirect_stderr(errors), contextlib.chdir(scratch()), at_once:
            code = cli.main([name, *rest])
        if code == cli.BAD_INPUT:
            said = [line for line in errors.getvalue().splitlines() if line.strip()]
            assert [line for line in said if line.startswith("dgm-zoo: ")] == said[-1:], said
            raise InvalidInput(said[-1])
        return code

    kind = Kind(constant(WORDS))
    for flag in ("argument", "json", "imports", *flags):
        late = name in WORKS and flag not in ("argument", "config", "preset")
        if not late:
            run = functools.partial(call, flag)
            yield Door(
                f"dgm-zoo {name} --{flag}",
                lambda word, run=run: run(word=word),
                {},
                {"word": kind.allowing(*RIGHT_WORDS)},
                lambda given, code: None if code == 0 else f"exit code {code}",
            )


AREAS = {
    "endpoints": {name: functools.partial(of_endpoints, name) for name in list_models()},
    "create": {name: functools.partial(of_create, name) for name in list_models()},
    "constructors": {name: functools.partial(of_constructor, name) for name in list_models()},
    "training": {
        name: functools.partial(of_training, name)
        for name in ("vae", "cvae", "gan", "bihm", "svae", "ada", "classifier")
    },
    "data": {"data": of_data},
    "config": {"config": of_config},
    "metrics": {"metrics": of_metrics},
    "viz": {"viz": of_viz},
    "serving": {"serving": of_serving},
    "cli": {name: functools.partial(of_command, name) for name in cli.COMMANDS},
}
