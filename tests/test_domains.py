"""ADA, PM and CycleGAN: their steps against closed forms, what a run does with two domains, what is refused."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import CLASSES, SHAPE, examples, tiny, weights

import dgm_zoo
from dgm_zoo import training
from dgm_zoo.data import pair_from_arrays
from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import ADA, PM, CycleGAN
from dgm_zoo.models.domains.adaptation import ReversalSchedule
from dgm_zoo.networks import Predictors
from dgm_zoo.networks.dense import dense
from dgm_zoo.training import arguments, build, pairs


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def stepped(model, *data, rate=1.0, **fit):
    """The model after one SGD step of every player on all of the data at once."""
    model.compile(keras.optimizers.SGD(rate))
    model.fit(*data, batch_size=len(keras.tree.flatten(data)[0]), shuffle=False, verbose=0, **fit)
    return model


# ---------------------------------------------------------------------------------------------- ADA: gradients

N = 6
X = np.abs(normal(2, N, 1)) / 4  # source and target, scalars in [0, 1]
Y = np.array([0, 1, 1, 0, 1, 0], "int32")
UNLABELLED = np.full(N, -1, "int32")


def scalar_ada(**given):
    """ADA with x = w z + b, logits of two classes U x + a, and the domain's logit v s + c, s = x or both logits."""
    keras.utils.set_random_seed(1)
    wide = 2 if given.get("level") == "logits" else 1
    networks = dense((1,), (1,), ()), dense((1,), (2,), ()), dense((wide,), (1,), ())
    for network in networks:
        for variable in network.weights:
            variable.assign(normal(*variable.shape, seed=len(variable.shape) + variable.shape[-1]))
    return ADA(*networks, seed=0, **given)


def kernels(network):
    """Kernel and bias of a network's one layer."""
    return [v.numpy() for v in network.weights]


def expected_changes(model, weight):
    """The change of each player's kernel and bias after a step of ascent with rate 1, by hand."""
    (w, b), (u, a), (v, c) = (kernels(part) for part in (model.trunk, model.head, model.discriminator))
    h = X @ w + b  # [domain, n, 1]
    logits = h @ u + a
    judged = logits if model.level == "logits" else h
    d = sigmoid(judged @ v + c)  # D on source and target, [2, n, 1]
    of_phi = np.stack([1 - d[0], -d[1]])  # d log q / d logit
    of_confusion = {
        "symmetric": np.stack([-d[0], 1 - d[1]]), "grl": -of_phi, "adda": np.stack([0 * d[0], 1 - d[1]]),
    }[model.mode]
    exp = np.exp(logits[0] - logits[0].max(1, keepdims=True))
    of_class = np.eye(2)[Y] - exp / exp.sum(1, keepdims=True)  # d log C / d logits on the source, [n, 2]
    into = v.T if model.level == "features" else v.T @ u.T  # d logit of the domain / d x
    of_features = weight * of_confusion * into
    if model.mode != "adda":
        of_features = of_features + np.stack([of_class @ u.T, 0 * h[1]])
    mean = lambda inputs, slopes: (sum(inputs[i].T @ slopes[i] for i in (0, 1)) / N, slopes.sum((0, 1)) / N)  # noqa: E731
    on_source = np.stack([of_class, 0 * logits[1]])
    return {"theta": mean(X, of_features), "omega": mean(h, on_source), "phi": mean(judged, of_phi)}


