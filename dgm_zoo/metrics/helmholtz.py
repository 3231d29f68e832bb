"""Evidence of Helmholtz machines by importance sampling: log p(x), log p~*(x), Z and effective sample sizes.

As in every module of this package, models are not imported: a function takes any model that has the methods it names,
and returns plain dicts of `value`, `stderr` and `protocol`.
"""

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.evidence import _batches, _size
from dgm_zoo.metrics.rows import check_model, stderr

MAX_EXPONENT = 700.0  # keeps the standard error finite for any estimate


def helmholtz_evidence(
    model: Any, dataset: tf.data.Dataset, num_samples: int = 10_000, seed: int = 0, log_z: dict | None = None,
    verbose: int = 0,
) -> dict:
    """Mean log p(x), log p~*(x) and log p*(x) over `dataset`, in nats, with K samples of q(h|x) for each image.

    log p~*(x) = 2 log sum_h sqrt(p(x, h) q(h|x)) is a lower bound of log p(x), and of log p*(x) = log p~*(x) - 2 log Z.
    The estimates of log p and log p~* are low in expectation for finite K. The estimate of log p* may be low or high,
    because that of log Z is low as well. Memory use does not grow with K.

    Args:
      model: has `weight_moments(x, num_samples=, seed=)` and `takes()`, as every Helmholtz machine of the zoo has.
      dataset: batches of binary x.
      num_samples: K.
      seed: int32 of the samples; each batch derives its own.
      log_z: result of `log_partition` for this model; None omits log p*.
      verbose: 1 shows a progress bar.

    Returns:
      dict of `log_likelihood` (log p), `log_p_tilde`, `ess_p`, `ess_star` and, with `log_z`, `log_p_star`. Each is a
      dict: `value`, the mean over images; `stderr`, its standard error over images, combined with that of log Z in
      `log_p_star`; `stderr_samples` (of the log-probabilities), the standard error due only to the estimator's noise;
      `images`; `protocol`. `ess_p` and `ess_star` are (mean w)^2 / mean w^2 for the weights p(x, h) / q(h|x) and their
      square roots: the share of the K samples that would be as accurate if drawn from p(h|x) or p*(h|x).

    Raises:
      InvalidInput: the data set is empty or not binary, K is below 1, `seed` is not an int32, or `log_z` is of another
        kind.

    References: Bornschein, Shabanian, Fischer and Bengio, Bidirectional Helmholtz Machines, 2016.

    Example:
      >>> log_z = log_partition(model)
      >>> helmholtz_evidence(model, data.load("binarized_mnist", "test", 500), log_z=log_z)["log_p_star"]["value"]
    """
    check_model(model, "log p(x)", "weight_moments", "takes")
    entropy = check_seed(seed) % 2**32
    if log_z is not None and not (isinstance(log_z, dict) and {"value", "stderr"} <= set(log_z)):
        raise InvalidInput(f"log_z is {log_z!r}; give what log_partition(model) returned, which has its standard error")
    bar = keras.utils.Progbar(_size(dataset), unit_name="batch") if verbose else None
    moments = []
    for i, (x, _) in enumerate(_batches(model, dataset)):
        batch_seed = int(np.random.SeedSequence([entropy, i]).generate_state(1)[0] >> 1)
        moments.append(model.weight_moments(x, num_samples=num_samples, seed=batch_seed))
        if bar:
            bar.add(1, [("log_likelihood", moments[-1][:, 1].mean())])
    half, one, two = np.concatenate(moments).astype(np.float64).T  # log of the means of w^1/2, w and w^2
    ess = {"p": np.exp(2 * one - two), "star": np.exp(2 * half - one)}
    protocol = f"importance sampling with q(h|x), K = {num_samples}"

    def log_mean(values, share, power):
        """The error of (1 / power) log mean_k w_k^power by the delta method is sqrt((1 / ess - 1) / K) / power."""
        variance = np.maximum(1 / share - 1, 0) / num_samples / power**2
        noise = float(np.sqrt(variance.sum()) / len(values))
        return {**_mean(values, f"{protocol}, nats per image"), "stderr_samples": noise}

    found = {
        "log_likelihood": log_mean(one, ess["p"], 1.0),
        "log_p_tilde": log_mean(2 * half, ess["star"], 0.5),
        "ess_p": _mean(ess["p"], f"{protocol}, weights p(x, h) / q(h|x), share of K"),
        "ess_star": _mean(ess["star"], f"{protocol}, weights sqrt(p(x, h) / q(h|x)), share of K"),
    }
    if log_z is not None:
        tilde = found["log_p_tilde"]
        both = [(tilde[key] or 0.0, 2 * log_z["stderr"]) for key in ("stderr", "stderr_samples")]
        found["log_p_star"] = {
            **tilde,
            "value": tilde["value"] - 2 * log_z["value"],
            "stderr": float(np.hypot(*both[0])),
            "stderr_samples": float(np.hypot(*both[1])),
            "protocol": f"{tilde['protocol']}, less 2 log Z = {2 * log_z['value']:.4f} ({log_z['protocol']})",
        }
    return found


