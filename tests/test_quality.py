"""Sample quality: each measure against what is known of it, the cache of real statistics, and the mistakes."""

import re
import shutil

import keras
import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.distance import cdist

from dgm_zoo import data, metrics
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import (
    conditional_accuracy,
    density_coverage,
    extractor,
    frechet_distance,
    frechet_of_moments,
    inception_score,
    kernel_distance,
    load_reference,
    mode_coverage,
    precision_recall,
    sample_quality,
)

SEEDS = 200  # repetitions behind a statement about an estimator's mean or spread


def normal(n, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


class Judge:
    """Stands for a classifier of digits: features are 16 fixed projections of the pixels, logits 10 of these."""

    name = "judge"

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.weights = [rng.normal(size=(64, 16)), rng.normal(size=(16, 10))]
        self.asked = 0

    def get_weights(self):
        return self.weights

    def answer(self, name, x):
        self.asked += 1
        features = np.maximum(x.reshape(-1, 64) @ self.weights[0], 0)
        if name == "features":
            return {"features": features}
        logits = np.exp(features @ self.weights[1] / 4)
        return {"probabilities": logits / logits.sum(1, keepdims=True)}


# Inception score.


@pytest.mark.filterwarnings("error")
def test_the_inception_score_of_sure_and_balanced_predictions_is_the_number_of_classes():
    for classes in (2, 10):
        found = inception_score(np.tile(np.eye(classes), (7, 1)), splits=1)
        assert found["value"] == pytest.approx(classes) and found["stderr"] is None


def test_the_inception_score_of_predictions_that_are_all_alike_is_one():
    for p in ([0.1] * 10, [0.7, 0.3], [1.0, 0.0]):
        found = inception_score(np.tile(p, (50, 1)), splits=5)
        assert found["value"] == pytest.approx(1) and found["stderr"] == pytest.approx(0, abs=1e-9)


def test_the_inception_score_is_the_formula_in_each_split():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 90)
    whole = np.exp(np.mean(np.sum(p * np.log(p / p.mean(0)), 1)))
    assert inception_score(p, splits=1)["value"] == pytest.approx(whole)
    scores = []
    for part in np.array_split(np.random.default_rng(0).permutation(90), 3):
        scores.append(np.exp(np.mean(np.sum(p[part] * np.log(p[part] / p[part].mean(0)), 1))))
    found = inception_score(p, splits=3)
    assert found["value"] == pytest.approx(np.mean(scores))
    assert found["stderr"] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(3))
    assert found["protocol"] == "mean over 3 splits of 90 images, s.e. over these"


@pytest.mark.parametrize("order", [lambda y: np.sort(y), lambda y: y])
def test_neither_sorted_nor_alternating_classes_spoil_the_splits(order):
    label = order(np.arange(5000) % 10)
    assert inception_score(np.eye(10)[label], splits=10)["value"] > 9.8


# Frechet distance.


def spread(d, seed):
    a = normal(d, d, seed)
    return a @ a.T / d + 0.1 * np.eye(d)


def test_two_gaussians_are_as_far_apart_as_the_closed_forms_say():
    zero, one = np.zeros(3), np.eye(3)
    assert frechet_of_moments(zero, one, np.array([3, 4, 0]), one) == pytest.approx(25)
    assert frechet_of_moments(zero, 4 * one, zero, 9 * one) == pytest.approx(3 * (3 - 2) ** 2)
    a, b = np.diag([1.0, 4.0, 9.0]), np.diag([4.0, 0.0, 1.0])  # they commute, and one is singular
    assert frechet_of_moments(zero, a, zero, b) == pytest.approx(1 + 4 + 4)


def test_the_distance_of_gaussians_that_do_not_commute_is_that_of_scipys_matrix_root():
    a, b = spread(6, 1), spread(6, 2)
    assert np.abs(a @ b - b @ a).max() > 0.1
    wanted = 1 + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    shift = np.eye(6)[0]
    assert frechet_of_moments(0 * shift, a, shift, b) == pytest.approx(wanted)
    assert frechet_of_moments(shift, b, 0 * shift, a) == pytest.approx(wanted)


