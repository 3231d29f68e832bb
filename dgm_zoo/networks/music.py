"""MuseGAN's networks of one bar, and of the bars of a phrase: piano-rolls `[steps, pitches, tracks]`.

A generator upsamples time first, then pitch; a critic and an encoder downsample pitch first, then time. Only
generators and encoders have batch normalisation, since a critic's gradient penalty is defined per example;
`normalization` "none" leaves it out, as in the paper's ablation. `width` is the width of the widest layer, 1,024 in the
paper; all other widths scale with it.

Reference: Dong et al., MuseGAN, 2018, and its released code, which defines layers and kernels. With fewer than 96
  steps, some of its downsampling and upsampling layers are omitted.
"""

import keras
import numpy as np

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.blocks import BlockConv2D, BlockConv2DTranspose

WIDTH = 1024
SLOPE = 0.2
OCTAVE = 12
FIRST = 2  # number of time steps at a generator's first layer and an encoder's last
ENCODED = 16  # channels of an encoder
GROWTH = (2, 4, 4, 8, 8)  # width / channels after each upsampling of time
NARROWEST = 16  # width / the least number of channels
NORMALIZATIONS = ("batch", "none")  # of generators and encoders


def time_factors(steps: int) -> tuple[int, ...]:
    """Returns the factors by which a generator upsamples two time steps to `steps`: twos, then a three if needed.

    Raises:
      InvalidInput: `steps` is not 2 times such factors, or takes fewer than 2 or more than 5 (the paper's 96 steps).

    Example:
      >>> [time_factors(steps) for steps in (16, 48, 96)]
      [(2, 2, 2), (2, 2, 2, 3), (2, 2, 2, 2, 3)]
    """
    rest, factors = steps, ()
    if rest % 3 == 0:
        rest, factors = rest // 3, (3,)
    while rest > FIRST and rest % 2 == 0:
        rest, factors = rest // 2, (2, *factors)
    if rest != FIRST or not 2 <= len(factors) <= len(GROWTH):
        raise InvalidInput(
            f"steps={steps!r} is not supported by the music networks; give 8, 12, 16, 24, 32, 48, 64 or 96"
        )
    return factors


