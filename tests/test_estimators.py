"""Scores of samples against brute force, with ties, copies, offsets, tiny and huge numbers; and their mistakes."""

import itertools
import re
import warnings

import numpy as np
import pytest
import scipy.linalg
from scipy.special import log_softmax, softmax

from dgm_zoo import data, metrics
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import scores


def rng(seed=0):
    return np.random.default_rng(seed)


def features(n=60, m=50, d=4):
    return rng(1).normal(size=(n, d)), 0.8 * rng(2).normal(size=(m, d)) + 0.3


def whole(n, m, d, high):
    """Whole numbers, so that many distances are equal and many rows are copies."""
    return rng(3).integers(0, high, (n, d)) + 0.0, rng(4).integers(0, high, (m, d)) + 0.0


# Real and generated features, by what is extreme about them.
FEATURES = {
    "normal": features(),
    "one feature": features(d=1),
    "40 features": features(d=40),  # neighbours are found by brute force, not by a tree
    "least rows": features(6, 6, 2),
    "ties": whole(60, 50, 3, 4),
    "ties of 40 features": whole(60, 50, 40, 2),
    "copies": whole(60, 50, 1, 3),
    "constant features": (np.full((30, 3), 7.0), np.full((25, 3), 7.0)),
    "one constant feature": tuple(np.concatenate([x, np.full((len(x), 1), 1e4)], 1) for x in features()),
    "offset 1e4": tuple(x + 1e4 for x in features()),
    "ties at an offset of 1e6": tuple(x + 1e6 for x in whole(60, 50, 3, 4)),
    "stddev 1e-6": tuple(1e-6 * x for x in features()),
    "stddev 1e-6 at an offset of 1": tuple(1e-6 * x + 1.0 for x in features()),
    "scale 1e6": tuple(1e6 * x for x in features()),
    "float32": tuple(x.astype("float32") for x in features()),
}
of_features = pytest.mark.parametrize("name", FEATURES)


# Neighbourhoods. The reference is the published formula, with every distance a sum of squared differences.


def squared(x, y):
    return ((x[:, None].astype(np.float64) - y[None]) ** 2).sum(-1)


def radii(x, k):
    """Squared distance of each row to its k-th neighbour; itself is the first of k + 1, as in `prdc`."""
    return np.sort(squared(x, x), 1)[:, k]


@of_features
@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_are_those_of_prdc(name, k):
    """Naeem et al., 2020, Eq. 4 and 5, with the strict inequality of the authors' package."""
    real, fake = FEATURES[name]
    away, radius = squared(real, fake), radii(real, k)
    inside = away < radius[:, None] * (1 - 1e-9)  # the margin is for the rounding of distances that are equal
    found = metrics.density_coverage(real, fake, k=k)
    assert found["density"]["value"] == pytest.approx(inside.sum(0).mean() / k, abs=1e-12)
    assert found["coverage"]["value"] == pytest.approx((away.min(1) < radius * (1 - 1e-9)).mean(), abs=1e-12)


@of_features
@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_are_their_definitions(name, k):
    """Kynkaanniemi et al., 2019, Eq. 1: with the balls' surfaces."""
    real, fake = FEATURES[name]
    away = squared(real, fake)
    found = metrics.precision_recall(real, fake, k=k)
    assert found["precision"]["value"] == (away <= radii(real, k)[:, None] * (1 + 1e-9)).any(0).mean()
    assert found["recall"]["value"] == (away <= radii(fake, k)[None] * (1 + 1e-9)).any(1).mean()


def test_a_sample_on_the_surface_of_a_ball_is_outside_for_density_and_inside_for_precision():
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[1.0], [-1.0]])  # balls (-1, 1), (0, 2), (1, 5)
    found = {**metrics.density_coverage(real, fake, k=1), **metrics.precision_recall(real, fake, k=1)}
    assert {name: one["value"] for name, one in found.items()} == {
        "density": 0.5, "coverage": 1 / 3, "precision": 1.0, "recall": 1.0,
    }


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_the_balls_do_not_depend_on_where_the_origin_is(offset):
    real, fake = (np.round(x * 256) / 256 for x in features(200, 200))  # exact at every offset
    found = {**metrics.density_coverage(real + offset, fake + offset), **metrics.precision_recall(real, fake)}
    wanted = {**metrics.density_coverage(real, fake), **metrics.precision_recall(real + offset, fake + offset)}
    assert found == wanted