def log_partition(model: Any, num_samples: int = 1_000_000, inner: int = 1, seed: int = 0) -> dict:
    """log Z of p*(x, h) = sqrt(p(x, h) q(h|x) p*(x)) / Z, nats, which is at most 0.

    Z^2 is the mean of u = sqrt(q(h|x) / p(x, h)) (1/J) sum_j sqrt(p(x, h_j) / q(h_j|x)) over x, h ~ p and h_j ~ q(h|x),
    an unbiased estimate for every J; its logarithm is low in expectation, by about its squared standard error.
    J = 1 is the pairwise estimator; J = 10 adds an inner estimate of p~*(x), which has less variance for each x.

    The samples that make u^2 large are rare, so its mean over samples is usually too small. But E[u^2] is known:
    with r_j = sqrt(p(x, h_j) / q(h_j|x)), E r_j = sqrt(p~*(x)) and E r_j^2 = p(x), and q / p cancels the p of
    x, h ~ p, so that

        E[u] = sum_x p~*(x) = Z^2,        E[u^2] = (1/J) sum_x p(x) + (1 - 1/J) sum_x p~*(x) = 1/J + (1 - 1/J) Z^2.

    The effective share of the samples and the standard error use these moments, with the estimate of Z. If the share is
    1/2 or more, u varies so little that its mean square over samples is more accurate and is used for the error.

    Args:
      model: has `z_moments(num_samples=, inner=, seed=)` among its `abilities`, as `BiHM` has.
      num_samples: number of pairs (x, h).
      inner: J.
      seed: int32.

    Returns:
      dict: `value`; `stderr`, by the delta method; `ess`, the effective share of the samples, (E u)^2 / E u^2;
      `ess * num_samples` should be well above 1; `protocol`.

    Raises:
      InvalidInput: the model has no p*, a number is below 1, or `seed` is not an int32.

    Warns if, by the samples' weights, one sample may contribute half of the estimate.

    References: Bornschein, Shabanian, Fischer and Bengio, Bidirectional Helmholtz Machines, 2016, by its authors' code.

    Example:
      >>> log_partition(model, num_samples=100_000, inner=10)["value"]
    """
    if "z_moments" not in getattr(model, "abilities", ()):
        raise InvalidInput(f"{type(model).__name__} has no p* whose Z could be estimated; give a BiHM")
    first, sampled = model.z_moments(num_samples=num_samples, inner=inner, seed=seed).astype(np.float64)
    largest = np.exp(sampled - 2 * first) / num_samples  # sum of squared shares: at most the largest share
    if largest >= 0.25:  # true whenever one sample contributes half of the sum
        warnings.warn(
            f"log Z from {num_samples} samples: one of them makes at least {largest:.0%} of the estimate of Z^2, which "
            "makes it and its standard error unreliable; raise num_samples", stacklevel=2,
        )
    known = np.logaddexp(-np.log(inner), np.log1p(-1 / inner) + first) if inner > 1 else 0.0
    ess = min(1.0, float(np.exp(2 * first - known)))
    second = known if ess < 0.5 else sampled
    spread = np.expm1(np.clip(second - 2 * first, 0.0, MAX_EXPONENT))  # var u / (E u)^2
    return {
        "value": float(first / 2),
        "stderr": float(np.sqrt(spread / num_samples) / 2),
        "ess": ess,
        "protocol": f"{num_samples} samples of p, {inner} of q for each, effective share {ess:.2g}, nats",
    }


def _mean(values, protocol):
    return {
        "value": float(values.mean()), "stderr": stderr(values), "images": len(values), "protocol": protocol,
    }
