"""Independence of the units of a code: pairs' information, newly fitted predictors, constant units, exact ensembles."""

import keras
import numpy as np

from dgm_zoo.checks import check_seed, real_array, whole_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.rows import checked_rows
from dgm_zoo.networks import Predictors

CONSTANT = 0.01  # a unit is constant if fewer than this share of examples lies on its rarer side of 1/2
EXTREME = 0.05  # a unit this close to 0 or 1 is binary
EPOCHS, BATCH, RATE = 20, 250, 1e-2  # of the fit


def constant_units(code: np.ndarray) -> dict:
    """Number of units that are on the same side of 1/2 for all but 1 % of the examples.

    Args:
      code: units in [0, 1], `[n, units]`.

    Returns:
      dict of `value`, `stderr` (None) and `protocol`.

    Example:
      >>> constant_units(np.array([[0.0, 1.0], [1.0, 1.0]]))["value"]
      1
    """
    code = _checked(code)
    on = (code > 0.5).mean(0)
    found = int((np.minimum(on, 1.0 - on) < CONSTANT).sum())
    return {
        "value": found, "stderr": None,
        "protocol": f"units of {code.shape[1]} on one side of 1/2 for more than 99 % of {len(code):,} examples",
    }


def pairwise_information(code: np.ndarray) -> dict:
    """Mutual information of two units, rounded to bits, in nats: mean over all pairs.

    The plug-in estimate from counts, minus its bias for independent bits, 1 / (2 n) for each pair of bits that both
    vary (Miller, 1955): around 0 for independent units, at most log 2.

    Args:
      code: units in [0, 1], `[n, units]`.

    Returns:
      dict of `value`, `stderr` (None) and `protocol`.

    Raises:
      InvalidInput: the code is not `[n, units]` with at least 2 units, or holds something else than finite numbers.

    Example:
      >>> pairwise_information(np.tile([[0.0, 0.0], [1.0, 1.0]], (1000, 1)))["value"]   # log 2 - 1 / 4000
      0.6928971805599453

    References: Miller, Note on the bias of information estimates, 1955.
    """
    bits = (_checked(code) > 0.5).astype(float)
    n, units = bits.shape
    if units < 2:
        raise InvalidInput(f"a code of {units} unit has no pairs; give at least 2 units")
    total = np.zeros((units, units))
    for a in (bits, 1.0 - bits):
        for b in (bits, 1.0 - bits):
            joint = a.T @ b / n
            ratio = np.divide(joint, np.outer(a.mean(0), b.mean(0)), out=np.ones_like(joint), where=joint > 0)
            total += joint * np.log(ratio)
    varies = (bits.std(0) > 0).astype(float)
    total -= np.outer(varies, varies) / (2 * n)
    pairs = total[np.triu_indices(units, 1)]
    return {
        "value": float(pairs.mean()), "stderr": None,
        "protocol": f"plug-in estimate less 1 / (2 n), nats, mean of {len(pairs)} pairs of bits, {n:,} examples",
    }


def distinct_codes(code: np.ndarray) -> dict:
    """Number of different codes, each unit rounded to a bit.

    Args:
      code: units in [0, 1], `[n, units]`.

    Returns:
      dict of `value`, `stderr` (None) and `protocol`.

    Example:
      >>> distinct_codes(np.array([[0.1, 1.0], [0.0, 0.9], [1.0, 0.0]]))["value"]
      2
    """
    bits = _checked(code) > 0.5
    return {
        "value": len(np.unique(bits, axis=0)), "stderr": None,
        "protocol": f"different words of {bits.shape[1]} bits, units rounded, {len(bits):,} examples",
    }


