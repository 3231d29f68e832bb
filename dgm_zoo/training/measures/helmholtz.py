"""The evidence of Helmholtz machines, and log Z for models with p*."""

from ml_collections import ConfigDict

from dgm_zoo import metrics
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training.measures.base import Context, Measure, register_measure

Z_SAMPLES = 100  # ratio of samples of p for log Z to samples of q for each image
MOST = 2**31 - 1  # largest number of samples, an int32


def measure_p(context: Context) -> dict:
    """Returns log p(x) and its effective sample size; only BiHM optimises the bound of p*."""
    found = _evidence(context, log_z=None)
    return {f"{context.split}_{name}": found[name] for name in ("log_likelihood", "ess_p")}


def measure_p_star(context: Context) -> dict:
    k, seed = context.config.evaluate.num_samples, context.seed
    log_z = metrics.log_partition(context.model, Z_SAMPLES * k, inner=10, seed=seed)
    by_pairs = metrics.log_partition(context.model, Z_SAMPLES * k, inner=1, seed=seed)
    found = _evidence(context, log_z)
    numbers = {f"{context.split}_{name}": value for name, value in found.items()}
    return {"log_z": log_z, "log_z_by_pairs": by_pairs, **numbers}


def _evidence(context, log_z):
    k = context.config.evaluate.num_samples
    return metrics.helmholtz_evidence(context.model, context.batches, k, context.seed, log_z, context.verbose)


def check_p_star(model: GenerativeModel, config: ConfigDict) -> None:
    k = config.evaluate.num_samples
    if Z_SAMPLES * k > MOST:
        raise InvalidInput(
            f"config.evaluate.num_samples is {k}, and log Z would take {Z_SAMPLES} times as many; give at most "
            f"{MOST // Z_SAMPLES}"
        )


EVIDENCE = ("{split}_log_likelihood", "{split}_ess_p")
register_measure(Measure(
    "helmholtz_evidence", "The mean of log p(x), importance sampling with q(h|x), and its effective sample size.",
    endpoints={"log_likelihood": ("x",)}, abilities=frozenset({"weight_moments"}), numbers=EVIDENCE,
    instead_of=("log_likelihood",), measure=measure_p, order=10,
))
register_measure(Measure(
    "p_star_evidence", "log p(x), log p*(x) and its bound log p~*(x), and log Z by two estimators.",
    endpoints={"log_likelihood": ("x",)}, abilities=frozenset({"weight_moments", "z_moments"}),
    numbers=(
        "log_z", "log_z_by_pairs", *EVIDENCE, "{split}_log_p_tilde", "{split}_ess_star", "{split}_log_p_star",
    ),
    instead_of=("log_likelihood", "helmholtz_evidence"), restores={"log_z": "log_z"}, check=check_p_star,
    measure=measure_p_star, order=10,
))