def test_samples_of_two_gaussians_come_within_the_standard_error_of_the_closed_form():
    a, b, shift = spread(4, 1), spread(4, 2), np.full(4, 0.5)
    wanted = frechet_of_moments(0 * shift, a, shift, b)
    real = normal(200_000) @ np.linalg.cholesky(a).T
    found = frechet_distance(real, normal(20_000, seed=1) @ np.linalg.cholesky(b).T + shift)
    assert abs(found["value"] - wanted) < 4 * found["stderr"] < 0.2 * wanted


def test_the_distance_of_a_set_to_itself_is_zero_and_to_its_shift_is_the_shift():
    x = normal(500) @ spread(4, 3)
    assert frechet_distance(x, x)["value"] == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x[::-1] + [3, 4, 0, 0])["value"] == pytest.approx(25, abs=1e-5)


def test_the_jackknifes_standard_error_is_the_spread_over_samples():
    real, found = normal(1000), []
    for seed in range(1, SEEDS + 1):
        found.append(frechet_distance(real, 1.3 * normal(300, seed=seed) + 0.5))
    spread = np.std([one["value"] for one in found], ddof=1)
    assert np.sqrt(np.mean([one["stderr"] ** 2 for one in found])) == pytest.approx(spread, rel=0.2)


def test_fewer_rows_than_features_are_warned_of_with_the_numbers():
    with pytest.warns(UserWarning, match="from 12 rows of 12 features: a covariance is singular"):
        found = frechet_distance(normal(100, 12), normal(12, 12))
    assert found["value"] > 0 and found["stderr"] is None
    with pytest.warns(UserWarning, match="give more than 12 rows"):
        frechet_distance(normal(9, 12), normal(100, 12))


# Kernel distance.


@pytest.fixture(scope="module")
def kernel_distances():
    """Of two samples of one distribution, many times."""
    return [kernel_distance(normal(100, seed=2 * i), normal(120, seed=2 * i + 1)) for i in range(SEEDS)]


def test_the_kernel_distance_is_unbiased(kernel_distances):
    values = np.array([one["value"] for one in kernel_distances])
    assert abs(values.mean()) < 4 * values.std(ddof=1) / np.sqrt(SEEDS)
    assert (values < 0).mean() > 0.2  # as an unbiased estimate of zero must be


def test_the_kernel_distances_standard_error_is_the_spread_over_samples(kernel_distances):
    spread = np.std([one["value"] for one in kernel_distances], ddof=1)
    stated = np.sqrt(np.mean([one["stderr"] ** 2 for one in kernel_distances]))
    assert stated == pytest.approx(spread, rel=0.2)


def test_the_kernel_distance_is_the_formula():
    x, y = normal(7, 3), normal(5, 3, seed=1)
    k = lambda a, b: (a @ b / 3 + 1) ** 3  # noqa: E731
    xx = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    wanted = xx + yy - 2 * np.mean([k(a, b) for a in x for b in y])
    found = kernel_distance(x, y, subsets=1)
    assert found["value"] == pytest.approx(wanted) and found["stderr"] is None


def test_sorted_rows_do_not_spoil_the_kernel_distances_subsets():
    label = np.sort(np.arange(1000) % 10)
    x, y = np.eye(10)[label], np.eye(10)[label[::-1]]
    assert kernel_distance(x, y)["value"] < 0.02 < kernel_distance(x, y[:500])["value"]


# Precision and recall, density and coverage.

LEFT, RIGHT = np.array([[0.0], [1], [2], [3]]), np.array([[100.0], [101], [102], [103]])


def values(found):
    return {name: one["value"] for name, one in found.items()}


def test_a_sampler_of_half_the_data_is_precise_and_recalls_half():
    real, half = np.concatenate([LEFT, RIGHT]), LEFT + 0.5
    assert values(precision_recall(real, half, k=1)) == {"precision": 1.0, "recall": 0.5}
    assert values(precision_recall(half, real, k=1)) == {"precision": 0.5, "recall": 1.0}