def factorial(code: np.ndarray, patterns: int) -> dict:
    """1 if a code of an exact ensemble is factorial, else 0.

    It is if every unit is within 0.05 of 0 or 1 for every example, different patterns have different codes, and the
    rounded units are independent. A unit that varies by at most 0.05 is constant: it may have any value, and does no
    harm.

    Args:
      code: units in [0, 1], `[n, units]`, of an ensemble in which every pattern occurs in exact proportion.
      patterns: number of different patterns.

    Returns:
      dict of `value`, `stderr` (None) and `protocol`.

    Example:
      >>> factorial(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), patterns=4)["value"]
      1

    References: Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992.
    """
    code, patterns = _checked(code), whole_number("patterns", patterns)
    constant = np.ptp(code, axis=0) <= EXTREME
    bits = (code > 0.5) & ~constant
    words, counts = np.unique(bits, axis=0, return_counts=True)
    binary = bool(((np.abs(code - bits) <= EXTREME) | constant).all())
    on = bits.mean(0)
    products = np.where(words, on, 1.0 - on).prod(1)
    independent = bool(np.allclose(counts / len(code), products, atol=1e-9))
    return {
        "value": int(binary and len(words) == patterns and independent), "stderr": None,
        "protocol": f"1 if {bits.shape[1]} units are constant, or within {EXTREME} of 0 or 1 and independent, and tell "
                    f"{patterns} patterns apart, {len(code):,} examples",
    }


def refitted_error(code: np.ndarray, held_out: np.ndarray, hidden: tuple = (16,), seed: int = 0) -> dict:
    """Squared error of newly fitted predictors relative to that of the best constants: 1 for independent units.

    Each unit is predicted from all others, by perceptrons that minimise the squared error on `code`; both errors are
    sums over units on `held_out`. The constants are the units' means on `code`. New predictors are fitted because
    those of training may lag behind and make the code look independent. Constant units add nothing to either sum.

    Args:
      code: units in [0, 1] of training examples, `[n, units]`.
      held_out: units in [0, 1] of other examples, `[m, units]`.
      hidden: widths of the perceptrons' hidden layers.
      seed: int32 that determines their initial weights and the order of the examples.

    Returns:
      dict of `value` (1 if all units are constant), `stderr` (over examples, delta method) and `protocol`.

    Raises:
      InvalidInput: the codes are not `[n, units]` with the same number of units, at least 2.

    Example:
      >>> equal = np.tile([[0.0, 0.0], [1.0, 1.0]], (500, 1))
      >>> refitted_error(equal, equal)["value"] < 0.1
      True

    References: Schmidhuber, Learning Factorial Codes by Predictability Minimization, 1992 (the predictors).
    """
    code, held_out = _checked(code), _checked(held_out)
    if code.shape[1] != held_out.shape[1] or code.shape[1] < 2:
        raise InvalidInput(f"codes of {code.shape[1]} and {held_out.shape[1]} units; give the same, and at least 2")
    network, rng = _predictors(code.shape[1], hidden), np.random.default_rng(check_seed(seed) % 2**32)
    for i, kernel in enumerate(network.layers[0].kernels):  # Glorot's weights, a function of the seed
        inputs, outputs = code.shape[1] - 1 if i == 0 else kernel.shape[1], kernel.shape[2]
        kernel.assign(rng.uniform(-1, 1, kernel.shape) * (6.0 / (inputs + outputs)) ** 0.5)
    code = code[rng.permutation(len(code))]
    batch = min(BATCH, len(code))
    rate = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(code) // batch))
    network.compile(keras.optimizers.Adam(rate), loss="mse", steps_per_execution=16)
    network.fit(code, code, batch_size=batch, epochs=EPOCHS, shuffle=False, verbose=0)
    error = ((network.predict(held_out, batch_size=1000, verbose=0) - held_out) ** 2).sum(1)
    chance = ((code.mean(0) - held_out) ** 2).sum(1)
    ratio = error.mean() / chance.mean() if chance.mean() > 0 else 1.0
    spread = (error - ratio * chance).std(ddof=1) / max(chance.mean(), 1e-12) if len(error) > 1 else None
    return {
        "value": float(ratio), "stderr": None if spread is None else float(spread / np.sqrt(len(error))),
        "protocol": f"error of perceptrons {list(hidden)}, fitted anew to {len(code):,} training codes in {EPOCHS} "
                    f"epochs, over that of constants, {len(held_out):,} examples",
    }


def _predictors(units, hidden):
    """A network of `Predictors` that ends in probabilities."""
    layer = Predictors(units, hidden)
    return keras.Sequential([keras.Input((units,)), layer, keras.layers.Activation("sigmoid")])


def _checked(code):
    """The units in float64; raises `InvalidInput` unless they are finite numbers, `[n, units]`."""
    code = real_array("code", code)
    if code.ndim != 2 or not len(code):
        raise InvalidInput(f"a code of shape {list(code.shape)} does not suit; give [n, units] with n >= 1")
    return checked_rows("code", code)
