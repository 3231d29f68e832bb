"""Levels of belief networks: bits given the previous level and, in autoregressive kinds, the bits before them."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.distributions.affine import affine
from dgm_zoo.distributions.discrete import bernoulli_log_density, draw_bits
from dgm_zoo.errors import InvalidInput


def level_kind(kind: str) -> tuple[type, dict[str, int]]:
    """Returns the class of a kind of level, and its arguments besides `units` and `inputs`.

    Args:
      kind: "sigmoid", "darn", or "nade:N" with N hidden units.

    Raises:
      InvalidInput: an unknown kind.

    Example:
      >>> level_kind("nade:100")
      (<class 'NADE'>, {'hidden': 100})
    """
    name, colon, hidden = kind.partition(":") if isinstance(kind, str) else ("", "", "")
    if name == "nade" and hidden.isdecimal() and int(hidden):
        return NADE, {"hidden": int(hidden)}
    if name in ("sigmoid", "darn") and not colon:
        return (SigmoidBelief if name == "sigmoid" else DARN), {}
    raise InvalidInput(
        f"layer kind {kind!r} is unknown; give 'sigmoid', 'darn', or 'nade:N' with N hidden units, such as 'nade:100'"
    )


@keras.saving.register_keras_serializable("dgm_zoo")
class SigmoidBelief(keras.layers.Layer):
    """One level of a sigmoid belief network: independent bits with the logits W h + b, given the level h before it.

    The initialisation is that of Bornschein et al.'s code: weights uniform on +-sqrt(6 / (inputs + units)) / inputs,
    biases -1. Such small weights keep deep stacks from saturating.

    Args:
      units: bits of this level.
      inputs: bits of the previous level; 0 for the first level, whose logits are b and whose `before` is None.
    """

    per_bit = 1  # numbers computed to score one bit, which determine the memory per row

    def __init__(self, units: int, inputs: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.inputs = units, inputs
        self.kernel = self.add_weight(shape=(inputs, units), initializer=_small, name="kernel") if inputs else None
        self.bias = self.add_weight(shape=(units,), initializer=keras.initializers.Constant(-1.0), name="bias")
        self.built = True

    def call(self, before: tf.Tensor) -> tf.Tensor:
        """Maps `[..., inputs]` to W h + b, `[..., units]`, float32."""
        return affine(before, self.kernel, self.bias)

    def given(self, before: tf.Tensor | None) -> tf.Tensor:
        """Returns the contribution of the previous level: W h + b, or b, `[units]`, for the first level."""
        return self(before) if self.inputs else tf.cast(tf.convert_to_tensor(self.bias), tf.float32)

    def draw(self, noise: tf.Tensor, before: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples the level from noise.

        Args:
          noise: standard logistic, `[..., units]`. For any logit, -inf makes a bit 1 and inf makes it 0.
          before: the previous level, `[..., inputs]`, whose leading axes broadcast to those of `noise`.

        Returns:
          `(bits, logits)`: `[..., units]` each; the logits are those that score the bits. Only the logits carry a
          gradient.
        """
        given = self.given(before)
        bits = self._bits(noise, tf.nest.map_structure(tf.stop_gradient, given))
        return bits, self._logits(given, bits)

    def logits(self, before: tf.Tensor | None, bits: tf.Tensor) -> tf.Tensor:
        """Returns the logits of each bit given the previous level and, if autoregressive, the bits before it."""
        return self._logits(self.given(before), bits)

    def log_prob(self, bits: tf.Tensor, before: tf.Tensor | None) -> tf.Tensor:
        """Returns log p(bits | before), nats: `[...]` for bits `[..., units]`, broadcast against `before`."""
        return bernoulli_log_density(bits, self.logits(before, bits))

    def _bits(self, noise, given):
        return draw_bits(given, noise)

    def _logits(self, given, bits):
        return given

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "inputs": self.inputs}


