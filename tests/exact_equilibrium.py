"""A symmetric VAE on bits, enumerated in NumPy float64, and the model of the zoo with the same numbers.

p(z) is uniform; p(x|z) and q(z|x) are linear in their logits. Where each visible bit depends on one latent bit alone,
p(z|x) is linear in its logits too, so that the two players can agree.
"""

import numpy as np
import tensorflow as tf
from exact_helmholtz import every, forced, log_mass, sigmoid

from dgm_zoo.distributions import IndependentBernoulli
from dgm_zoo.models import SymmetricVAE
from dgm_zoo.networks import dense


class Game:
    """Decoder (W, b) and encoder (V, a); rows are all values of x, columns all values of z.

    Attributes:
      p, q: p(x, z) and q(z|x), `[2^d, 2^m]`; log_p and log_q, their logarithms.
      px: p(x), `[2^d]`.
    """

    def __init__(self, decoder, encoder):
        self.decoder, self.encoder = decoder, encoder
        (w, b), (v, a) = decoder, encoder
        self.x, self.z = every(len(b)), every(len(a))
        self.log_p = log_mass(self.x[:, None], self.z @ w + b) - len(a) * np.log(2)
        self.log_q = log_mass(self.z, (self.x @ v + a)[:, None])
        self.p, self.q = np.exp(self.log_p), np.exp(self.log_q)
        self.px = self.p.sum(1)

    @classmethod
    def random(cls, d, m, seed=0, scale=0.5):
        """Players that do not agree."""
        draw = np.random.default_rng(seed).normal
        return cls([scale * draw(size=s) for s in ((m, d), d)], [scale * draw(size=s) for s in ((d, m), m)])

    @classmethod
    def consistent(cls, d, m, seed=0):
        """A decoder whose visible bit i depends on latent bit i modulo m, and the encoder that is its posterior."""
        rng = np.random.default_rng(seed)
        w = np.zeros((m, d))
        w[np.arange(d) % m, np.arange(d)] = 2.5 * rng.choice([-1, 1], d)
        b = rng.normal(size=d) - w.sum(0) / 2
        return cls((w, b), (w.T, (np.logaddexp(0, b) - np.logaddexp(0, b + w)).sum(1)))

    def gradients(self, data):
        """The exact gradients of both utilities where p_data(x) is `data`, `[2^d]`: of W and b, of V and a; flat."""
        awake = data[:, None] * self.q
        to_x = awake.T @ self.x - awake.sum(0)[:, None] * sigmoid(self.z @ self.decoder[0] + self.decoder[1])
        to_z = self.p @ self.z - self.px[:, None] * sigmoid(self.x @ self.encoder[0] + self.encoder[1])
        return {
            "theta": np.concatenate([(self.z.T @ to_x).ravel(), to_x.sum(0)]),
            "eta": np.concatenate([(self.x.T @ to_z).ravel(), to_z.sum(0)]),
        }

    def images(self, rows=slice(None)):
        """x as images: `[n, 1, d, 1]`, float32."""
        return self.x[rows, None, :, None].astype("float32")

    def model(self, **given):
        """The model of the zoo with these numbers."""
        (w, b), (v, a) = self.decoder, self.encoder
        shape, latent = (1, len(b), 1), (len(a),)
        encoder, decoder = dense(shape, latent, hidden=()), dense(latent, shape, hidden=())
        encoder.set_weights([v, a])
        decoder.set_weights([w, b])
        return SymmetricVAE(encoder, decoder, likelihood=IndependentBernoulli(shape), seed=0, **given)


class Enumerated:
    """What a model's players ascend in expectation, by the model's own code: every x with every z, by its chance.

    Bits take any value that the noise forces on them, so the expectations are sums, and so are their gradients.
    """

    def __init__(self, model, game, data):
        rows, columns = len(game.x), len(game.z)
        x, z = np.repeat(game.images(), columns, 0), np.tile(game.z, (rows, 1))
        self.model, self.x, self.z = model, tf.constant(x), tf.constant(z, tf.float32)
        self.noise = tf.constant(forced(z)), (tf.constant(forced(z)), tf.constant(forced(x)))
        self.data = tf.constant(np.repeat(data, columns), tf.float32)

    def chances(self):
        """p_data(x) q(z|x) and p(x, z) of each row, constants."""
        model = self.model
        awake = self.data * tf.exp(model.q_z(self.x).log_prob(self.z))
        return tf.stop_gradient(awake), tf.stop_gradient(tf.exp(model.log_joint(self.x, self.z)))

    def gradients(self):
        """The expected gradient of each player's utility: dict of lists, in the order of `player_variables`."""
        model, (awake, asleep) = self.model, self.chances()
        with tf.GradientTape(persistent=True) as tape:
            terms = model.terms(self.x, (), self.noise)
            utilities = {
                "theta": tf.reduce_sum(awake * terms["decoder"]), "eta": tf.reduce_sum(asleep * terms["encoder"]),
            }
        return {player: tape.gradient(value, model.player_variables(player)) for player, value in utilities.items()}

    @tf.function
    def ascend(self, steps, rate):
        """Both players at once, so many steps up their exact gradients; returns how far the joints are apart then."""
        for _ in tf.range(steps):
            for player, gradients in self.gradients().items():
                for variable, gradient in zip(self.model.player_variables(player), gradients, strict=True):
                    variable.value.assign_add(rate * gradient)
        awake, asleep = self.chances()
        return tf.reduce_sum(tf.abs(awake - asleep)) / 2
