"""ADA: the steps of its modes against closed forms, labels of the target, DANN's schedule, ADDA's copy."""

import keras
import numpy as np
import pytest
from exact_domains import kernels, normal, sigmoid, stepped
from zoo import examples, sparing, tiny, weights

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import ADA
from dgm_zoo.models.domains.adaptation import ReversalSchedule
from dgm_zoo.networks.dense import dense

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


@pytest.mark.parametrize("mode", sparing(["symmetric", "grl", "adda"], ["symmetric"]))
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


def test_dropout_is_of_training_alone_and_of_channels_and_features():
    x = examples(tiny("ada"), 64)[0][1]
    plain, dropped = (tiny("ada", dropout=rate) for rate in (0.0, np.float32(0.5)))
    assert dropped.take_weights(plain)
    np.testing.assert_array_equal(dropped.classify(x)["logits"], plain.classify(x)["logits"])
    features = keras.Model(dropped.trunk.input, dropped.trunk.get_layer("dropout").output)
    maps = np.asarray(features(x, training=True))
    kept = (maps != 0).any((1, 2))
    before = np.asarray(features(x))
    np.testing.assert_allclose(maps, 2 * before * kept[:, None, None], rtol=1e-6)  # a whole channel is kept or dropped
    assert 0.3 < kept[(before != 0).any((1, 2))].mean() < 0.7
    h = np.ones((64, *dropped.head.input_shape[1:]), "float32")
    assert np.asarray(dropped.head(h, training=True)).std(0).min() > 0.01 > np.asarray(dropped.head(h)).std(0).max()
    with pytest.raises(InvalidInput, match="dropout is 1; give a probability from 0 to below 1"):
        tiny("ada", dropout=1)