# Frechet and kernel distance.


def frechet(real, fake):
    m, n, a, b = real.mean(0), fake.mean(0), np.cov(real.T, ddof=1), np.cov(fake.T, ddof=1)
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    roots = scipy.linalg.eigvals(a @ b)
    return ((m - n) ** 2).sum() + np.trace(a + b) - 2 * np.sqrt(roots.astype(complex)).real.sum()


@of_features
@pytest.mark.filterwarnings("ignore:Frechet distance from")
def test_the_frechet_distance_is_its_formula(name):
    real, fake = (x.astype(np.float64) for x in FEATURES[name])
    found = metrics.frechet_distance(real, fake)
    size = np.trace(np.atleast_2d(np.cov(real.T))) + np.trace(np.atleast_2d(np.cov(fake.T)))
    assert found["value"] == pytest.approx(max(frechet(real, fake), 0.0), rel=1e-6, abs=1e-7 * size)
    if len(fake) >= 20:
        blocks = np.array_split(rng(0).permutation(len(fake)), 10)
        without = [frechet(real, np.delete(fake, block, 0)) for block in blocks]
        spread = np.sqrt(9 / 10 * np.sum((np.array(without) - np.mean(without)) ** 2))
        assert found["stderr"] == pytest.approx(spread, rel=1e-4, abs=1e-6 * size)


def test_the_frechet_distance_takes_the_root_of_the_real_covariance_once(monkeypatch):
    calls, eigh = [], np.linalg.eigh
    monkeypatch.setattr(scores.np.linalg, "eigh", lambda cov: calls.append(cov) or eigh(cov))
    real, fake = features(300, 200, 32)
    found = metrics.frechet_distance(real, fake)
    assert len(calls) == 1 and found["stderr"] > 0
    moments = [part for x in (real, fake) for part in (x.mean(0), np.cov(x.T))]
    assert found["value"] == pytest.approx(metrics.frechet_of_moments(*moments), rel=1e-10)


@of_features
def test_the_kernel_distance_is_its_formula(name):
    real, fake = (x.astype(np.float64) for x in FEATURES[name])

    def kernel(a, b):
        return (np.einsum("id,jd->ij", a, b) / a.shape[1] + 1) ** 3

    def within(a):
        return kernel(a, a)[~np.eye(len(a), dtype=bool)].mean()

    subsets = 3 if len(real) < 20 else 10
    split = [np.array_split(rng(0).permutation(len(x)), subsets) for x in (real, fake)]
    wanted = [
        within(real[i]) + within(fake[j]) - 2 * kernel(real[i], fake[j]).mean() for i, j in zip(*split, strict=True)
    ]
    found, size = metrics.kernel_distance(real, fake, subsets), np.abs(kernel(real, real)).max()
    assert found["value"] == pytest.approx(np.mean(wanted), rel=1e-8, abs=1e-13 * size)
    assert found["stderr"] == pytest.approx(np.std(wanted, ddof=1) / np.sqrt(subsets), rel=1e-8, abs=1e-13 * size)


# Probabilities and labels.

LOGITS = {
    "normal": rng(1).normal(size=(100, 5)),
    "+-100": rng(1).choice([-100.0, 100.0], size=(100, 5)),
    "sure": 100.0 * np.eye(5)[np.arange(100) % 5] - 100.0,
    "equal": np.zeros((100, 5)),
    "one class": np.zeros((100, 1)),
    "1e5 rows": rng(1).normal(size=(100_000, 5)),
}