@pytest.mark.parametrize("level", ["features", "logits"])
@pytest.mark.parametrize("mode", ["symmetric", "grl", "adda"])
def test_a_step_of_each_mode_has_the_gradients_of_the_papers(mode, level):
    model = scalar_ada(mode=mode, level=level, domain_weight=0.7)
    wanted = expected_changes(model, 0.7)
    theta = model.target_trunk if mode == "adda" else model.trunk
    parts = {"theta": theta, "phi": model.discriminator, **({} if mode == "adda" else {"omega": model.head})}
    before = {player: kernels(part) for player, part in parts.items()}
    rest = [kernels(part) for part in (model.trunk, model.head)]
    stepped(model, tuple(X), (Y, UNLABELLED))
    for player, part in parts.items():
        for new, old, change in zip(kernels(part), before[player], wanted[player], strict=True):
            np.testing.assert_allclose(new - old, change, atol=1e-5, err_msg=player)
    if mode == "adda":
        for part, kept in zip((model.trunk, model.head), rest, strict=True):
            np.testing.assert_array_equal(kernels(part)[0], kept[0])
            np.testing.assert_array_equal(kernels(part)[1], kept[1])


@pytest.mark.parametrize("mode", ["symmetric", "grl"])
def test_without_weight_the_features_learn_from_the_source_alone(mode):
    one, two, other = (scalar_ada(mode=mode, domain_weight=weight) for weight in (0.0, 0.0, 0.7))
    stepped(one, tuple(X), (Y, UNLABELLED))
    stepped(two, (X[0], normal(N, 1, seed=3) ** 2 % 1), (Y, UNLABELLED))  # another target
    stepped(other, tuple(X), (Y, UNLABELLED))
    for part in ("trunk", "head"):
        np.testing.assert_allclose(kernels(getattr(one, part))[0], kernels(getattr(two, part))[0], atol=1e-7)
    np.testing.assert_array_equal(kernels(one.discriminator)[0], kernels(other.discriminator)[0])  # not of lambda
    assert np.abs(kernels(one.trunk)[0] - kernels(other.trunk)[0]).max() > 1e-3


def test_importance_weights_are_the_odds_of_the_other_domain():
    model = scalar_ada(objective="ImportanceWeighted")
    features, logits = model.see(X[1])
    source, target = model.domain_logit(*model.see(X[0])).numpy(), model.domain_logit(features, logits).numpy()
    terms = model.terms(tuple(X), (Y,))
    softmax = lambda value: np.exp(value) / np.exp(value).sum()  # noqa: E731
    wanted = N * (softmax(-source) * np.log(sigmoid(-source)) + softmax(target) * np.log(sigmoid(target)))
    np.testing.assert_allclose(terms["confusion"], wanted, rtol=1e-5)
    assert "ess" in model.logged and terms["ess"].shape == ()


@pytest.mark.parametrize("mode", ["symmetric", "grl", "adda"])
def test_labels_of_the_target_never_reach_training(mode):
    found = []
    for labels in (UNLABELLED, Y, 1 - Y):
        model = scalar_ada(mode=mode)
        model.compile("adam")
        history = model.fit(tuple(X), (Y, labels), epochs=3, batch_size=2, shuffle=False, verbose=0).history
        found.append((weights(model), history))
    for changed, history in found[1:]:
        np.testing.assert_array_equal(changed, found[0][0])
        assert history == found[0][1]


def test_the_targets_accuracy_is_reported_where_it_has_labels():
    model = scalar_ada()
    model.compile("sgd")
    right = model.classify(X[1])["logits"].argmax(-1)
    labels = np.where(np.arange(N) < 4, right, -1).astype("int32")
    labels[:1] = 1 - labels[:1]
    logs = model.evaluate(tuple(X), (Y, labels), batch_size=4, return_dict=True, verbose=0)
    assert logs["accuracy_target"] == pytest.approx(3 / 4) and set(logs) == {*model.logged, "accuracy_target"}
    assert set(model.evaluate(tuple(X), (Y, UNLABELLED), return_dict=True, verbose=0)) == set(model.logged)


