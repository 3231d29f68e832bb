"""Keras' own methods and attributes: each works as in Keras, or raises one sentence that says what to do instead.

`DOORS` has a line for each public name of `keras.Model`; a Keras that adds one fails here until it has a line.
"""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from campaign_callbacks import OPTIMIZERS, REFUSED, callbacks_work, optimizer_is_refused, optimizer_works
from life import batches, compiled
from zoo import examples, images, sparing, tiny, weights

from dgm_zoo import distributions, networks
from dgm_zoo.core.doors import CLOSED
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import GAN, VAE, list_models
from dgm_zoo.training import checkpoints

# ------------------------------------------------------------------------------------------------------- the table

_HERE = Path(__file__).parent


def reads(name):
    return lambda model: getattr(model, name)


def refuses(name):
    """The method raises `InvalidInput`, in one line."""

    def check(model):
        with pytest.raises(InvalidInput, match=f"^{type(model).__name__} has no {name}") as error:
            getattr(model, name)(None)
        assert "\n" not in str(error.value)

    return check


def raises(name, error, *args):
    """What `keras.Model` itself raises for a subclass."""

    def check(model):
        with pytest.raises(error):
            value = getattr(model, name)
            value(*args)

    return check


def elsewhere(where):
    """A line for what a test below, or another file, checks."""
    return lambda model: where in globals() or (_HERE / where).exists() or pytest.fail(f"there is no {where}")


def _model_of_x(model):
    """`model(x)` is the endpoint that the class declares, given as a tuple or by name; `predict` checks its arrays."""
    if model.call_endpoint is None:
        for call in (model, model.predict, model.predict_on_batch):
            with pytest.raises(InvalidInput, match=r"has no answer to model\(x\) and predict; call one of sample, "):
                call(examples(model, 2)[0])
        return
    endpoint, output = model.call_endpoint
    wanted = model.endpoints()[endpoint].inputs
    inputs = {name: tf.zeros((5, *one.shape), one.dtype) for name, one in wanted.items()}
    found = model(tuple(inputs.values()) if len(inputs) > 1 else inputs[next(iter(inputs))])
    np.testing.assert_allclose(found, model.endpoint_function(endpoint)(**inputs)[output], rtol=1e-6)
    assert found.shape == model(inputs).shape
    with pytest.raises(InvalidInput, match=f"{type(model).__name__} take.* of shape .*; got |got 1 inputs"):
        model.predict(np.zeros((3, 7)))


def _same_json(model):
    twin = keras.models.model_from_json(model.to_json())
    assert type(twin) is type(model) and twin.seed == model.seed
    assert [w.shape for w in twin.weights] == [w.shape for w in model.weights]


def _counts(model):
    assert model.count_params() == sum(w.size for w in model.get_weights())


def _summary(model):
    lines = []
    model.summary(print_fn=lambda line: lines.append(line))
    assert f'"{model.name}"' in "\n".join(lines)


def _layer(model):
    assert model.get_layer(model.layers[0].name) is model.layers[0]


def _sets_weights(model):
    model.set_weights([w + 1 for w in model.get_weights()])


def _compile_refuses(model):
    for given, said in [
        ({"loss": "mse"}, "loss="), ({"loss_weights": [1.0]}, "loss_weights="),
        ({"optimizer": None}, "needs an optimizer"), ({"jit_compile": "yes"}, "jit_compile 'yes'"),
    ]:
        with pytest.raises(InvalidInput, match=said):
            model.compile(**given)
    assert not model.compiled


def _jit_compile(model):
    assert model.jit_compile is False
    with pytest.raises(InvalidInput, match="compile.jit_compile=True"):
        model.jit_compile = True