@pytest.mark.parametrize("name", LOGITS)
@pytest.mark.parametrize("splits", [1, 10])
@pytest.mark.filterwarnings("error")
def test_the_inception_score_is_its_formula(name, splits):
    logits = LOGITS[name]
    p, log_p = softmax(logits, 1), log_softmax(logits, 1)
    wanted = []
    for rows in np.array_split(rng(0).permutation(len(p)), splits):
        log_mean = np.log(np.maximum(p[rows].mean(0), 1e-300))
        wanted.append(np.exp((p[rows] * (log_p[rows] - log_mean)).sum(1).mean()))
    found = metrics.inception_score(p, splits)
    assert found["value"] == pytest.approx(np.mean(wanted), rel=1e-9)
    if splits == 1:
        assert found["stderr"] is None
    else:
        assert found["stderr"] == pytest.approx(np.std(wanted, ddof=1) / np.sqrt(splits), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", LOGITS)
def test_conditional_accuracy_is_a_share(name):
    p = softmax(LOGITS[name], 1)
    label = rng(5).integers(0, p.shape[1], len(p))
    right = np.array([row.argmax() == one for row, one in zip(p, label, strict=True)])
    found = metrics.conditional_accuracy(p, label)
    assert found["value"] == right.mean()
    assert found["stderr"] == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / (len(p) - 1)))


def test_one_row_has_a_value_and_no_standard_error():
    assert metrics.conditional_accuracy([[0.2, 0.8]], [1]) == {
        "value": 1.0, "stderr": None, "protocol": "share of 1 samples classified as the class asked for",
    }
    assert metrics.inception_score([[0.2, 0.8]], splits=1)["value"] == pytest.approx(1.0)
    found = metrics.code_error([0], [1], matching=([0], [1]), classes=2)
    assert found["value"] == 0.0 and found["stderr"] is None


@pytest.mark.parametrize(("n", "classes", "categories"), [(1, 2, 2), (30, 3, 3), (30, 4, 7), (100_000, 3, 3)])
def test_code_error_is_that_of_the_best_assignment(n, classes, categories):
    label, known = rng(1).integers(0, classes, n), rng(2).integers(0, classes, 50)
    shuffle = rng(3).permutation(categories)
    category, of_known = (
        np.where(rng(seed).random(len(y)) < 0.7, shuffle[y], rng(seed).integers(0, categories, len(y)))
        for seed, y in ((4, label), (5, known))
    )
    found = metrics.code_error(category, label, (of_known, known), classes)
    assignments = [np.array(one) for one in itertools.permutations(range(categories), classes)]
    hits = np.array([(one[known] == of_known).sum() for one in assignments])
    best = [one for one, count in zip(assignments, hits, strict=True) if count == hits.max()]
    assert any(found["value"] == pytest.approx((one[label] != category).mean()) for one in best)