def test_batch_normalisation_has_each_domains_own_statistics():
    def model():
        keras.utils.set_random_seed(0)
        x = keras.Input((1,))
        trunk = keras.Model(x, keras.layers.BatchNormalization(momentum=0.0)(keras.layers.Dense(3)(x)))
        return ADA(trunk, dense((3,), (2,), ()), dense((3,), (1,), ()), domain_weight=0.0, seed=0)

    one, two = (stepped(model(), (X[0], target), (Y, UNLABELLED)) for target in (X[1], X[1] / 2))
    np.testing.assert_allclose(kernels(one.head)[0], kernels(two.head)[0], atol=1e-7)  # log C is of the source alone
    assert np.abs(weights(one.trunk) - weights(two.trunk)).max() > 1e-3  # the moving averages saw the target last


# ---------------------------------------------------------------------------------------------- ADA: modes and runs


def test_adda_adapts_a_copy_of_the_sources_encoder(tmp_path):
    source = tiny("ada", seed=1, domain_weight=0.0)
    adapted = tiny("ada", seed=2, mode="adda")
    assert adapted.take_weights(source) and not adapted.take_weights(tiny("ada", filters=[2, 4]))
    for mine, its in ((adapted.trunk, source.trunk), (adapted.target_trunk, source.trunk), (adapted.head, source.head)):
        np.testing.assert_array_equal(weights(mine), weights(its))
    adapted.compile("adam")
    assert set(adapted.optimizers) == {"theta", "phi"}
    history = adapted.fit(*examples(adapted, 64), epochs=2, shuffle=False, verbose=0).history
    assert history["loss"][0] == pytest.approx(history["loss"][1]) and "accuracy_target" not in history
    assert np.abs(weights(adapted.target_trunk) - weights(source.trunk)).max() > 0
    adapted.save(tmp_path / "adda.keras")
    loaded = keras.saving.load_model(tmp_path / "adda.keras")
    np.testing.assert_array_equal(weights(loaded), weights(adapted))
    x = examples(adapted, 5)[0][1]
    np.testing.assert_array_equal(loaded.classify(x)["logits"], adapted.classify(x)["logits"])


def test_danns_schedule_is_a_coefficient_and_is_saved(tmp_path):
    model = tiny("ada", mode="grl", domain_weight={"total_steps": 10})
    assert [round(float(ReversalSchedule(100)(step)), 3) for step in (0, 10, 50, 100, 200)] == [0, 0.462, 0.987, 1, 1]
    model.compile("sgd")
    model.fit(*examples(model, 80), batch_size=16, verbose=0)  # 5 steps
    assert float(model.now("domain_weight")) == pytest.approx(0.987, abs=1e-3)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.domain_weight.get_config() == {"total_steps": 10, "value": 1.0}
    assert float(loaded.now("domain_weight")) == pytest.approx(0.987, abs=1e-3)


# ---------------------------------------------------------------------------------------------- PM

PATTERNS = np.repeat(np.eye(4, dtype="float32"), [1, 2, 2, 4], axis=0)  # probabilities 1/9, 2/9, 2/9, 4/9
FACTORIAL, INVERTIBLE = [(1, 1), (0, 1), (1, 0), (0, 0)], [(0, 1), (0, 0), (1, 0), (1, 1)]


def pm_of(code):
    """PM whose two units are `code` of the four patterns, with perfect predictors."""
    bits = np.array(code, float)
    encoder, predictors = dense((4,), (2,), ()), Predictors(2)
    encoder.layers[-1].kernel.assign(100 * (bits - 0.5))
    encoder.layers[-1].bias.assign(np.zeros(2))
    model = PM(encoder, predictors)
    of_rows = PATTERNS @ bits
    kernel, bias = np.zeros((2, 2, 1)), np.zeros((2, 1))
    for unit in (0, 1):
        off, on = (of_rows[of_rows[:, 1 - unit] == value, unit].mean() for value in (0, 1))
        logit = lambda p: np.log(np.clip(p, 1e-9, 1) / np.clip(1 - p, 1e-9, 1))  # noqa: E731
        bias[unit], kernel[unit, 1 - unit] = logit(off), logit(on) - logit(off)
    predictors.kernels[0].assign(kernel)
    predictors.biases[0].assign(bias)
    return model