_LIFE = elsewhere("test_conformance.py")
DOORS = {
    **{name: reads(name) for name in (
        "compute_dtype", "distribute_strategy", "dtype", "dtype_policy", "get_build_config", "input_dtype",
        "input_spec", "layers", "loss", "losses", "metrics", "metrics_names", "metrics_variables",
        "non_trainable_variables", "non_trainable_weights", "path", "quantization_mode", "supports_masking",
        "trainable_variables", "trainable_weights", "variable_dtype", "variables", "weights",
    )},
    **{name: refuses(name) for name in CLOSED},
    **dict.fromkeys(("fit", "evaluate", "get_metrics_result", "reset_metrics", "train_step", "test_step",
                     "load_weights", "make_train_function", "make_test_function", "load_own_variables",
                     "save_own_variables"), _LIFE),
    "call": _model_of_x,
    **dict.fromkeys(("compute_output_spec", "stateless_call", "symbolic_call"),
                    elsewhere("test_a_model_is_a_layer_of_another")),
    **dict.fromkeys(("make_predict_function", "predict", "predict_on_batch", "predict_step"),
                    elsewhere("test_predict_is_the_endpoint_and_takes_a_label")),
    **dict.fromkeys(("train_on_batch", "test_on_batch"), elsewhere("test_metrics_of_a_users_own")),
    **dict.fromkeys(("quantize", "quantized_build", "quantized_call"), elsewhere("test_quantize")),
    **dict.fromkeys(("rematerialized_call", "get_quantization_layer_structure", "add_weight", "add_variable"),
                    lambda model: None),  # hooks of Keras' own, inherited as they are
    "add_metric": raises("add_metric", NotImplementedError),
    "build": lambda model: model.build((None, 4, 4, 1)),
    "build_from_config": lambda model: model.build_from_config(None),
    "compile": _compile_refuses,
    "compile_from_config": elsewhere("test_metrics_of_a_users_own"),
    "compute_mask": lambda model: model.compute_mask(None, None),
    "compute_output_shape": raises("compute_output_shape", NotImplementedError, (None, 4, 4, 1)),
    "count_params": _counts,
    "distribute_reduction_method": lambda model: setattr(model, "distribute_reduction_method", "auto"),
    "export": elsewhere("test_export"),
    "from_config": elsewhere("test_a_file"),
    "get_compile_config": lambda model: model.get_compile_config(),
    "get_config": _LIFE,
    "get_layer": _layer,
    "get_weights": _counts,
    "input": raises("input", AttributeError),
    "jit_compile": _jit_compile,
    "output": raises("output", AttributeError),
    "run_eagerly": lambda model: setattr(model, "run_eagerly", False),
    "save": elsewhere("test_a_file"),
    "save_weights": elsewhere("test_a_file"),
    "set_weights": _sets_weights,
    "summary": _summary,
    "to_json": _same_json,
    "trainable": elsewhere("test_frozen"),
}


@pytest.mark.parametrize("name", [name for name in dir(keras.Model) if not name.startswith("_")])
def test_every_door_has_a_line(name):
    assert name in DOORS


@pytest.mark.parametrize("name", sparing(list_models(), ("ae", "cvae", "cyclegan", "gan", "pm", "rws")))
def test_doors(name):
    model = tiny(name)
    for check in DOORS.values():
        check(model)


# --------------------------------------------------------------------------------------------------- model(x), predict


def test_predict_is_the_endpoint_and_takes_a_label():
    model, (x, label) = tiny("cvae"), images(40)
    wanted = model.reconstruct(x, label)
    data = tf.data.Dataset.from_tensor_slices((x, label)).batch(16)
    for given in ({"x": x, "label": label}, data):
        np.testing.assert_allclose(model.predict(given, verbose=0), wanted, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch((x, label)), wanted, atol=1e-6)
    with pytest.raises(InvalidInput, match=r"^model\(x\) and predict of CVAE take \(x, label\); got 1 inputs$"):
        model(x)
    np.testing.assert_array_equal(model((x, label), training=False), model((x, label)))
    with pytest.raises(InvalidInput, match="unknown input of CVAE 'lable'; did you mean 'label'"):
        model({"x": x, "lable": label})


def test_a_model_is_a_layer_of_another():
    model, x = tiny("vae"), images(8)[0]
    given = keras.Input(x.shape[1:])
    twice = keras.Model(given, model(model(given)))
    np.testing.assert_allclose(twice(x), model.reconstruct(model.reconstruct(x)), atol=1e-6)
    outputs, _ = model.stateless_call(model.trainable_variables, model.non_trainable_variables, x)
    np.testing.assert_allclose(outputs, model.reconstruct(x), atol=1e-6)


# ------------------------------------------------------------------------------------------------------------ compile