def test_samples_far_away_are_neither_precise_nor_recall_anything():
    found = {**precision_recall(LEFT, RIGHT), **density_coverage(LEFT, RIGHT, k=3)}
    assert values(found) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_density_counts_balls_and_coverage_counts_the_balls_that_are_reached():
    real = np.array([[0.0], [1], [2], [10]])  # the balls of k = 1: [-1, 1], [0, 2], [1, 3], [2, 18]
    generated = np.array([[0.5], [1.5], [2.5], [17], [30]])  # in 2, 2, 2, 1 and none of them
    assert values(density_coverage(real, generated, k=1)) == {"density": 7 / 5, "coverage": 1.0}
    assert values(density_coverage(real, generated[3:], k=1)) == {"density": 1 / 2, "coverage": 1 / 4}


def test_an_outlier_among_the_real_inflates_precision_and_not_density():
    real, generated = np.concatenate([LEFT, [[1000.0]]]), np.linspace(100, 900, 50)[:, None]
    assert precision_recall(real, generated, k=3)["precision"]["value"] == 1
    assert density_coverage(real, generated, k=3)["density"]["value"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("d", [2, 40])  # neighbours are found by a tree, and by brute force
def test_both_pairs_are_their_definitions(d):
    real, generated = normal(60, d), 0.8 * normal(45, d, seed=1)

    def radius(x, k):
        return np.sort(cdist(x, x), 1)[:, k]  # column 0 is the row itself

    inside = cdist(generated, real) <= radius(real, 3)
    recalled = cdist(real, generated) <= radius(generated, 3)
    found = precision_recall(real, generated, k=3)
    assert values(found) == {"precision": inside.any(1).mean(), "recall": recalled.any(1).mean()}
    inside = cdist(generated, real) <= radius(real, 5)
    found = density_coverage(real, generated, k=5)
    assert values(found) == {"density": pytest.approx(inside.sum() / 5 / 45), "coverage": inside.any(0).mean()}
    share = inside.any(0).mean()
    assert found["coverage"]["stderr"] == pytest.approx(np.sqrt(share * (1 - share) / 59))


def test_a_set_is_wholly_within_itself():
    x = normal(200)
    found = {**precision_recall(x, x), **density_coverage(x, x)}
    assert values(found) == {"precision": 1, "recall": 1, "density": 1, "coverage": 1}


# Under noise.

STEPS = (0.0, 0.5, 1.0, 2.0)
AWAY = {
    "frechet_distance": lambda real, x: [frechet_distance(real, x)["value"]],
    "kernel_distance": lambda real, x: [kernel_distance(real, x)["value"]],
    "precision": lambda real, x: [-precision_recall(real, x)["precision"]["value"]],
    "density_coverage": lambda real, x: [-one for one in values(density_coverage(real, x)).values()],
}


@pytest.mark.parametrize("name", AWAY)
def test_noise_on_the_samples_makes_them_worse_step_by_step(name):
    centres = 5 * np.eye(4)
    real, x = (centres[np.arange(1000) % 4] + normal(1000, seed=seed) for seed in (1, 2))
    found = np.array([AWAY[name](real, x + step * normal(1000, seed=3)) for step in STEPS])
    assert (np.diff(found, axis=0) > 0).all()


def test_classes_that_are_dropped_lower_recall_and_coverage_step_by_step_and_leave_precision_alone():
    label, centres = np.arange(1000) % 4, 20 * np.eye(4)
    real, x = (centres[label] + normal(1000, seed=seed) for seed in (1, 2))
    for kept in (4, 3, 2, 1):
        found = values({**precision_recall(real, x[label < kept]), **density_coverage(real, x[label < kept])})
        assert found["precision"] > 0.85
        for name in ("recall", "coverage"):
            assert found[name] == pytest.approx(kept / 4, abs=0.08)


def test_doubt_lowers_the_inception_score_and_noise_the_conditional_accuracy_step_by_step():
    label = np.arange(1000) % 10
    sure, noise = np.eye(10)[label], np.random.default_rng(0).normal(size=(1000, 10))
    found = []
    for step in STEPS:
        doubtful, p = np.exp(sure * 5 / (1 + step)), np.exp(sure + step * noise)
        doubtful, p = (one / one.sum(1, keepdims=True) for one in (doubtful, p))
        found.append([inception_score(doubtful)["value"], conditional_accuracy(p, label)["value"]])
    assert (np.diff(found, axis=0) < 0).all()


# Conditional accuracy.


def test_conditional_accuracy_is_the_share_of_hits():
    p = np.array([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.2, 0.8]])
    found = conditional_accuracy(p, [0, 1, 1, 1])
    assert found["value"] == 0.75 and found["stderr"] == pytest.approx(0.25)
    assert found["protocol"] == "share of 4 samples classified as the class asked for"