@pytest.mark.parametrize(("n", "size"), [(1, 1), (1, 100), (50, 7), (100_000, 4)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_intersection_over_union_is_a_ratio_of_counts(n, size, share):
    mask, truth = (rng(seed).random((n, size)) < share for seed in (1, 2))
    found = metrics.intersection_over_union(mask, truth.astype("float32"))
    for row in range(min(n, 50)):
        one, other = set(np.flatnonzero(mask[row])), set(np.flatnonzero(truth[row]))
        assert found[row] == pytest.approx(len(one & other) / len(one | other) if one | other else 1.0)


@pytest.mark.parametrize("offset", [0.0, 1e-6, 2.9, 3.1])
def test_mode_coverage_counts_by_distance(offset):
    modes = data.info("gaussian_mixtures/ring").modes
    centres, n = np.array(modes.centres), 100_000
    points = centres[rng(1).integers(0, 5, n)] + [offset * modes.stddev, 0]  # three modes get nothing
    found = metrics.mode_coverage(points, "gaussian_mixtures/ring")
    assert found["high_quality"]["value"] == float(offset < 3) and found["high_quality"]["stderr"] == 0.0
    assert found["modes_covered"]["value"] == (5 if offset < 3 else 0)


# Mistakes: values that NumPy would turn into numbers without a word.

REAL, LABEL = features()[0], np.arange(60) % 3
P = np.full((60, 3), 1 / 3)
WRONG = {
    "complex": (REAL + 1j, "is not an array of numbers; give real numbers"),
    "text": (REAL.astype(str), "is not an array of numbers; give real numbers"),
    "objects": (REAL.astype(object), "is not an array of numbers; give real numbers"),
    "masked": (np.ma.masked_greater(REAL, 0), "has masked values; fill them, or drop their rows"),
    "ragged": ([[0.0, 1.0], [1.0]], "is not an array of numbers: its rows differ in shape; make them equal"),
    "one number": (0.5, "has shape []; give one row for each image, [n, d]"),
    "no rows": (REAL[:0], "has shape [0, 4]; give one row for each image, [n, d]"),
    "infinite": (np.full((60, 4), np.inf), "holds NaN or infinity in row 0"),
}
ASKED = {
    "inception_score": metrics.inception_score,
    "frechet_distance": lambda x: metrics.frechet_distance(REAL, x),
    "kernel_distance": lambda x: metrics.kernel_distance(x, REAL),
    "precision_recall": lambda x: metrics.precision_recall(REAL, x),
    "density_coverage": lambda x: metrics.density_coverage(x, REAL),
    "conditional_accuracy": lambda x: metrics.conditional_accuracy(x, LABEL),
    "mode_coverage": lambda x: metrics.mode_coverage(x, "gaussian_mixtures/ring"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ASKED)
def test_values_that_are_not_real_numbers_are_refused(name, wrong):
    values, sentence = WRONG[wrong]
    with warnings.catch_warnings(), pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        warnings.simplefilter("error")
        ASKED[name](values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda: metrics.conditional_accuracy(P, LABEL + 0.5), "label is float64 of shape [60]; give integers [n]"),
        (lambda: metrics.conditional_accuracy(P, LABEL.astype(str)), "label is not an array of numbers; give integers"),
        (lambda: metrics.conditional_accuracy(P, LABEL - 1), "labels from -1 to 1 do not fit 3 classes"),
        (lambda: metrics.code_error(LABEL + 0.0, LABEL, (LABEL, LABEL), 3), "category is float64 of shape [60]; give"),
        (lambda: metrics.code_error(LABEL, LABEL, (LABEL - 1, LABEL), 3), "category holds -1; give categories from 0"),
        (lambda: metrics.code_error(LABEL, LABEL, (LABEL, LABEL), 2), "labels from 0 to 2 do not fit 2 classes"),
        (lambda: metrics.code_error(LABEL, LABEL, (LABEL, LABEL), 2.0), "classes is 2.0; give a whole number"),
        (lambda: metrics.code_error([], [], (LABEL, LABEL), 3), "category is float64 of shape [0]; give integers [n]"),
        (lambda: metrics.intersection_over_union([], []), "mask has shape [0]; give at least one example, [n, ...]"),
        (lambda: metrics.intersection_over_union(1, 1), "mask has shape []; give at least one example, [n, ...]"),
        (lambda: metrics.intersection_over_union([["1"]], [[1]]), "mask is not an array of numbers; give real numbers"),
        (lambda: metrics.intersection_over_union([[1]], [[1j]]), "truth is not an array of numbers; give real numbers"),
        (lambda: metrics.intersection_over_union([[1]], [[0.5]]), "truth holds 0.5; give zeros and ones"),
    ],
)
def test_each_mistake_has_its_sentence(measure, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)) as error:
        measure()
    assert "\n" not in str(error.value)


# Translations and codes.


@pytest.mark.parametrize("kind", ["float32", "uint8", "offset 1e6", "bool", "lists"])
def test_the_error_and_retrieval_of_translations_are_those_of_real_numbers(kind):
    x, y = (rng(seed).integers(0, 256 if kind == "uint8" else 2, (30, 4, 2)) for seed in (1, 2))
    y[:10] = x[:10]
    exact = [part.reshape(30, -1).astype(float) + 1e6 * (kind == "offset 1e6") for part in (x, y)]
    given = [part.tolist() if kind == "lists" else part.astype({"uint8": "uint8", "bool": "bool"}.get(kind, "float32"))
             for part in (x + 10**6 * (kind == "offset 1e6"), y + 10**6 * (kind == "offset 1e6"))]
    errors = np.abs(exact[0] - exact[1]).mean(1)
    found = metrics.counterpart_error(*given)
    assert found["value"] == pytest.approx(errors.mean(), abs=1e-12)
    assert found["stderr"] == pytest.approx(errors.std(ddof=1) / np.sqrt(30), rel=1e-9)
    away = np.abs(exact[0][:, None] - exact[1][None]).mean(-1)
    assert metrics.retrieval(*given)["value"] == (away.argmin(1) == np.arange(30)).mean()