@pytest.mark.parametrize(("code", "wanted"), [(FACTORIAL, 2.0), (INVERTIBLE, 19 / 10)])
def test_v_c_of_the_published_ensemble(code, wanted):
    model = pm_of(code)
    model.compile("sgd")
    logs = model.evaluate(PATTERNS, batch_size=9, return_dict=True, verbose=0)
    assert -9 * logs["loss"] == pytest.approx(wanted, abs=1e-5) and logs["log_q"] == pytest.approx(logs["loss"])


@pytest.mark.parametrize("form", ["squares", "bernoulli", "reversed"])
def test_the_code_ascends_what_the_predictors_descend(form):
    """Each player's step is the gradient of its utility, by differences; but for "reversed" the game is zero-sum."""
    x = normal(16, 5)

    def model():
        keras.utils.set_random_seed(0)
        return PM(dense((5,), (3,), ()), Predictors(3, (4,)), form=form)

    def log_q(model, code, reversed_too=False):
        p = sigmoid(model.prediction(code).numpy().astype(float))
        code = 1 - code if reversed_too else code
        if form == "squares":
            return -0.5 * ((p - code) ** 2).sum(1).mean()
        return (code * np.log(p) + (1 - code) * np.log(1 - p)).sum(1).mean()

    def slope(utility, variable, index, by=1e-3):
        kept, ends = variable.numpy(), []
        for sign in (1, -1):
            moved = kept.copy()
            moved[index] += sign * by
            variable.assign(moved)
            ends.append(utility())
        variable.assign(kept)
        return (ends[0] - ends[1]) / (2 * by)

    start = model()
    code = sigmoid(start.encoder(x).numpy().astype(float)).astype("float32")
    kernel = start.predictors.kernels[0]
    wanted = slope(lambda: log_q(start, code), kernel, (0, 1, 2))
    phi = model()
    phi.compile({"phi": keras.optimizers.SGD(1.0), "eta": keras.optimizers.SGD(1e-30)})
    phi.fit(x, batch_size=16, shuffle=False, verbose=0)
    assert (phi.predictors.kernels[0].numpy() - kernel.numpy())[0, 1, 2] == pytest.approx(wanted, abs=2e-4)

    weight = start.encoder.layers[-1].kernel

    def of_eta():
        z = sigmoid(start.encoder(x).numpy().astype(float)).astype("float32")
        return log_q(start, z, True) if form == "reversed" else -log_q(start, z)

    wanted = slope(of_eta, weight, (2, 1))
    eta = model()
    eta.compile({"phi": keras.optimizers.SGD(1e-30), "eta": keras.optimizers.SGD(1.0)})
    eta.fit(x, batch_size=16, shuffle=False, verbose=0)
    assert (eta.encoder.layers[-1].kernel.numpy() - weight.numpy())[2, 1] == pytest.approx(wanted, abs=2e-4)


def test_a_decoder_is_optional_and_moves_with_the_code(tmp_path):
    model = tiny("pm", decode=True, reconstruction_weight=0.5)
    x = examples(model, 32)[0]
    assert {"encode", "decode", "reconstruct"} == set(model.endpoints()) and "reconstruction" in model.logged
    before = weights(model.decoder)
    stepped(model, x)
    assert np.abs(weights(model.decoder) - before).max() > 0
    np.testing.assert_allclose(model.decode(model.encode(x)["mean"]), model.reconstruct(x), atol=1e-6)
    terms = model.eta_terms(x)
    np.testing.assert_allclose(terms["objective"], 0.5 * terms["reconstruction"] - terms["loss"], atol=1e-5)
    assert set(tiny("pm").endpoints()) == {"encode"}


# ---------------------------------------------------------------------------------------------- CycleGAN


def network_of(layer, shape=SHAPE):
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def identity_network():
    return network_of(keras.layers.Activation("linear"))


def judge(shape=SHAPE, seed=0):
    keras.utils.set_random_seed(seed)
    return dense(shape, (1,), ())