# Modes.

RING = "gaussian_mixtures/ring"


def ring(per_mode, offset=0.0):
    """As many points as stated about each mode, `offset` standard deviations from its centre."""
    modes = data.info(RING).modes
    return np.repeat(np.array(modes.centres), per_mode, 0) + [offset * modes.stddev, 0]


def test_modes_are_covered_by_enough_samples_of_high_quality():
    found = mode_coverage(ring([20, 19, 20, 0, 50, 50, 1, 0]), RING)
    assert found["modes_covered"]["value"] == 4 and found["high_quality"]["value"] == 1
    assert "of 8 modes, those with at least 20 of 160 samples within 3 standard" in found["modes_covered"]["protocol"]
    assert mode_coverage(ring([20, 19, 20, 0, 50, 50, 1, 0]), RING, least=1)["modes_covered"]["value"] == 6


def test_high_quality_ends_at_three_standard_deviations():
    points = np.concatenate([ring([30] * 8, 2.99), ring([10] * 8, 3.01)])
    found = mode_coverage(points, RING)
    assert found["high_quality"]["value"] == 0.75 and found["modes_covered"]["value"] == 8
    assert found["high_quality"]["stderr"] == pytest.approx(np.sqrt(0.75 * 0.25 / 320))
    assert values(mode_coverage(ring([40] * 8, 3.01), RING)) == {"modes_covered": 0, "high_quality": 0}


@pytest.mark.parametrize("name", [RING, "gaussian_mixtures/grid"])
def test_the_datas_own_share_of_high_quality_is_the_one_that_the_protocol_states(name):
    modes, rng = data.info(name).modes, np.random.default_rng(0)
    points = np.array(modes.centres)[rng.integers(0, len(modes.centres), 10_000)]
    found = mode_coverage(points + modes.stddev * rng.normal(size=(10_000, 2)), name)
    assert found["modes_covered"]["value"] == len(modes.centres)
    stated = float(re.search(r"the data's own is (\S+)", found["high_quality"]["protocol"])[1])
    assert abs(found["high_quality"]["value"] - stated) < 4 * found["high_quality"]["stderr"]


# What the images are seen by.


def test_a_classifiers_features_are_named_after_it_and_its_weights():
    judge, x = Judge(), np.random.default_rng(0).random((5, 8, 8, 1))
    one, named, other = extractor(judge), extractor(judge, "classifier_digits"), extractor(Judge(seed=1))
    assert re.fullmatch("judge-[0-9a-f]{16}", one.name) and one.name != other.name
    assert named.name == one.name.replace("judge", "classifier_digits")
    features, probabilities = one.extract(x)
    np.testing.assert_array_equal(features, judge.answer("features", x)["features"])
    np.testing.assert_array_equal(probabilities, judge.answer("classify", x)["probabilities"])
    assert extractor(one) is one


def test_a_function_gives_features_without_a_name_or_probabilities():
    seen = extractor(lambda x: x.reshape(len(x), -1))
    features, probabilities = seen.extract(np.zeros((5, 8, 8, 1)))
    assert seen.name is None and features.shape == (5, 64) and probabilities is None


@pytest.mark.exhaustive
def test_inception_v3_sees_images_of_any_size_and_grey_ones_as_three_equal_channels():
    seen = metrics.inception_v3(weights=None)
    grey = np.random.default_rng(0).random((2, 20, 20, 1))
    features, probabilities = seen.extract(grey)
    assert features.shape == (2, 2048) and probabilities.shape == (2, 1000)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-4)
    np.testing.assert_allclose(seen.extract(grey.repeat(3, -1))[0], features, rtol=1e-4, atol=1e-5)
    assert re.fullmatch("inception_v3-[0-9a-f]{16}", seen.name)
    with pytest.raises(InvalidInput, match=r"takes images \[n, H, W, 1\] or \[n, H, W, 3\], not shape \[2, 5\]"):
        seen.extract(np.zeros((2, 5)))


