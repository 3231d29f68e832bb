"""A game of two players in rounds: phi's steps, then theta's."""

from typing import Any

import tensorflow as tf

from dgm_zoo.checks import whole_number
from dgm_zoo.core.model import GenerativeModel
from dgm_zoo.distributions import BatchNoise


class Rounds(GenerativeModel):
    """Base of models whose step of training is a round: `critic_steps` steps of phi, then one of theta.

    A subclass implements `phi_terms` and `theta_terms`, pure functions of x, the conditions c and noise. All steps of a
    round use the same batch, each with its own noise, so an epoch is one pass over the data for any number of phi's
    steps.

    Args:
      critic_steps: steps of phi for each one of theta, on the same batch with fresh noise.
    """

    def __init__(self, *args: Any, critic_steps: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.critic_steps = whole_number("critic_steps", critic_steps)

    def phi_terms(self, x: Any, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """The terms of phi's step; `noise` is (noise of the generated examples, mixing weight of the penalty)."""
        raise NotImplementedError(f"{type(self).__name__} must say what phi ascends")

    def theta_terms(self, x: Any, c: tuple, noise: Any) -> dict[str, tf.Tensor]:
        """The terms of theta's step, `loss` included; `noise` is the noise of the generated examples."""
        raise NotImplementedError(f"{type(self).__name__} must say what theta ascends")

    def steps_of(self, player: str) -> int:
        return self.critic_steps if player == "phi" else 1

    def dream_noise(self, rng: BatchNoise) -> Any:
        """The noise of one batch of generated examples."""
        return self.prior.noise(rng)

    def noise(self, rng: BatchNoise) -> tuple[list, Any]:
        """The noise of a round: (generated examples, penalty's mixing weight) per step of phi, and theta's."""
        return [(self.dream_noise(rng), rng.uniform(())) for _ in range(self.critic_steps)], self.dream_noise(rng)

    def play(self, x: Any, c: tuple, noise: tuple[list, Any]) -> dict[str, tf.Tensor]:
        """One round: phi's steps, then theta's; returns the terms of the last step of each."""
        for_phi, for_theta = noise
        for one in for_phi:
            terms = self.ascend(self.phi_terms, x, c, one, phi=self.ascends["phi"])
        return {**terms, **self.ascend(self.theta_terms, x, c, for_theta, theta=self.ascends["theta"])}

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        return self.log(**self.play(x, c, self.noise(self.rng(x))))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, c = self.unpack(data)
        (for_phi, *_), for_theta = self.noise(self.rng(x, training=False))
        terms = self.jitted(self.phi_terms)(x, c, for_phi)
        return self.log(**terms, **self.jitted(self.theta_terms)(x, c, for_theta))