def test_metrics_of_a_users_own(tmp_path):
    model, x = tiny("ae"), images(16)[0]
    model.compile(metrics=["mae"], weighted_metrics=[keras.metrics.MeanSquaredError(name="error")], jit_compile=False)
    history = model.fit(x, batch_size=16, verbose=0, validation_data=(x,)).history
    assert set(history) == {f"{of}{name}" for of in ("", "val_") for name in (*model.logged, "mae", "error")}
    wanted = np.mean(np.abs(x - model.reconstruct(x))), np.mean((x - model.reconstruct(x)) ** 2)
    assert (history["val_mae"][0], history["val_error"][0]) == pytest.approx(wanted, rel=1e-5)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    logs = loaded.test_on_batch(x, return_dict=True)
    assert (logs["mae"], logs["error"]) == pytest.approx(wanted, rel=1e-5)
    before = weights(model)
    assert set(model.train_on_batch(x, return_dict=True)) == set(logs)
    assert np.any(weights(model) != before)
    model.compile(jit_compile=False)
    assert [metric.name for metric in model.metrics] == [*model.logged, "batches_seen"]


def test_metrics_that_do_not_apply_are_refused_and_leave_the_model_uncompiled():
    for name, said in [
        ("gan", "takes no metrics="), ("rws", "has no answer to"), ("classifier", "'accuracy' has the name"),
    ]:
        model = tiny(name)
        with pytest.raises(InvalidInput, match=said):
            model.compile(metrics=["accuracy"])
        assert not model.compiled


@pytest.mark.parametrize("policy", ["float16", "mixed_float16"])
def test_float16_is_refused_wherever_it_is(policy):
    model = tiny("vae")
    model.decoder.layers[1].dtype_policy = policy
    with pytest.raises(InvalidInput, match=f"^{policy} would need loss scaling for each player; use 'mixed_bfloat16'$"):
        model.compile()


def test_the_learning_rate_of_all_players_keeps_their_ratio():
    model = tiny("gan")
    model.compile({"theta": keras.optimizers.SGD(0.1), "phi": keras.optimizers.SGD(0.4)})
    model.optimizer.learning_rate = 0.05
    rates = {player: float(one.learning_rate) for player, one in model.optimizers.items()}
    assert rates == pytest.approx({"theta": 0.05, "phi": 0.2})
    with pytest.raises(AttributeError, match="stands for the optimizers of theta, phi and has no 'apply'; take one of"):
        model.optimizer.apply  # noqa: B018


def test_a_variable_has_one_average_whatever_phases_move_it():
    """`SwapEMAWeights` would exchange it with two in turn, and not get it back."""
    model = tiny("ssaae")
    assert model.phases
    model.compile({**dict.fromkeys([*model.players, *model.phases], keras.optimizers.Adam(use_ema=True))})
    averaged = [id(v) for one in model.optimizers.values() if one.use_ema for v in one._trainable_variables]
    assert len(averaged) == len(set(averaged)) == sum(len(model.player_variables(player)) for player in model.players)


@pytest.mark.parametrize("option", REFUSED)
def test_loss_scaling_is_refused(option):
    optimizer_is_refused("vae", option)


def test_an_optimizer_option_acts_on_every_player():
    assert len(OPTIMIZERS) > 10
    optimizer_works("ae", "clipvalue")


def test_callbacks():
    callbacks_work("ae", epochs=2)


def test_frozen():
    """What is frozen before `compile` stays as it is; a frozen model trains nothing."""
    model = tiny("ae")
    parts = model.encoder, model.decoder

    def moved():
        before = [part.get_weights() for part in parts]
        model.compile(keras.optimizers.Adam(0.1), jit_compile=False)
        model.fit(batches(model), verbose=0)
        pairs = zip(parts, before, strict=True)
        return [any(np.any(v != w) for v, w in zip(one.get_weights(), old, strict=True)) for one, old in pairs]

    model.encoder.trainable = False
    assert moved() == [False, True]
    model.trainable = False
    assert moved() == [False, False]


# -------------------------------------------------------------------------------------------------------------- files


FRESH = """
import sys
import dgm_zoo
assert not {"tensorflow", "keras"} & set(sys.modules)
import keras
for _ in range(2):
    assert "dgm_zoo.core.model" not in sys.modules
    model = keras.saving.load_model(sys.argv[1])
    print(type(model).__name__, float(abs(model.get_weights()[0]).sum()))
    for name in [name for name in sys.modules if name.startswith("dgm_zoo")]:  # then import it after Keras
        del sys.modules[name]
    keras.saving.get_custom_objects().clear()
    import dgm_zoo
"""