def test_inception_weights_that_cannot_be_had_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InvalidInput, match="there is no weights file '/nowhere/inception.h5' for InceptionV3"):
        metrics.inception_v3("/nowhere/inception.h5")

    def offline(weights):
        raise Exception(f"URL fetch failure on https://example.org/{weights}: None -- no network")

    monkeypatch.setattr(keras.applications, "InceptionV3", offline)
    with pytest.raises(InvalidInput, match="'imagenet' of InceptionV3 can be neither found nor downloaded .URL fetch"):
        metrics.inception_v3()


# The cache of real statistics.


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("tfds"))
    data.prepare("digits", folder)
    return folder


@pytest.fixture
def load(digits_dir, tmp_path):
    """`load_reference` of digits, with its cache in `tmp_path`."""

    def load(judge, split="test", **given):
        seen = extractor(judge)
        return load_reference("digits", seen, split, data_dir=digits_dir, **{"folder": tmp_path, **given})

    return load


def test_the_real_images_are_seen_once(load, digits_dir):
    judge = Judge()
    one = load(judge)
    asked = judge.asked
    two = load(judge)
    assert judge.asked == asked > 0
    x = next(iter(data.load("digits", "test", 360, data_dir=digits_dir))).numpy()
    for found in (one, two):
        np.testing.assert_array_equal(found.features, judge.answer("features", x)["features"])
        np.testing.assert_array_equal(found.probabilities, judge.answer("classify", x)["probabilities"])
        assert found.name == "digits 1.0.0, test split, 360 real"


def test_whatever_the_statistics_depend_on_has_a_file_of_its_own(load, tmp_path, monkeypatch):
    load(Judge())
    for change in ({"split": "validation"}, {"split": "train"}, {"limit": 100}):
        load(Judge(), **change)
    load(Judge(seed=1))
    monkeypatch.setattr(metrics.reference, "__version__", "9.9.9")
    load(Judge())
    assert len(list(tmp_path.glob("digits-*.npz"))) == len(list(tmp_path.iterdir())) == 6


def test_options_of_numpy_are_those_of_python(load, tmp_path):
    judge = Judge()
    one = load(judge, limit=100, threshold=True)
    other = load(judge, limit=np.int32(100), threshold=np.bool_(True))
    assert len(list(tmp_path.iterdir())) == 1 and one.name == other.name
    np.testing.assert_array_equal(one.features, other.features)


def test_every_row_of_the_training_split_is_seen_in_order(load, digits_dir):
    judge = Judge()
    x = next(iter(data.load("digits", "train", 1293, shuffle=False, data_dir=digits_dir))).numpy()
    np.testing.assert_array_equal(load(judge, "train").features, judge.answer("features", x)["features"])


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"judge": Judge(), "split": "validation"}, r"are of split 'validation', not 'test'; delete the file"),
        ({"judge": Judge(), "limit": 100}, r"are of images 100, not 360; delete the file"),
        ({"judge": Judge(seed=1)}, r"are of features 'judge-\w{16}', not 'judge-\w{16}'; delete the file"),
    ],
)
def test_a_file_of_other_statistics_is_never_used(load, tmp_path, other, sentence):
    load(**other)
    stranger, = tmp_path.iterdir()
    load(Judge())
    path, = set(tmp_path.iterdir()) - {stranger}
    shutil.copy(stranger, path)
    with pytest.raises(InvalidInput, match=rf"the reference statistics '{path}' {sentence}$"):
        load(Judge())


