"""The sleep phase: what trains an encoder on what the model dreams, beside the bound that it ascends awake."""

import tensorflow as tf

from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.errors import InvalidInput


class Sleeps(GenerativeModel):
    """Base of models with p(z), p(x|z) and q(z|x): with `sleep`, every step of training ends with a sleep phase.

        sleep  max_{eta}  E_{p_theta(x, z)} log q_eta(z|x)

    Dreams are as many pairs z ~ p(z), x ~ p(x|z) as the batch has examples, held constant, so that eta alone learns
    from them, and no gradient passes through a sample. It minimises KL(p || q), where the bound of the wake phase
    minimises KL(q || p) in eta. It is a step of eta's optimizer of its own. `sleep` is logged in nats; `loss` and all
    other terms are of the wake phase. A model with a condition c takes the batch's.

    Args:
      sleep: whether there is one.

    Raises:
      InvalidInput: `sleep` that is neither True nor False.

    Example:
      >>> model = dgm_zoo.create("vae", image_shape=(28, 28, 1), latent_dim=32, sleep=True)

    References: Hinton, Dayan, Frey and Neal, The wake-sleep algorithm for unsupervised neural networks, 1995. Hu et
      al., On Unifying Deep Generative Models, 2018, Eq. 14.
    """

    def __init__(self, *, sleep=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(sleep, bool):
            raise InvalidInput(f"sleep is {sleep!r}; give True or False")
        self.sleep = sleep
        if sleep:
            self.logged = (*self.logged, "sleep")

    def steps_of(self, player):
        return super().steps_of(player) + (self.sleep and player == "eta")

    def asleep(self, c, rng, training=True):
        """The sleep phase, or in evaluation its terms alone: a dict of `sleep`, `[batch]`; empty without one."""
        if not self.sleep:
            return {}
        noise = self.sleep_noise(rng)
        return self.ascend(self.dreams, c, noise, eta="sleep") if training else self.jitted(self.dreams)(c, noise)

    def sleep_noise(self, rng):
        """What the sleep phase draws: for z, and for x."""
        return self.prior.noise(rng), self.likelihood.noise(rng)

    def dream(self, noise, *c):
        """z ~ p(z) and x ~ p(x|z), held constant: `[batch, latent_dim]` and `[batch, *image_shape]`."""
        for_prior, for_x = noise
        z = tf.stop_gradient(self.prior.draw(for_prior, self.q_z))
        return z, tf.stop_gradient(self.likelihood.sample(self.p_x(z, *c), for_x))

    def dreams(self, c, noise):
        """log q(z|x) of dreams, nats: `sleep`, `[batch]`."""
        z, x = self.dream(noise, *c)
        return {"sleep": self.q_z(x, *c).log_prob(z)}