def bar_generator(latent_dim: int, steps: int = 96, pitches: int = 84, tracks: int = 1, width: int = WIDTH,
                  conditional: bool = False, density: tuple[float, ...] | None = None, normalization: str = "batch",
                  name: str = "bar_generator") -> keras.Model:
    """Returns G_bar: z `[batch, latent_dim]` to the logits of a bar, `[batch, steps, pitches, tracks]`.

    The paper's tanh, on -1 and 1, is the same network as a sigmoid on 0 and 1, since tanh(a) = 2 sigmoid(2 a) - 1.

    Args:
      latent_dim: size of z, the concatenation of all its parts.
      steps, pitches, tracks: shape of the bar; see `time_factors` for steps; pitches span at least two whole octaves.
      width: see above.
      conditional: whether the network takes `[z, *features]`, the features that `bar_encoder` returns for the bar of
        another track, in that order. Each is concatenated to the layer of its size.
      density: for each track, the share of its values that are 1, near which the probabilities are initialised; None
        for 1/2. A generator whose initial density is far too high learns silence first, and may not recover.
      normalization: "batch" or "none".

    Raises:
      InvalidInput: the networks do not support the shape or width, or the normalization is unknown.

    Example:
      >>> bar_generator(128, steps=16).output_shape
      (None, 16, 84, 1)
    """
    factors, octaves = _checked(steps, pitches, width)
    z = keras.Input((latent_dim,), name="z")
    features = [keras.Input(shape, name=f"feature_{i}") for i, shape in enumerate(
        feature_shapes(steps, pitches) if conditional else (), 1
    )]
    by_size = {tuple(feature.shape[1:3]): feature for feature in features}

    def joined(h):
        found = by_size.get(tuple(h.shape[1:3]))
        return h if found is None else keras.layers.Concatenate()([h, found])

    def grown(h, channels, factor, name):
        return made(BlockConv2DTranspose, channels, factor, name=name)(joined(h))

    made = _maker(normalization, keras.layers.ReLU)
    h = keras.layers.Reshape((FIRST, 1, width // FIRST))(made(keras.layers.Dense, width, name="project")(z))
    for i, (factor, share) in enumerate(zip(factors, GROWTH, strict=False), 1):
        h = grown(h, width // share, (factor, 1), f"time_{i}")
    h = grown(h, width // NARROWEST, (1, octaves), "octaves")
    x = BlockConv2DTranspose(
        tracks, (1, OCTAVE), kernel_initializer=_small(), name="bar", bias_initializer=_logits(density),
    )(joined(h))
    return keras.Model([z, *features] if features else z, x, name=name)


def feature_shapes(steps: int, pitches: int = 84) -> list[tuple[int, int, int]]:
    """Returns the shapes of the features of `bar_encoder`, from the largest to the smallest.

    Example:
      >>> feature_shapes(16)
      [(16, 7, 16), (16, 1, 16), (8, 1, 16), (4, 1, 16), (2, 1, 16)]
    """
    factors, octaves = _checked(steps, pitches, WIDTH)
    shapes, size = [(steps, octaves, ENCODED), (steps, 1, ENCODED)], steps
    for factor in reversed(factors):
        size //= factor
        shapes.append((size, 1, ENCODED))
    return shapes


def bar_encoder(steps: int = 96, pitches: int = 84, normalization: str = "batch",
                name: str = "bar_encoder") -> keras.Model:
    """Returns E: a bar of one track `[batch, steps, pitches, 1]` to a list of features with shapes `feature_shapes`.

    Raises:
      InvalidInput: the networks do not support the shape, or the normalization is unknown.

    Example:
      >>> [feature.shape for feature in bar_encoder(16).outputs]
      [(None, 16, 7, 16), (None, 16, 1, 16), (None, 8, 1, 16), (None, 4, 1, 16), (None, 2, 1, 16)]
    """
    factors, octaves = _checked(steps, pitches, WIDTH)
    h = y = keras.Input((steps, pitches, 1), name="condition")
    features, made = [], _maker(normalization, lambda: keras.layers.LeakyReLU(SLOPE))
    for i, kernel in enumerate([(1, OCTAVE), (1, octaves), *((factor, 1) for factor in reversed(factors))], 1):
        h = made(BlockConv2D, ENCODED, kernel, name=f"conv_{i}")(h)
        features.append(h)
    return keras.Model(y, features, name=name)


def temporal_generator(latent_dim: int, bars: int, width: int = WIDTH, normalization: str = "batch",
                       name: str = "temporal_generator") -> keras.Model:
    """Returns G_temp: z `[batch, latent_dim]` to a latent vector for each bar, `[batch, bars, latent_dim]`.

    The vectors are nonnegative: as in the released code, batch normalisation and ReLU also follow the last layer.

    Args:
      latent_dim: size of z and of each vector.
      bars: at least 2.
      width: width of the hidden layer.
      normalization: "batch" or "none".

    Raises:
      InvalidInput: fewer than 2 bars, or the normalization is unknown.

    Example:
      >>> temporal_generator(32, 4).output_shape
      (None, 4, 32)
    """
    bars = whole_number("bars", bars, 2)
    z = keras.Input((latent_dim,), name="z")
    h, made = keras.layers.Reshape((1, latent_dim))(z), _maker(normalization, keras.layers.ReLU)
    for channels, kernel, called in [(width, 2, "two_bars"), (latent_dim, bars - 1, "all_bars")]:
        h = made(keras.layers.Conv1DTranspose, channels, kernel, name=called)(h)
    return keras.Model(z, h, name=name)


def bar_critic(steps: int = 96, pitches: int = 84, tracks: int = 5, width: int = WIDTH,
               name: str = "bar_critic") -> keras.Model:
    """Returns D of one bar: x `[batch, steps, pitches, tracks]` to a value `[batch, 1]`.

    Args:
      steps, pitches, tracks: shape of the bar, with one track or all tracks.
      width: see above.

    Raises:
      InvalidInput: the networks do not support the shape or width.
    """
    octaves = _checked(steps, pitches, width)[1]
    x = keras.Input((steps, pitches, tracks), name="x")
    h = keras.layers.Flatten()(_looked_at(x, octaves, width))
    return keras.Model(x, _value(h, width), name=name)


def phrase_critic(bars: int = 4, steps: int = 96, pitches: int = 84, tracks: int = 5, width: int = WIDTH,
                  name: str = "phrase_critic") -> keras.Model:
    """Returns D of a phrase: x `[batch, bars, steps, pitches, tracks]` to a value `[batch, 1]`.

    The convolutions of `bar_critic` map each bar to a feature vector, and two further convolutions run over the
    sequence of bars, so that the order of bars matters. (The released code instead splits the features of each bar, and
    never compares two bars.)

    Args:
      bars: at least 2; use `bar_critic` for one.
      steps, pitches, tracks: shape of a bar.
      width: see above.

    Raises:
      InvalidInput: the networks do not support the shape or width.
    """
    bars = whole_number("bars", bars, 2)
    octaves = _checked(steps, pitches, width)[1]
    x = keras.Input((bars, steps, pitches, tracks), name="x")
    h = _looked_at(keras.ops.reshape(x, (-1, steps, pitches, tracks)), octaves, width)
    h = keras.ops.reshape(h, (-1, bars, h.shape[1] * h.shape[2] * h.shape[3]))
    for channels, kernel, called in [(width // 2, 2, "two_bars"), (width // 8, min(3, bars - 1), "all_bars")]:
        h = keras.layers.Conv1D(channels, kernel, kernel_initializer=_even(), name=called)(h)
        h = keras.layers.LeakyReLU(SLOPE)(h)
    return keras.Model(x, _value(keras.layers.Flatten()(h), width), name=name)


def _looked_at(x, octaves, width):
    """The features of bars, `[bars, time, 1, channels]`: pitch first, then time."""
    halvings = min(2, (x.shape[1] // 8).bit_length() - 1)
    blocks = [(1, OCTAVE), (1, octaves), *[(2, 1)] * halvings]
    layers = [BlockConv2D(width // 8, block, kernel_initializer=_even(), name=f"conv_{i}")
              for i, block in enumerate(blocks, 1)]
    layers += [keras.layers.Conv2D(width // share, (size, 1), (2, 1), kernel_initializer=_even(), name=f"conv_{i}")
               for i, (share, size) in enumerate([(4, 4), (2, 3)], len(blocks) + 1)]
    for layer in layers:
        x = keras.layers.LeakyReLU(SLOPE)(layer(x))
    return x


def _value(h, width):
    h = keras.layers.Dense(width, kernel_initializer=_even(), name="hidden")(h)
    h = keras.layers.LeakyReLU(SLOPE, name="features")(h)
    return keras.layers.Dense(1, kernel_initializer=_even(), name="value")(h)


def _maker(normalization, activation):
    """Returns a function `(layer's class, *arguments)` to a function of a tensor: layer, normalisation, activation."""
    check_known("normalization", normalization, NORMALIZATIONS)

    def made(layer, *args, name):
        apply = layer(*args, use_bias=normalization == "none", kernel_initializer=_even(), name=name)
        if normalization == "none":
            return lambda h: activation()(apply(h))
        return lambda h: activation()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(apply(h)))

    return made


def _even():
    """Initial weights that preserve the scale of a layer's input at any width, since critics have no normalisation.

    (The authors use a standard deviation of 0.02 at width 1,024.) Every call returns a new initializer, since an
    initializer used twice returns the same values.
    """
    return keras.initializers.HeNormal()


def _small():
    """Initial weights of a generator's last layer, so small that its probabilities start near the data's density."""
    return keras.initializers.TruncatedNormal(stddev=0.02)


def _logits(density):
    """The initial bias of the tracks' logits; densities are clipped to [0.0001, 0.9999]."""
    if density is None:
        return "zeros"
    share = np.clip(np.asarray(density, float), 1e-4, 1 - 1e-4)
    return keras.initializers.Constant([float(logit) for logit in np.log(share / (1 - share))])


def _checked(steps, pitches, width):
    """Returns the factors of `time_factors` and the number of octaves."""
    factors = time_factors(steps)
    if pitches % OCTAVE or pitches < 2 * OCTAVE:
        raise InvalidInput(
            f"pitches={pitches!r} is not a whole number of octaves, at least 2; give a multiple of 12, such as 84"
        )
    if width % NARROWEST or width < NARROWEST:
        raise InvalidInput(f"width={width!r} is not supported by the music networks; give a multiple of {NARROWEST}")
    return factors, pitches // OCTAVE