def test_identity_translators_have_no_cycle_and_no_identity_loss():
    model = CycleGAN(identity_network(), identity_network(), judge(), judge(seed=1), identity_weight=0.5)
    z, x = np.abs(normal(2, 8, *SHAPE))
    terms = model.translator_terms(z, x)
    assert not np.any(terms["cycle"]) and not np.any(terms["identity"])
    np.testing.assert_allclose(terms["translation"], terms["realism"])
    d_target, d_source = model.logits("target", z)[:, 0], model.logits("source", x)[:, 0]
    np.testing.assert_allclose(terms["realism"], -0.5 * (d_target - 1) ** 2 - 0.5 * (d_source - 1) ** 2, rtol=1e-5)


@pytest.mark.parametrize("pool_size", [0, 50])
def test_discriminators_are_shown_the_translations_of_before_the_translators_step(pool_size):
    """One SGD step of each linear discriminator, by hand; a pool that is not full shows what it is given."""
    model = tiny("cyclegan", pool_size=pool_size)
    model.discriminator_target, model.discriminator_source = judge(), judge(seed=1)
    (z, x), *_ = examples(model, 8)
    fakes = {"target": model.g(z).numpy(), "source": model.f(x).numpy()}
    wanted = {}
    for domain, real in (("target", x), ("source", z)):
        kernel, bias = kernels(getattr(model, f"discriminator_{domain}"))
        real, fake = real.reshape(8, -1), fakes[domain].reshape(8, -1)
        wanted[domain] = -(real.T @ (real @ kernel + bias - 1) + fake.T @ (fake @ kernel + bias)) / 8
        wanted[domain] += kernel
    stepped(model, (z, x))
    for domain, kernel in wanted.items():
        np.testing.assert_allclose(kernels(getattr(model, f"discriminator_{domain}"))[0], kernel, atol=1e-5)
    if pool_size:
        np.testing.assert_allclose(model.pool_target.images[:8], fakes["target"], atol=1e-6)
        assert int(model.pool_target.count) == 8


def test_both_translators_gradients_hold_both_cycles():
    """With discriminators that are constant only the cycles teach: F = 0.5 must grow, since G = 1."""
    def scale(value):
        network = network_of(keras.layers.Dense(1, use_bias=False), (1,))
        network.layers[-1].kernel.assign([[value]])
        return network

    model = CycleGAN(scale(1.0), scale(0.5), judge((1,)), judge((1,)), cycle_weight=2.0)
    for part in (model.discriminator_source, model.discriminator_target):
        for variable in part.weights:
            variable.assign(tf.zeros_like(variable))
    z, x = np.full((4, 1), 0.5, "float32"), np.full((4, 1), 1.0, "float32")
    stepped(model, (z, x), rate=0.1)
    # each cycle is |g f v - v| = v (1 - g f), so d/dg = 2 f (z + x) = 1.5 and d/df = 2 g (z + x) = 3
    assert kernels(model.to_target)[0].item() == pytest.approx(1.0 + 0.1 * 1.5)
    assert kernels(model.to_source)[0].item() == pytest.approx(0.5 + 0.1 * 3.0)


@pytest.mark.parametrize("objective", ["NonSaturating", "ImportanceWeighted", "Saturating", "Hinge", "Wasserstein"])
@pytest.mark.parametrize("network", ["conv", "dense"])
def test_every_adversarial_objective_trains(objective, network):
    given = {"hidden": [8]} if network == "dense" else {
        "translator_filters": 2, "blocks": 1, "discriminator_filters": 2, "depth": 1,
    }
    model = dgm_zoo.create("cyclegan", image_shape=(8, 8, 1), network=network, objective=objective, **given, seed=0)
    z, x = np.abs(normal(2, 8, 8, 8, 1)) / 5
    before = weights(model)
    stepped(model, (np.minimum(z, 1), np.minimum(x, 1)), rate=0.01)
    assert np.isfinite(weights(model)).all() and np.abs(weights(model) - before).max() > 0