CODES = {
    "equal": np.tile([[0.0, 0.0], [1.0, 1.0]], (500, 1)),
    "independent": rng(1).integers(0, 2, (100_000, 3)) + 0.0,
    "one row": np.array([[0.0, 1.0]]),
    "constant": np.ones((100, 3)),
    "one unit varies": np.column_stack([np.arange(200) % 2, np.zeros(200)]),
}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.filterwarnings("error")
def test_the_information_of_pairs_of_bits_is_its_formula(name):
    code, pairs = CODES[name], []
    for i, j in itertools.combinations(range(code.shape[1]), 2):
        joint = np.array([[((code[:, i] == a) & (code[:, j] == b)).mean() for b in (0, 1)] for a in (0, 1)])
        ratio = joint / np.outer(joint.sum(1), joint.sum(0)).clip(1e-300)
        varies = code[:, i].std() > 0 and code[:, j].std() > 0
        pairs.append((joint * np.log(ratio, out=np.zeros((2, 2)), where=joint > 0)).sum() - varies / (2 * len(code)))
    assert metrics.pairwise_information(code)["value"] == pytest.approx(np.mean(pairs), abs=1e-12)
    assert metrics.constant_units(code.tolist())["value"] == ((code.mean(0) < 0.01) | (code.mean(0) > 0.99)).sum()


SKEWED = np.repeat(np.arange(4), [1, 2, 2, 4])  # the published ensemble of 1/9, 2/9, 2/9 and 4/9


@pytest.mark.parametrize(("words", "patterns", "wanted", "distinct"), [
    ([(1, 1), (0, 1), (1, 0), (0, 0)], 4, 1, 4),  # factorial and invertible, as published
    ([(0, 1), (0, 0), (1, 0), (1, 1)], 4, 0, 4),  # invertible, units dependent
    ([(1, 1, 1), (0, 1, 1), (1, 0, 1), (0, 0, 1)], 4, 1, 4),  # with a constant unit
    ([(1, 1, 0.51), (0, 1, 0.49), (1, 0, 0.5), (0, 0, 0.5)], 4, 1, 4),  # whose value is neither 0 nor 1
    ([(1, 1, 0.6), (0, 1, 0.66), (1, 0, 0.6), (0, 0, 0.6)], 4, 0, 4),  # a unit that varies and is not binary
    ([(1, 1), (0, 1), (1, 0.06), (0, 0)], 4, 0, 4),  # a unit that is not binary
    ([(1, 0), (0, 0), (0, 0), (0, 0)], 4, 0, 2),  # independent, but patterns share a code
    ([(1, 0), (0, 0), (0, 0), (0, 0)], 2, 1, 2),
])
def test_a_code_is_factorial_if_binary_invertible_and_independent(words, patterns, wanted, distinct):
    code = np.array(words, float)[np.tile(SKEWED, 128)]
    assert metrics.factorial(code, patterns)["value"] == wanted
    assert metrics.distinct_codes(code)["value"] == distinct


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda: metrics.factorial(np.eye(2), 0), "patterns is 0; give a whole number of at least 1"),
        (lambda: metrics.counterpart_error([[np.nan]], [[0.0]]), "translated holds NaN or infinity in row 0"),
        (lambda: metrics.retrieval([], []), "translated has shape [0]; give at least one example, [n, ...]"),
        (lambda: metrics.retrieval([[1j]], [[1.0]]), "translated is not an array of numbers; give real numbers"),
        (lambda: metrics.pairwise_information([[0.0]]), "a code of 1 unit has no pairs; give at least 2 units"),
        (lambda: metrics.pairwise_information([[0.0, np.nan]]), "code holds NaN or infinity in row 0"),
        (lambda: metrics.constant_units(0.5), "a code of shape [] does not suit; give [n, units] with n >= 1"),
    ],
)
def test_translations_and_codes_that_are_no_numbers_are_refused(measure, sentence):
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        measure()
