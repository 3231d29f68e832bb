"""Agreement of the two joint distributions of a model with an encoder, p(x, z) and q(x, z).

As in every module of this package, models are not imported: a function takes any model that has the parts it names,
and returns plain dicts of `value`, `stderr` and `protocol`.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed, whole_number
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics.densities import check_densities
from dgm_zoo.metrics.evidence import _batches
from dgm_zoo.metrics.rows import stderr

ROWS = 500  # dreams drawn in one batch


def consistency(
    model: Any, dataset: tf.data.Dataset, num_samples: int = 1000, dreams: int = 1000, seed: int = 0
) -> dict:
    """The mean KL divergence between q(z|x) and p(z|x), in both directions, nats: 0 if and only if they are equal.

    Asleep, over the model's own x: KL(p(x, z) || p(x) q(z|x)). A dream comes with an exact sample z_0 of p(z|x), so
    with w_k = p(x, z_k) / q(z_k|x) and z_1, ..., z_K ~ q(z|x) the divergence lies between two expectations,

        E log w_0 - log 1/(K+1) sum_{k=0..K} w_k  <=  E KL(p(z|x) || q(z|x))  <=  E log w_0 - log 1/K sum_{k=1..K} w_k,

    which both converge to it as K grows. `value` is the upper one.

    Awake, over the data: KL(p_data(x) q(z|x) || p_data(x) p(z|x)), which is log p(x) minus the evidence
    bound. No exact sample is available here, so `value` is only the lower estimate
    E log 1/K sum_{k=1..K} w_k - log w_K+1.

    Args:
      model: has `draw` among its `abilities`, and with it `prior`, `likelihood`, `p_x`, `p_z`, `q_z`, `endpoints()` and
        `log_likelihood(x, num_samples=, seed=)`, such as `VAE` or `SymmetricVAE`.
      dataset: batches x, or (x, y).
      num_samples: K.
      dreams: number of x sampled from the model.
      seed: int32 of all samples; each batch derives its own.

    Returns:
      dict of `asleep` and `awake`, each a dict of `value`; `stderr`, its standard error over x; `lower` (asleep), the
      lower estimate; `protocol`.

    Raises:
      InvalidInput: the data set is empty, K or `dreams` is below 1, `seed` is not an int32, the model is conditioned on
        labels, or its prior, posterior or likelihood has no density.

    References: the two bounds are those of Grosse, Ghahramani and Adams, Sandwiching the marginal likelihood using
      bidirectional Monte Carlo, 2015, for importance sampling.

    Example:
      >>> consistency(model, data.load("mnist", "test", 500, binarize="threshold"))["asleep"]["value"]
    """
    if "draw" not in getattr(model, "abilities", ()):
        raise InvalidInput(
            f"{type(model).__name__} has no conditionals p(x|z) and q(z|x) to compare; give a VAE or a SymmetricVAE"
        )
    check_densities(model, "consistency")
    if "label" in model.endpoints()["decode"].inputs:
        raise InvalidInput(f"consistency takes no labels, which {type(model).__name__} is conditioned on; give another")
    dreams = whole_number("dreams", dreams)
    seeds = np.random.SeedSequence(check_seed(seed) % 2**32)
    new_seed = lambda: int(seeds.spawn(1)[0].generate_state(1)[0] >> 1)  # noqa: E731
    k, lower, upper, gap = num_samples, [], [], []
    for start in range(0, dreams, ROWS):
        x, log_w = _dreams(model, min(ROWS, dreams - start), new_seed())
        bound = model.log_likelihood(x, num_samples=k, seed=new_seed()).astype(np.float64)
        upper.append(log_w - bound)
        lower.append(log_w - np.logaddexp(log_w - np.log(k + 1), bound + np.log(k / (k + 1))))
    for x, _ in _batches(model, dataset):
        bound, one = (model.log_likelihood(x, num_samples=n, seed=new_seed()).astype(np.float64) for n in (k, 1))
        gap.append(bound - one)
    lower, upper, gap = (np.concatenate(part) for part in (lower, upper, gap))
    return {
        "asleep": {
            "value": float(upper.mean()), "stderr": stderr(upper), "lower": float(lower.mean()),
            "protocol": f"KL(p(z|x) || q(z|x)) over {dreams} x of the model, upper and lower estimates, K = {k}, nats",
        },
        "awake": {
            "value": float(gap.mean()), "stderr": stderr(gap),
            "protocol": f"KL(q(z|x) || p(z|x)) over {len(gap)} x of the data, lower estimate, K = {k}, nats",
        },
    }


def _dreams(model, n, seed):
    """x of n pairs (x, z) ~ p(x, z), and log p(x, z) - log q(z|x) of each pair, nats: NumPy `[n, ...]` and `[n]`."""
    rng = BatchNoise([seed, 0], n)
    z = model.prior.draw(model.prior.noise(rng), model.q_z)
    p = model.p_x(z)
    x = model.likelihood.sample(p, model.likelihood.noise(rng))
    log_w = model.p_z().log_prob(z) + p.log_prob(x) - model.q_z(x).log_prob(z)
    return x.numpy(), log_w.numpy().astype(np.float64)