def test_translate_names_the_domain():
    model = tiny("cyclegan")
    (z, x), *_ = examples(model, 5)
    np.testing.assert_array_equal(model.translate(z), model.answer("to_target", x=z)["x"])
    np.testing.assert_array_equal(model.translate(x, to="source"), model.answer("to_source", x=x)["x"])
    np.testing.assert_allclose(model.reconstruct(z), model.translate(model.translate(z), to="source"), atol=1e-6)
    with pytest.raises(InvalidInput, match="unknown domain 'sauce'; did you mean 'source'"):
        model.translate(z, to="sauce")


# ---------------------------------------------------------------------------------------------- what is refused

IMAGES = np.zeros((8, *SHAPE), "float32")
LABELS, NONE = np.zeros(8, "int32"), np.full(8, -1, "int32")


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("ada", ((IMAGES, IMAGES[:0]), (LABELS, NONE[:0])), "ADA.fit: the target has no examples; give at least one"),
        ("ada", ((IMAGES, IMAGES), (NONE, NONE)), "ADA.fit: the source has examples without a label"),
        ("ada", ((IMAGES, IMAGES), (LABELS, LABELS + 3)), "the target has the class 3, but the model knows 3 classes"),
        ("ada", ((IMAGES, IMAGES), (LABELS + 5, NONE)), "the source has the class 5, but the model knows 3 classes"),
        ("ada", ((IMAGES, IMAGES),), "ADA.fit: ADA needs labels; give (x, y)"),
        ("ada", ((IMAGES, IMAGES[:6]), (LABELS, NONE[:6])), "the source 8 and the target 6 rows; give equally many"),
        ("ada", ((IMAGES, 255 + IMAGES), (LABELS, NONE)), "target has values from 255 to 255, outside [0, 1]"),
        ("cyclegan", ((IMAGES, IMAGES[:, :3]),), "target has shape [8, 3, 4, 1], but this model takes [batch, 4,"),
        ("cyclegan", (IMAGES,), "CycleGAN takes 2 domains, but x has not as many parts; give x as the tuple (so"),
        ("cyclegan", ((IMAGES, IMAGES), LABELS), "CycleGAN takes 2 domains, but y has not as many parts"),
        ("vae", ((IMAGES, IMAGES),), "VAE.fit: x is a tuple; give one array, or a tf.data.Dataset"),
    ],
)
def test_data_that_do_not_suit_are_refused_before_training(name, data, sentence):
    model = tiny(name)
    model.compile("sgd")
    before = weights(model)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        model.fit(*data, verbose=0)
    np.testing.assert_array_equal(weights(model), before)


