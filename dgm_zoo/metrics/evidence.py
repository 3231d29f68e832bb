"""Held-out evidence: the importance-sampled log-likelihood, the terms of the bound, active units.

Every function takes a model that has the methods it names (models are not imported here) and a `tf.data` set of
batches x or (x, y), and returns plain dicts: `value`, `stderr` and `protocol`, ready for `results.json`.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed, nonnegative, whole_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.densities import check_densities, reading
from dgm_zoo.metrics.rows import batches, check_batches, check_model, stderr


def _batches(model, dataset):
    """Yields (x, keyword arguments) in NumPy; labels are passed to a model that takes them."""
    for x, y in batches(dataset):
        yield x, {"label": y} if "label" in model.takes() and y is not None else {}


def log_likelihood(
    model: Any, dataset: tf.data.Dataset, num_samples: int = 1000, repetitions: int = 1, seed: int = 0, verbose: int = 0
) -> dict:
    """Mean log p(x) over `dataset` in nats, by importance sampling with q(z|x) as the proposal.

    Args:
      model: has `log_likelihood(x, num_samples=, seed=)` and `takes()`.
      dataset: batches x, or (x, y) for a model conditioned on labels (then it is log p(x|y)).
      num_samples: K; the estimate is a lower bound in expectation, tight as K grows.
      repetitions: independent estimates, each with samples of its own.
      seed: int32 of the samples; each batch and repetition derives its own.
      verbose: 1 shows a progress bar.

    Returns:
      dict: `value`, the mean over images (and repetitions); `stderr`, its standard error over images;
      `stderr_samples`, the standard error over repetitions (None for one), the part that is due to the estimator's
      noise; `images`; `protocol`.

    Raises:
      InvalidInput: the data set is empty, `repetitions` is below 1, `seed` is not an int32, or the model's prior,
        posterior or likelihood has no density.

    If p(x|z) is not a density or mass of the data, such as a Bernoulli of grey pixels, the protocol states what the
    number is.

    References: Burda, Grosse and Salakhutdinov, 2016, section 5.

    Example:
      >>> log_likelihood(model, data.load("mnist", "test", 500, binarize="stochastic"), num_samples=5000)
    """
    check_densities(model, "log p(x)")
    check_model(model, "log p(x)", "log_likelihood", "takes")
    repetitions = whole_number("repetitions", repetitions)
    entropy = check_seed(seed) % 2**32
    runs, readings = [], []
    for repetition in range(repetitions):
        bar = keras.utils.Progbar(_size(dataset), unit_name="batch") if verbose else None
        values = []
        for i, (x, given) in enumerate(_batches(model, dataset)):
            batch_seed = int(np.random.SeedSequence([entropy, repetition, i]).generate_state(1)[0] >> 1)
            readings.append(reading(model, x))
            values.append(model.log_likelihood(x, **given, num_samples=num_samples, seed=batch_seed))
            if bar:
                bar.add(1, [("log_likelihood", values[-1].mean())])
        runs.append(np.concatenate(values))
    runs = np.stack(runs).astype(np.float64)
    means = runs.mean(1)
    return {
        "value": float(means.mean()),
        "stderr": stderr(runs.mean(0)),
        "stderr_samples": stderr(means) if repetitions > 1 else None,
        "images": runs.shape[1],
        "protocol": f"importance sampling with q(z|x), K = {num_samples}, {repetitions} repetition(s), nats per image"
        + next((f"; {one}" for one in readings if one), ""),
    }


UNITS = {  # of terms that are not in nats; a model's own `units` take precedence
    "mse": "squared error per value",
    "ess": "effective number of samples",
    "distance": "energy distance",
    **dict.fromkeys(["accuracy", "accuracy_real", "accuracy_fake"], "share of right answers"),
    **dict.fromkeys(["phi_moves", "theta_moves"], "share of steps"),
}


def bound_terms(model: Any, dataset: tf.data.Dataset, verbose: int = 0) -> dict:
    """Every term that the model logs, as its mean over `dataset`: a dict of name to `value` and `protocol`."""
    check_model(model, "the bound", "evaluate", "units")
    check_batches(dataset)
    terms = model.evaluate(dataset, return_dict=True, verbose=verbose)
    units = {**UNITS, **model.units}
    return {
        name: {
            "value": float(np.asarray(value).ravel()[0]),
            "stderr": None,
            "protocol": f"mean over images, {units.get(name, 'nats')}",
        }
        for name, value in terms.items()
    }


def active_units(model: Any, dataset: tf.data.Dataset, threshold: float = 0.01) -> dict:
    """Number of latent units whose posterior mean varies over the data: Cov_x(E_q(u|x)[u]) > `threshold`.

    Raises:
      InvalidInput: the posterior has groups, whose means `encode` does not return.

    References: Burda, Grosse and Salakhutdinov, 2016, section 5.2.
    """
    check_model(model, "active units", "encode", "takes")
    nonnegative("threshold", threshold)
    if not factorised(model):
        raise InvalidInput(f"{type(model.posterior).__name__} does not state its means; leave active_units out")
    codes = [model.encode(x, **given) for x, given in _batches(model, dataset)]
    means = np.concatenate([c["mean"] if "mean" in c else (1 + np.tanh(c["logits"] / 2)) / 2 for c in codes])
    return {
        "value": int((means.var(0, dtype=np.float64) > threshold).sum()),
        "stderr": None,
        "protocol": f"of {means.shape[1]} units, variance of the posterior mean over images above {threshold}",
    }


def factorised(model: Any) -> bool:
    """Whether `encode` returns the parameters of q(z|x) for each latent value."""
    return getattr(getattr(model, "posterior", None), "factorised", True)


def _size(dataset):
    size = int(dataset.cardinality())
    return size if size > 0 else None
