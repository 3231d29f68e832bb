"""Levels of belief networks: bits given the level before and, in the autoregressive kinds, those before them."""

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.distributions.affine import affine
from dgm_zoo.distributions.discrete import bernoulli_log_density
from dgm_zoo.errors import InvalidInput


def level_kind(kind):
    """Returns the class of a kind of level, and what it takes besides `units` and `inputs`.

    Args:
      kind: "sigmoid", "darn", or "nade:N" with N hidden units.

    Raises:
      InvalidInput: anything else; names it.

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

    It starts as in the code of Bornschein et al.: weights uniform on +-sqrt(6 / (inputs + units)) / inputs, biases
    -1. So small a start keeps deep stacks from saturating.

    Args:
      units: bits of this level.
      inputs: bits of the level before it; 0 for a level without one, whose logits are b alone. `before` is then None.
    """

    per_bit = 1  # numbers that the score of one bit is made of: how much memory a row takes

    def __init__(self, units, inputs=0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.inputs = units, inputs
        self.kernel = self.add_weight(shape=(inputs, units), initializer=_small, name="kernel") if inputs else None
        self.bias = self.add_weight(shape=(units,), initializer=keras.initializers.Constant(-1.0), name="bias")
        self.built = True

    def call(self, before):
        """Maps `[..., inputs]` to W h + b, `[..., units]`, float32."""
        return affine(before, self.kernel, self.bias)

    def given(self, before):
        """What the level before contributes: W h + b, or `[units]` where there is none."""
        return self(before) if self.inputs else tf.cast(tf.convert_to_tensor(self.bias), tf.float32)

    def draw(self, uniform, before):
        """Samples the level from noise.

        Args:
          uniform: uniform on [0, 1), `[..., units]`. At -1 a bit is 1 and at 1 it is 0, whatever its logit.
          before: the level before, `[..., inputs]`, whose leading axes broadcast to those of `uniform`.

        Returns:
          `(bits, logits)`: `[..., units]` each, the logits those under which the bits are scored. The bits carry no
          gradient, the logits do.
        """
        given = self.given(before)
        bits = self._bits(uniform, tf.nest.map_structure(tf.stop_gradient, given))
        return bits, self._logits(given, bits)

    def logits(self, before, bits):
        """The logits of each bit given the level before and the bits before it in its own, where it depends on them."""
        return self._logits(self.given(before), bits)

    def log_prob(self, bits, before):
        """log p(bits | before), nats: `[...]` for bits `[..., units]`, broadcast against `before`."""
        return bernoulli_log_density(bits, self.logits(before, bits))

    def _bits(self, uniform, given):
        return tf.cast(uniform < tf.sigmoid(given), tf.float32)

    def _logits(self, given, bits):
        return given

    def get_config(self):
        return {**super().get_config(), "units": self.units, "inputs": self.inputs}


@keras.saving.register_keras_serializable("dgm_zoo")
class DARN(SigmoidBelief):
    """A level whose bits y are given the level h before it and the bits before them: logits W h + b + S y.

    S is strictly triangular: p(y|h) = prod_d p(y_d | y_<d, h). All bits are scored in one pass, and drawn one after the
    other. W and b start as in `SigmoidBelief`, S (`lateral`, of which only what is above the diagonal counts) alike.

    References: Gregor, Danihelka, Mnih, Blundell and Wierstra, Deep AutoRegressive Networks, 2014; without a level
      before it this is the fully visible belief network of Frey, Hinton and Dayan, 1996.
    """

    def __init__(self, units, inputs=0, **kwargs):
        super().__init__(units, inputs, **kwargs)
        self.lateral = self.add_weight(shape=(units, units), initializer=_small, name="lateral")

    def _from_earlier(self):
        """S transposed, `[units, units]`: row d is what bit d adds to the logits of those after it."""
        return tf.convert_to_tensor(self.lateral) * np.triu(np.ones((self.units, self.units), np.float32), 1)

    def _bits(self, uniform, given):
        return _one_by_one(uniform, given, self._from_earlier(), lambda d, logits: tf.gather(logits, d, axis=-1))

    def _logits(self, given, bits):
        return given + tf.matmul(bits, self._from_earlier())


@keras.saving.register_keras_serializable("dgm_zoo")
class NADE(SigmoidBelief):
    """A level whose bits y are given the level h before it and, through hidden units, the bits before them.

        p(y|h) = prod_d p(y_d | y_<d, h),    logit_d = V_d . sigmoid(U h + c + sum_{e<d} W_e y_e) + (W h + b)_d

    All bits are scored in one pass, for which it makes `units` x `hidden` numbers a row, and are drawn one after the
    other. All matrices and biases start as in `SigmoidBelief`: `encode` (W_e), `decode` (V), and U and c, which are
    those of `hidden`.

    Args:
      units, inputs: see `SigmoidBelief`.
      hidden: number of hidden units.

    References: Larochelle and Murray, The Neural Autoregressive Distribution Estimator, 2011; Bornschein and Bengio,
      Reweighted Wake-Sleep, 2015, for its place in a Helmholtz machine.
    """

    def __init__(self, units, inputs=0, *, hidden, **kwargs):
        super().__init__(units, inputs, **kwargs)
        self.per_bit = hidden
        self.hidden = SigmoidBelief(hidden, inputs, name="hidden", dtype=self.dtype_policy)
        self.encode = self.add_weight(shape=(units, hidden), initializer=_small, name="encode")
        self.decode = self.add_weight(shape=(hidden, units), initializer=_small, name="decode")

    def given(self, before):
        return super().given(before), self.hidden.given(before)

    def _bits(self, uniform, given):
        direct, state = given
        direct, to_bit = tf.einsum("...d->d...", direct), tf.stop_gradient(tf.transpose(self.decode))
        logit = lambda d, state: direct[d] + tf.linalg.matvec(tf.sigmoid(state), to_bit[d])  # noqa: E731
        return _one_by_one(uniform, state, tf.convert_to_tensor(self.encode), logit)

    def _logits(self, given, bits):
        direct, state = given
        earlier = tf.cumsum(bits[..., None] * self.encode, axis=-2, exclusive=True)
        hidden = tf.sigmoid(state[..., None, :] + earlier)
        return direct + tf.reduce_sum(hidden * tf.transpose(self.decode), -1)

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden.units}


def _small(shape, dtype=None):
    return keras.initializers.GlorotUniform()(shape, dtype) / shape[0]


def _one_by_one(uniform, state, rows, logit):
    """Draws bits in their order, each from the state that those before it have left: `[..., units]`.

    Neither state nor logit may carry a gradient: the loop would keep all of its states for it, though no bit has one,
    and XLA refuses to compile that.

    Args:
      uniform: `[..., units]`.
      state: before the first bit, `[..., size]`; broadcast to the leading axes of `uniform`.
      rows: what each bit adds to the state where it is 1, `[units, size]`.
      logit: function of d and the state to the logit of bit d, `[...]`.
    """
    units, uniform, rows = uniform.shape[-1], tf.einsum("...d->d...", uniform), tf.stop_gradient(rows)
    state = tf.broadcast_to(state, tf.concat([tf.shape(uniform)[1:], tf.shape(rows)[1:]], 0))

    def body(d, state, bits):
        bit = tf.cast(uniform[d] < tf.sigmoid(logit(d, state)), tf.float32)
        return d + 1, state + bit[..., None] * rows[d], bits.write(d, bit)

    start = (tf.constant(0), state, tf.TensorArray(tf.float32, units))
    *_, bits = tf.while_loop(lambda d, *_: d < units, body, start)
    return tf.einsum("d...->...d", bits.stack())