@pytest.mark.exhaustive
def test_importing_the_package_is_enough_to_load_a_file(tmp_path):
    model = tiny("vae")
    model.save(tmp_path / "m.keras")
    run = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "m.keras")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = [float(line.removeprefix("VAE ")) for line in run.stdout.splitlines()]
    assert found == pytest.approx([float(np.abs(model.get_weights()[0]).sum())] * 2, rel=1e-5)


def test_a_file(tmp_path):
    model = compiled("gan")
    for target, said in [("m.h5", "is a legacy HDF5 file"), ("m.hdf5", "name it .keras")]:
        with pytest.raises(InvalidInput, match=said):
            model.save(tmp_path / target)
    with pytest.raises(InvalidInput, match="load it with keras.saving.load_model.*compile=False"):
        model.save(tmp_path / "m.keras", include_optimizer=False)
    assert not list(tmp_path.iterdir())
    model.save(tmp_path / "folder", zipped=False)
    model.save_weights(tmp_path / "m.weights.h5")
    other = tiny("gan", seed=1)
    other.load_weights(tmp_path / "m.weights.h5")
    loaded, pickled = keras.saving.load_model(tmp_path / "folder"), pickle.loads(pickle.dumps(model))
    for twin in (loaded, other, copy.deepcopy(model), pickled):
        np.testing.assert_array_equal(weights(twin), weights(model))
    assert type(keras.models.clone_model(model)) is GAN


def test_export(tmp_path):
    model, (x, label) = tiny("cvae"), images(5)
    model.export(tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    layer = keras.layers.TFSMLayer(tmp_path / "saved")
    wanted = model.predict((x, label), verbose=0)
    np.testing.assert_allclose(layer([x, label]), wanted, atol=1e-6)
    np.testing.assert_allclose(loaded.serve([x, label]), wanted, atol=1e-6)
    np.testing.assert_allclose(loaded.signatures["serving_default"](x=x, label=label)["x"], wanted, atol=1e-6)
    assert set(loaded.signatures) == {*model.endpoints(), "serving_default"}
    for given, said in [({"format": "onnx"}, "format 'onnx' is not available; export a SavedModel and convert"),
                        ({"input_signature": [x]}, "has no effect: signatures follow")]:
        with pytest.raises(InvalidInput, match=said):
            model.export(tmp_path / "other", **given)
    assert not (tmp_path / "other").exists()


@pytest.mark.exhaustive
def test_quantize(tmp_path):
    model, x = tiny("ae"), images(20)[0]
    before = model.reconstruct(x)
    with pytest.warns(UserWarning):  # of the layers that Keras cannot quantize
        model.quantize("int8")
    after = model.reconstruct(x)
    assert 0 < np.abs(after - before).max() < 0.05
    np.testing.assert_allclose(model(x), after, atol=1e-6)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "m.keras").reconstruct(x), after)
    model.compile(jit_compile=False)  # although Keras has locked the model's state


# ------------------------------------------------------------------------------------------------ networks, subclasses


def sequential(name, sizes, before=()):
    return keras.Sequential([*before, *(keras.layers.Dense(size) for size in sizes)], name=name)


def test_sequential_networks_are_networks(tmp_path):
    encoder, decoder = (
        sequential(name, (6, size), [keras.Input(shape)]) for name, size, shape in (("e", 4, (3,)), ("d", 6, (2,)))
    )
    model = VAE(encoder, decoder, likelihood=distributions.IndependentNormal((3,)))
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "m.keras").reconstruct(x), model.reconstruct(x))
    for network in (sequential("unbuilt", (4,)), type("Own", (keras.Model,), {})(name="unbuilt")):
        with pytest.raises(InvalidInput, match="network 'unbuilt' has no input shape yet; give a functional keras"):
            VAE(encoder, network, likelihood=distributions.IndependentNormal((3,)))


def parts(width):
    """The arguments of a VAE of three numbers, with `width` hidden units."""
    encoder, decoder = networks.dense((3,), (4,), (width,), name="e"), networks.dense((2,), (6,), (width,), name="d")
    return {"encoder": encoder, "decoder": decoder, "likelihood": distributions.IndependentNormal((3,))}


class Wide(VAE):
    def __init__(self, width, **kwargs):
        super().__init__(**parts(width), **kwargs)
        self.width = width


