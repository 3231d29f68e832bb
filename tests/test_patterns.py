"""The patterns of predictability minimisation: exact proportions, the mixed bits, a run that is measured."""

import numpy as np
import pytest

from dgm_zoo import data, training
from dgm_zoo.data.builders import patterns

SHARES = {"four": (1,) * 4, "four_bits": (1,) * 4, "sixteen": (1,) * 16, "sixteen_bits": (1,) * 16,
          "skewed": (1, 2, 2, 4)}


def drawn(name, split):
    """What the builder draws, without writing it: x and labels."""
    builder = patterns.Patterns(config=name, data_dir="/nowhere")
    examples = [example for _, example in builder._generate_examples(split)]
    feature = "point" if name == "mixed" else "bits"
    return np.stack([one[feature] for one in examples]), np.array([one["label"] for one in examples])


@pytest.mark.parametrize("name", SHARES)
def test_every_split_has_the_patterns_in_exact_proportion(name):
    facts, shares = data.info(f"patterns/{name}"), np.array(SHARES[name])
    assert facts.exact and facts.num_classes == len(shares)
    for split in ("validation", "test"):
        x, label = drawn(name, split)
        assert len(x) == facts.splits[split] and x.shape[1:] == facts.image_shape
        counts = np.bincount(label, minlength=len(shares))
        np.testing.assert_array_equal(counts, shares * (len(x) // shares.sum()))
        np.testing.assert_array_equal(x, patterns.words(name)[label])
    assert len(np.unique(patterns.words(name), axis=0)) == len(shares)
    assert facts.splits["train"] % shares.sum() == 0


def test_the_bits_behind_the_mixed_signals_are_found_by_the_mixtures_transpose():
    facts = data.info("patterns/mixed")
    (x, label), (other, _) = drawn("mixed", "test"), drawn("mixed", "validation")
    assert x.shape == (facts.splits["test"], 8) and not facts.exact and not np.array_equal(x, other)
    bits = label[:, None] >> np.arange(4)[::-1] & 1
    found, *_ = np.linalg.lstsq(np.c_[x, np.ones(len(x))], 2.0 * bits - 1, rcond=None)
    off = np.c_[x, np.ones(len(x))] @ found - (2 * bits - 1)
    assert np.abs(off).max() < 0.3  # the noise is small
    assert np.abs(bits.mean(0) - 0.5).max() < 4 * 0.5 / np.sqrt(len(x))


@pytest.mark.exhaustive
def test_a_run_on_patterns_says_whether_the_code_is_factorial(tmp_path):
    config = training.resolve({
        "model": {"name": "pm", "latent_dim": 2, "hidden": [4]},
        "data": {"name": "patterns/four_bits", "batch_size": 1024, "data_dir": str(tmp_path / "sets")},
        "train": {"epochs": 1}, "evaluate": {"limit": 100},
    })
    metrics = training.train(config, tmp_path / "run", verbose=0)["metrics"]
    assert metrics["test_factorial"]["value"] in (0, 1) and 1 <= metrics["test_distinct_codes"]["value"] <= 4