@keras.saving.register_keras_serializable("dgm_zoo")
class DARN(SigmoidBelief):
    """A level whose bits y depend on the previous level h and on the bits before them: logits W h + b + S y.

    S is strictly triangular: p(y|h) = prod_d p(y_d | y_<d, h). All bits are scored in one pass but sampled one
    by one. W, b and S are initialised as in `SigmoidBelief`; of S (`lateral`) only the part above the diagonal is used.

    References: Gregor, Danihelka, Mnih, Blundell and Wierstra, Deep AutoRegressive Networks, 2014; without a
      previous level this is the fully visible belief network of Frey, Hinton and Dayan, 1996.
    """

    def __init__(self, units: int, inputs: int = 0, **kwargs: Any) -> None:
        super().__init__(units, inputs, **kwargs)
        self.lateral = self.add_weight(shape=(units, units), initializer=_small, name="lateral")

    def _from_earlier(self):
        """Returns S transposed, `[units, units]`: row d is what bit d adds to the logits of later bits."""
        return tf.convert_to_tensor(self.lateral) * np.triu(np.ones((self.units, self.units), np.float32), 1)

    def _bits(self, noise, given):
        return _one_by_one(noise, given, self._from_earlier(), lambda d, logits: tf.gather(logits, d, axis=-1))

    def _logits(self, given, bits):
        return given + tf.matmul(bits, self._from_earlier())


@keras.saving.register_keras_serializable("dgm_zoo")
class NADE(SigmoidBelief):
    """A level whose bits y depend on the previous level h and, through hidden units, on the bits before them.

        p(y|h) = prod_d p(y_d | y_<d, h),    logit_d = V_d . sigmoid(U h + c + sum_{e<d} W_e y_e) + (W h + b)_d

    All bits are scored in one pass, which computes `units` x `hidden` numbers per row, but are sampled one by one. All
    weights are initialised as in `SigmoidBelief`: `encode` (W_e), `decode` (V), and U and c, the weights of `hidden`.

    Args:
      units, inputs: see `SigmoidBelief`.
      hidden: number of hidden units.

    References: Larochelle and Murray, The Neural Autoregressive Distribution Estimator, 2011; Bornschein and Bengio,
      Reweighted Wake-Sleep, 2015, for its place in a Helmholtz machine.
    """

    def __init__(self, units: int, inputs: int = 0, *, hidden: int, **kwargs: Any) -> None:
        super().__init__(units, inputs, **kwargs)
        self.per_bit = hidden
        self.hidden = SigmoidBelief(hidden, inputs, name="hidden", dtype=self.dtype_policy)
        self.encode = self.add_weight(shape=(units, hidden), initializer=_small, name="encode")
        self.decode = self.add_weight(shape=(hidden, units), initializer=_small, name="decode")

    def given(self, before: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        return super().given(before), self.hidden.given(before)

    def _bits(self, noise, given):
        direct, state = given
        direct, to_bit = tf.einsum("...d->d...", direct), tf.stop_gradient(tf.transpose(self.decode))
        logit = lambda d, state: direct[d] + tf.linalg.matvec(tf.sigmoid(state), to_bit[d])  # noqa: E731
        return _one_by_one(noise, state, tf.convert_to_tensor(self.encode), logit)

    def _logits(self, given, bits):
        direct, state = given
        earlier = tf.cumsum(bits[..., None] * self.encode, axis=-2, exclusive=True)
        hidden = tf.sigmoid(state[..., None, :] + earlier)
        return direct + tf.reduce_sum(hidden * tf.transpose(self.decode), -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden": self.hidden.units}


def _small(shape, dtype=None):
    return keras.initializers.GlorotUniform()(shape, dtype) / shape[0]


def _one_by_one(noise, state, rows, logit):
    """Samples bits one by one, each given the state that the bits before it produced: `[..., units]`.

    Neither state nor logit may carry a gradient: the loop would store all states for it, although bits have none, and
    XLA cannot compile that.

    Args:
      noise: `[..., units]`.
      state: the state before the first bit, `[..., size]`; broadcast to the leading axes of `noise`.
      rows: what each bit adds to the state if it is 1, `[units, size]`.
      logit: function (d, state) that returns the logit of bit d, `[...]`.
    """
    units, noise, rows = noise.shape[-1], tf.einsum("...d->d...", noise), tf.stop_gradient(rows)
    state = tf.broadcast_to(state, tf.concat([tf.shape(noise)[1:], tf.shape(rows)[1:]], 0))

    def body(d, state, bits):
        bit = draw_bits(logit(d, state), noise[d])
        return d + 1, state + bit[..., None] * rows[d], bits.write(d, bit)

    start = (tf.constant(0), state, tf.TensorArray(tf.float32, units))
    *_, bits = tf.while_loop(lambda d, *_: d < units, body, start)
    return tf.einsum("d...->...d", bits.stack())