def test_a_batch_of_one_domain_is_refused():
    model = tiny("cyclegan")
    model.compile("sgd")
    with pytest.raises(InvalidInput, match="CycleGAN takes 2 domains"):
        model.fit(tf.data.Dataset.from_tensor_slices((IMAGES, IMAGES)).batch(4), verbose=0)
    with pytest.raises(InvalidInput, match=re.escape("target has shape [None, 3, 4, 1]")):
        model.train_on_batch((IMAGES, IMAGES[:, :3]))


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("ada", {"mode": "symetric"}, "unknown mode 'symetric'; did you mean 'symmetric'?"),
        ("ada", {"level": "feature"}, "unknown level 'feature'; did you mean 'features'?"),
        ("ada", {"objective": "LeastSquares"}, "takes the objectives NonSaturating and ImportanceWeighted, got Least"),
        ("ada", {"objective": "Saturating"}, "the saturating game is mode='grl'"),
        ("ada", {"mode": "grl", "objective": "ImportanceWeighted"}, "mode 'grl' is zero-sum and takes no objective"),
        ("ada", {"domain_weight": -1.0}, "domain_weight is -1.0; give a number of at least 0"),
        ("pm", {"latent_dim": 1}, "latent_dim is 1; give a whole number of at least 2"),
        ("pm", {"form": "square"}, "unknown form 'square'; did you mean 'squares'?"),
        ("cyclegan", {"network": "conv", "hidden": None}, "cannot be halved 2 times"),
        ("cyclegan", {"pool_size": -1}, "pool_size is -1; give a whole number of at least 0"),
        ("cyclegan", {"identity_weight": -0.5}, "identity_weight is -0.5; give a number of at least 0"),
    ],
)
def test_models_that_cannot_be_are_refused(name, given, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        tiny(name, **given)


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="depth 3 leaves no patch of image_shape .16, 16, 1."):
        dgm_zoo.create("cyclegan", image_shape=(16, 16, 1), depth=3)
    grey, colour = identity_network(), network_of(keras.layers.Conv2D(3, 1))
    back = network_of(keras.layers.Conv2D(1, 1), (4, 4, 3))
    given = [colour, back, judge(), judge((4, 4, 3))]
    assert CycleGAN(*given).takes()["target"].shape == (4, 4, 3)
    with pytest.raises(InvalidInput, match=re.escape("but G takes (4, 4, 1) and the target has (4, 4, 3); set")):
        CycleGAN(*given, identity_weight=0.5)
    with pytest.raises(InvalidInput, match="the output of to_target has shape"):
        CycleGAN(colour, grey, judge(), judge())
    with pytest.raises(InvalidInput, match="output of logits has shape .2,., but the discriminator's input has .1,."):
        ADA(dense((1,), (1,), ()), dense((1,), (2,), ()), dense((1,), (1,), ()), level="logits")
    with pytest.raises(InvalidInput, match="mode 'symmetric' has one trunk for both domains"):
        ADA(*[dense((1,), (1,), ()) for _ in range(3)], target_trunk=dense((1,), (1,), ()))
    with pytest.raises(InvalidInput, match="a decoder and a likelihood come together"):
        PM(dense((4,), (2,), ()), Predictors(2), decoder=dense((2,), (4,), ()))


# ---------------------------------------------------------------------------------------------- configs of two domains

CONFIG = {
    "model": {"name": "ada", "filters": [4, 8], "feature_dim": 16, "discriminator_hidden": [16]},
    "data": {"name": "digits", "target": "digits", "batch_size": 100, "limit": [400, 300]},
    "train": {"epochs": 2, "steps_per_execution": 4}, "evaluate": {"limit": 100},
}


def config(**sections):
    return training.resolve({key: {**CONFIG.get(key, {}), **sections.get(key, {})} for key in {*CONFIG, *sections}})


def test_a_run_of_two_domains_trains_measures_and_resumes(tmp_path):
    found = training.train(config(), tmp_path / "run", verbose=0)
    assert found["steps_per_epoch"] == 400 // 50 and found["dataset"]["target"] == "digits"
    metrics = found["metrics"]
    assert {"test_target_accuracy", "test_source_accuracy", "test_accuracy_target"} <= set(metrics)
    assert metrics["test_target_accuracy"]["value"] == metrics["test_source_accuracy"]["value"]  # one and the same set
    run = training.load_run(tmp_path / "run")
    assert "val_accuracy_target" in (tmp_path / "run" / "log.csv").read_text()
    assert training.train(config(), tmp_path / "run", verbose=0) == found
    adda = config(model={"mode": "adda"}, train={"start_from": str(tmp_path / "run"), "epochs": 2})
    model = training.train_model(adda, tmp_path / "adda", verbose=0).model
    np.testing.assert_array_equal(weights(model.trunk), weights(run.model.trunk))
    history = (tmp_path / "adda" / "checkpoints" / "epoch_000002" / "progress.json").read_text()
    assert '"best_epoch": 2' in history  # of equal losses the latest


