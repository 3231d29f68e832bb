"""Which role a head or a prior can play: one check for each role, for all models that have it."""

from dgm_zoo.distributions.heads import Head
from dgm_zoo.distributions.priors import Prior
from dgm_zoo.errors import InvalidInput


def with_density(prior: Prior, cls: type) -> Prior:
    """Returns `prior`; raises `InvalidInput` if it has no density, which the model class `cls` needs."""
    if not prior.has_density:
        raise InvalidInput(
            f"{cls.__name__} needs log p(z), but {type(prior).__name__} can only be sampled; use SymmetricVAE or AAE, "
            "or a prior with a density"
        )
    return prior


def check_scored(cls: type, *heads: Head) -> None:
    """Raises `InvalidInput` if a head has no density or mass, whose logarithm the model class `cls` needs."""
    for head in heads:
        if not head.has_density:
            of = "log q(z|x) and log p(x|z)" if len(heads) > 1 else "log p(x|z)"
            raise InvalidInput(
                f"{cls.__name__} needs {of}, but {type(head).__name__} has no density; give IndependentNormal, "
                "IndependentBernoulli or another"
            )


def check_values(prior: Prior, posterior: Head) -> None:
    """Raises `InvalidInput` if p(z) and q(z|x) take different values of z, so that their KL is infinite."""
    if prior.has_density and prior.range != posterior.range:
        raise InvalidInput(
            f"{type(prior).__name__} and {type(posterior).__name__} take different values of z; give a "
            "BernoulliPrior for bits, and a prior such as StandardNormal for a normal posterior"
        )