@pytest.mark.parametrize("damage", [lambda old: old[: len(old) // 2], lambda old: b"", lambda old: b"no archive"])
def test_a_damaged_file_is_named(load, tmp_path, damage):
    load(Judge())
    path, = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InvalidInput, match=rf"statistics '{path}' are damaged .*; delete the file"):
        load(Judge())


def test_a_folder_that_cannot_be_written_costs_a_warning(load, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot be written .*; reference statistics are not kept"):
        found = load(Judge(), folder=tmp_path / "file" / "folder")
    assert found.features.shape == (360, 16)


def test_the_cache_lies_in_the_users_cache_folder(load, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    load(Judge(), folder=None)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    load(Judge(), folder=None)
    assert len(list((tmp_path / "xdg/dgm_zoo").iterdir())) == 1
    assert len(list((tmp_path / "home/.cache/dgm_zoo").iterdir())) == 1


def test_statistics_of_a_function_are_not_kept(digits_dir, tmp_path):
    seen = extractor(lambda x: x.reshape(len(x), -1))
    found = load_reference("digits", seen, data_dir=digits_dir, folder=tmp_path)
    assert found.features.shape == (360, 64) and found.probabilities is None and not list(tmp_path.iterdir())


# All of it, for one sampler.


def test_samples_of_images_get_every_measure_with_its_protocol(digits_dir, tmp_path):
    x, label = next(iter(data.load("digits", "validation", 144, labels=True, data_dir=digits_dir)))
    given = {"label": label.numpy(), "data_dir": digits_dir, "folder": tmp_path}
    good = sample_quality(x.numpy(), "digits", Judge(), **given)
    bad = sample_quality(np.random.default_rng(0).random(x.shape), "digits", Judge(), **given)
    assert set(good) == {
        "inception_score", "inception_score_real", "frechet_distance", "kernel_distance", "precision", "recall",
        "density", "coverage", "conditional_accuracy",
    }
    for metric in good.values():
        assert set(metric) == {"value", "stderr", "protocol"} and metric["stderr"] >= 0
        assert re.search(r"; digits 1.0.0, test split, 360 real; features of judge-[0-9a-f]{16}$", metric["protocol"])
    for name in ("frechet_distance", "kernel_distance"):
        assert bad[name]["value"] > 2 * good[name]["value"] + 1
    for name in ("precision", "recall", "density", "coverage"):
        assert bad[name]["value"] < 0.3 < 0.6 < good[name]["value"]


def test_means_of_binary_images_are_judged_as_binary_images(digits_dir, tmp_path):
    x = next(iter(data.load("digits", "test", 360, data_dir=digits_dir, binarize="threshold"))).numpy()
    given = {"data_dir": digits_dir, "folder": tmp_path}
    means = 0.3 + 0.4 * x  # which side of 1/2 they are on is all that counts
    found = sample_quality(means, "digits", Judge(), threshold=True, **given)
    assert found["frechet_distance"]["value"] < 1e-3 and found["recall"]["value"] == 1.0
    assert "360 real, binarised at half grey; features" in found["recall"]["protocol"]
    assert sample_quality(means, "digits", Judge(), **given)["frechet_distance"]["value"] > 1.0


def test_the_real_score_is_that_of_as_many_real_images(digits_dir, tmp_path):
    x = next(iter(data.load("digits", "test", 360, data_dir=digits_dir))).numpy()
    found = sample_quality(x[:200], "digits", Judge(), data_dir=digits_dir, folder=tmp_path)
    assert found["inception_score"] == found["inception_score_real"]
    assert "10 splits of 200 images" in found["inception_score"]["protocol"]


def test_points_are_compared_by_their_coordinates_and_counted_by_modes(tmp_path):
    x, label = next(iter(data.load(RING, "validation", 2500, labels=True, data_dir=str(tmp_path))))
    found = sample_quality(x.numpy(), RING, label=label, data_dir=str(tmp_path), folder=tmp_path / "cache")
    assert set(found) == {
        "modes_covered", "high_quality", "frechet_distance", "kernel_distance", "precision", "recall", "density",
        "coverage",
    }
    assert found["modes_covered"]["value"] == 8 and found["coverage"]["value"] > 0.9
    assert not (tmp_path / "cache").exists()
    assert abs(found["kernel_distance"]["value"]) < 4 * found["kernel_distance"]["stderr"]
    assert found["recall"]["protocol"].endswith("; gaussian_mixtures/ring 1.0.0, test split, 2,500 real; coordinates")


# Mistakes.

P, X = np.full((30, 3), 1 / 3), normal(30)
BAD = X.copy()
BAD[6, 1] = np.nan


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda: inception_score(P[:9]), "inception score over 10 parts needs at least 10 rows, not 9; give more"),
        (lambda: inception_score(P + 1), "probabilities must lie in [0, 1] and each row must sum to 1"),
        (lambda: inception_score(P[0]), "probabilities has shape [3]; give one row for each image, [n, d]"),
        (lambda: frechet_distance(X, X[:1]), "Frechet distance needs at least 2 generated rows, not 1; give more"),
        (lambda: frechet_distance(X, X[:, :3]), "real rows have 4 features and generated ones 3; give the same"),
        (lambda: frechet_distance(X, BAD), "generated holds NaN or infinity in row 6; correct the model that made it"),
        (lambda: kernel_distance(X[:19], X), "kernel distance over 10 parts needs at least 20 rows, not 19; give more"),
        (lambda: precision_recall(X, X[:3]), "precision and recall needs at least 4 generated rows, not 3; give more"),
        (lambda: density_coverage(X[:5], X), "density and coverage needs at least 6 real rows, not 5; give more"),
        (lambda: kernel_distance(X, X, subsets=0), "number of parts is 0; give a whole number of at least 1"),
        (lambda: precision_recall(X, X, k=2.5), "k is 2.5; give a whole number of at least 1"),
        (lambda: density_coverage(X, X, k=0), "k is 0; give a whole number of at least 1"),
        (lambda: mode_coverage(ring([10] * 8), RING, least=0), "least is 0; give a whole number of samples, at least"),
        (lambda: conditional_accuracy(P, [0, 1]), "labels of shape [2] do not fit 30 samples; give one for each"),
        (lambda: conditional_accuracy(P, [3] * 30), "labels from 3 to 3 do not fit 3 classes; correct them"),
        (lambda: mode_coverage(ring([10] * 8), RING), "80 points cannot put 20 on each of 8 modes; give at least 160"),
        (lambda: mode_coverage(X, RING), "points of shape [30, 4] do not suit; give finite ones, [n, 2]"),
        (lambda: mode_coverage(X, "digits"), "data set 'digits' is not a mixture of Gaussians and has no modes"),
        (lambda: mode_coverage(X, "gaussian_mixtures/moons"), "data set 'gaussian_mixtures/moons' is not a mixture"),
        (lambda: extractor(7), "classifier 7 extracts no features; give one of the zoo, or a function to features"),
        (lambda: load_reference("digits", extractor(Judge()), "dev"), "unknown split 'dev'"),
        (lambda: load_reference("digits", extractor(Judge()), limit=True), "limit=True does not fit split 'test'"),
        (lambda: load_reference("digits", extractor(Judge()), limit=0), "limit=0 does not fit split 'test'; give 1 to"),
        (lambda: load_reference("digits", extractor(Judge()), threshold="no"), "threshold='no' is not a boolean; give"),
        (lambda: load_reference("digits", extractor(Judge()), image_size=4), "image_size=4 is not a size; give"),
        (lambda: sample_quality(X, "digits", len, threshold=1), "threshold=1 is not a boolean; give True or False"),
        (lambda: sample_quality(X.astype(str), "digits", len), "x is not an array of numbers; give real numbers"),
        (lambda: sample_quality(X[:, 0], "digits", len), "x is float64 of shape [30]; give real numbers, one row"),
        (lambda: sample_quality(X, "digits"), "the images of 'digits' need a classifier for their features; give one"),
        (lambda: sample_quality(X[:19], "digits", len), "19 samples are too few; give at least 20"),
        (lambda: sample_quality(X, "digits", len, label=[0]), "labels of shape [1] do not fit 30 samples"),
        (lambda: sample_quality(X, "digits", len, label=[10] * 30), "labels from 10 to 10 do not fit 10 classes"),
    ],
)
def test_each_mistake_has_its_sentence(measure, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        measure()
    assert "\n" not in str(error.value)