class Closed(VAE):
    def __init__(self, width):
        super().__init__(**parts(width))
        self.width = width


class Optional(VAE):
    def __init__(self, **options):
        width = options.pop("width")
        super().__init__(**parts(width), **options)
        self.width = width


class Passing(GAN):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Forgetful(VAE):
    def __init__(self, width, **kwargs):
        super().__init__(**parts(width), **kwargs)


class Positional(VAE):
    def __init__(self, *sizes, **kwargs):
        super().__init__(**parts(*sizes), **kwargs)


def networks_of_a_gan():
    model = tiny("gan")
    return model.generator, model.discriminator


@pytest.mark.parametrize("build", [
    lambda: Wide(5), lambda: Closed(5), lambda: Optional(width=5, name="mine"),
    lambda: Passing(*networks_of_a_gan()),
], ids=["Wide", "Closed", "Optional", "Passing"])
def test_a_subclass_is_saved_with_the_arguments_of_its_own(build, tmp_path):
    model = build()
    model.save(tmp_path / "m.keras")
    twin = keras.saving.load_model(tmp_path / "m.keras", custom_objects={type(model).__name__: type(model)})
    np.testing.assert_array_equal(twin.sample(3), model.sample(3))
    with pytest.raises(TypeError, match="decorated with `@keras.saving.register_keras_serializable"):
        keras.saving.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("build, said", [
    (lambda: Forgetful(5), "Forgetful cannot be saved, as it keeps no 'width'; assign self.width = width"),
    (lambda: Positional(5), "Positional cannot be saved, as its constructor takes 5 by [*]args; name that argument"),
], ids=["Forgetful", "Positional"])
def test_a_subclass_whose_arguments_are_lost_says_so(build, said, tmp_path):
    with pytest.raises(InvalidInput, match=said):
        build().save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("restores", [False, True], ids=["load_model", "restore"])
def test_the_seeds_of_layers_resume_to_the_same_bits(restores, tmp_path):
    """Keras saves no layer's seed, so that a network with `Dropout` would draw other masks after a resume."""

    def made(seed):
        model = tiny("ada", seed=seed, dropout=0.5)
        model.compile("adam")
        return model

    def after(model, epochs):
        model.fit(*examples(model, 64), batch_size=16, shuffle=False, epochs=epochs, verbose=0)
        return weights(model)

    whole, half = made(0), made(0)
    wanted = after(whole, 2)
    after(half, 1)
    half.save(tmp_path / "m.keras")
    resumed = made(1) if restores else keras.saving.load_model(tmp_path / "m.keras")
    if restores:
        checkpoints.restore(tmp_path / "m.keras", resumed)
    np.testing.assert_array_equal(after(resumed, 1), wanted)


def augmented(layer, **compiling):
    """A VAE whose encoder begins with `layer`, compiled."""
    plain = tiny("vae")
    x = keras.Input(plain.encoder.input_shape[1:])
    model = VAE(
        keras.Model(x, plain.encoder(layer(x))), plain.decoder, prior=plain.prior, posterior=plain.posterior,
        likelihood=plain.likelihood, seed=0,
    )
    model.compile("adam", **compiling)
    return model


@pytest.mark.parametrize("xla", [False, True])
def test_layers_that_augment_do_so_in_training_alone(xla):
    """The default of `training` in such a layer's `call` is True: whoever says nothing gets augmented images."""
    model, (x,) = augmented(keras.layers.RandomContrast(0.9, seed=0), jit_compile=xla), examples(tiny("vae"), 32)
    losses = [model.evaluate(x, verbose=0, return_dict=True)["loss"] for _ in range(2)]
    assert losses[0] == losses[1]
    for answer in (model.encode, model.predict):
        first, second = answer(x), answer(x)
        first, second = (one["mean"] if isinstance(one, dict) else one for one in (first, second))
        np.testing.assert_array_equal(first, second)
    history = model.fit(x, batch_size=32, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert abs(history[0] - losses[0]) > 1e-3  # in training it does


def test_a_layer_that_xla_cannot_compile_is_named_in_one_sentence():
    model = augmented(keras.layers.RandomZoom(0.1, seed=0), jit_compile=True)
    with pytest.raises(InvalidInput, match="^XLA cannot compile ImageProjectiveTransformV3, .* jit_compile=False"):
        model.fit(*examples(model, 16), verbose=0)