def test_translations_are_drawn_and_the_pool_survives(tmp_path):
    small = {"name": "cyclegan", "network": "dense", "hidden": [8], "pool_size": 10}
    given = {"data": {"name": "digits", "target": "digits", "batch_size": 100, "limit": 200}, "model": small}
    plain = training.resolve({**CONFIG, **given})
    found = training.train_model(plain, tmp_path / "run", verbose=0)
    assert (tmp_path / "run" / "translations.png").exists()
    assert int(found.model.pool_target.count) == 10 and np.ptp(found.model.pool_target.images) > 0


def test_the_runs_of_pm_are_measured(tmp_path):
    plain = training.resolve({
        "model": {"name": "pm", "latent_dim": 4, "hidden": [16]}, "data": {"name": "digits", "batch_size": 100},
        "train": {"epochs": 1}, "evaluate": {"limit": 100},
    })
    metrics = training.train(plain, tmp_path / "run", verbose=0)["metrics"]
    assert {"test_code_information", "test_unit_error", "constant_units"} <= set(metrics)
    assert (tmp_path / "run" / "codes.png").exists()


def test_every_held_out_row_of_a_domain_is_measured():
    given = config(data={"image_size": [8, 8], "channels": 3, "limit": None}, evaluate={"limit": None})
    x, label = next(iter(pairs.one_domain(given, "target", "test", labels=True, batch_size=1000)))
    assert x.shape[1:] == (8, 8, 3) and len(x) == len(label) == dgm_zoo.data.info("digits").splits["test"]
    plain = build.held_out(given, None, "test", batch_size=7, limit=7)
    assert next(iter(plain)).shape == (7, 8, 8, 3)
    assert arguments.image_of(given)[0] == (8, 8, 3)


def test_held_out_domains_have_labels_and_training_hides_the_targets():
    (_, (source, target)) = next(iter(build.dataset(config(), tiny("ada"), "train")))
    assert (source.numpy() >= 0).all() and (target.numpy() == -1).all()
    (_, (_, target)) = next(iter(build.dataset(config(), tiny("ada"), "validation")))
    assert (target.numpy() >= 0).all()


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"data": {"target": None}}, "ada needs two domains, but config.data.target is not set"),
        ({"model": {"name": "vae"}}, "config.data.target is 'digits', but vae takes one data set; set it to None"),
        ({"data": {"target": "digit"}}, "unknown data set 'digit'; did you mean 'digits'?"),
        ({"data": {"binarize": "fixed"}}, "unknown config key 'data.binarize'"),
        ({"data": {"limit": [1, 2, 3]}}, "config.data.limit is [1, 2, 3]; give None, or a whole number"),
    ],
)
def test_configs_of_domains_that_do_not_suit_are_refused(sections, sentence):
    given = {key: {**CONFIG.get(key, {}), **sections.get(key, {})} for key in CONFIG}
    if sections.get("model"):
        given["model"] = sections["model"]
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        training.resolve(given)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"model": {"mode": "adda"}}, "set config.train.start_from to the workdir of such a run"),
        ({"data": {"target": "gaussian_mixtures/ring"}}, "has 10 classes and the target 'gaussian_mixtures/ring' 8"),
        ({"data": {"name": "emoji/noto", "target": "emoji/twemoji"}}, "ada needs labels, but data set 'emoji/noto' h"),
    ],
)
def test_domains_that_do_not_suit_the_model_are_refused(sections, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        build.build(config(**sections))


def test_danns_schedule_spans_the_run():
    given = config(model={"mode": "grl", "domain_weight": "dann"}, train={"epochs": 7})
    assert build.build(given).domain_weight.total_steps == 7 * 8


def test_arrays_of_a_users_own_are_trained_on():
    rng = np.random.default_rng(0)
    source, target, label = rng.random((40, *SHAPE)), rng.random((60, *SHAPE)), rng.integers(0, CLASSES, 40)
    model = tiny("ada")
    model.compile("sgd")
    pair = pair_from_arrays(source.astype("float32"), target.astype("float32"), label, batch_size=20)
    assert len(model.fit(pair, epochs=2, verbose=0).history["loss"]) == 2
