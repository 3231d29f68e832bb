"""MuseGAN's phrase generators and critics: how tracks and bars share noise.

References: Dong et al., MuseGAN, 2018, Figures 3 to 5 and Eqs. 3 to 5.
"""

import keras

from dgm_zoo.checks import whole_number
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks.music import WIDTH, bar_critic, bar_encoder, bar_generator, phrase_critic, temporal_generator

COMPOSITIONS = ("jamming", "composer", "hybrid")
NOISE = 128  # size of the noise input of one bar generator


def noise_sizes(composition: str, bars: int, tracks: int, noise: int = NOISE) -> dict[str, int]:
    """Returns the parts of z in order: a dict of name to size.

    A bar generator receives `noise` values. They are split in halves if tracks share some and have others of their own,
    and again if some are the same in all bars and others differ.

    Args:
      composition: "jamming" (each track separately), "composer" (one generator for all tracks) or "hybrid".
      bars, tracks: of the generated phrase.
      noise: a multiple of the number of such parts.

    Raises:
      InvalidInput: the composition is unknown, or the noise cannot be split into equal parts.

    Example:
      >>> noise_sizes("hybrid", bars=4, tracks=2)
      {'z': 32, 'z_t': 32, 'z_1': 32, 'z_1t': 32, 'z_2': 32, 'z_2t': 32}
    """
    check_known("composition", composition, COMPOSITIONS)
    owners = [] if composition == "jamming" else [""]
    owners += [] if composition == "composer" else [f"_{i}" for i in range(1, whole_number("tracks", tracks) + 1)]
    times = [""] if whole_number("bars", bars) == 1 else ["", "t"]
    parts = len(times) * (2 if composition == "hybrid" else 1)
    if whole_number("noise", noise) % parts:
        raise InvalidInput(f"noise={noise} cannot be cut into {parts} equal parts; give a multiple of {parts}")
    return {
        f"z{owner}{time}" if owner or not time else "z_t": noise // parts for owner in owners for time in times
    }


def phrase_generator(composition: str, bars: int = 4, steps: int = 96, pitches: int = 84, tracks: int = 5,
                     noise: int = NOISE, width: int = WIDTH, conditional: bool = False, share_temporal: bool = False,
                     density: tuple[float, ...] | None = None, normalization: str = "batch",
                     name: str = "generator") -> keras.Model:
    """Returns G: z `[batch, sum of noise_sizes]` to the logits of a phrase, `[batch, bars, steps, pitches, tracks]`.

    Bar t of track i is G_bar,i(z, G_temp(z_t)_t, z_i, G_temp,i(z_it)_t), without the parts that the composition lacks.

    Args:
      composition: see `noise_sizes`.
      bars, steps, pitches, tracks: of the generated phrase, excluding the condition's track.
      noise: see `noise_sizes`.
      width: see `dgm_zoo.networks.music`.
      conditional: whether the network takes `[z, y]`, where y `[batch, bars, steps, pitches, 1]` is another track; the
        encoded features of each bar of y are inputs to the generator of that bar.
      share_temporal: whether all temporal generators share their weights, as in the released code.
      density: one value per generated track; see `bar_generator`.
      normalization: "batch" or "none".

    Raises:
      InvalidInput: the composition or normalization is unknown, or the networks do not support the sizes.

    Example:
      >>> phrase_generator("hybrid", bars=4, steps=16, width=256).output_shape
      (None, 4, 16, 84, 5)
    """
    sizes = noise_sizes(composition, bars, tracks, noise)
    z, parts, shared = keras.Input((sum(sizes.values()),), name="z"), {}, None
    for (part, size), values in zip(sizes.items(), keras.ops.split(z, len(sizes), 1), strict=True):
        if part.endswith("t"):
            if shared is None or not share_temporal:
                shared = temporal_generator(size, bars, width, normalization, name=f"temporal_of_{part}")
            parts[part] = shared(values)
        else:
            parts[part] = keras.layers.RepeatVector(bars, name=f"every_bar_of_{part}")(values)

    inputs, features = z, []
    if conditional:
        y = keras.Input((bars, steps, pitches, 1), name="condition")
        inputs = [z, y]
        features = bar_encoder(steps, pitches, normalization)(keras.ops.reshape(y, (-1, steps, pitches, 1)))

    def generated(of, tracks, called):
        latent, out = _joined([parts[part] for part in of]), len(tracks)
        given = None if density is None else [density[track] for track in tracks]
        size = latent.shape[-1]
        make = bar_generator(size, steps, pitches, out, width, conditional, given, normalization, name=called)
        latent = keras.ops.reshape(latent, (-1, size))
        bar = make([latent, *features] if features else latent)
        return keras.ops.reshape(bar, (-1, bars, steps, pitches, out))

    if composition == "composer":
        x = generated(sizes, range(tracks), "bars")
    else:
        of_all = [part for part in sizes if part in ("z", "z_t")]
        own = [[*of_all, *(p for p in sizes if p.rstrip("t") == f"z_{i}")] for i in range(1, tracks + 1)]
        x = _joined([generated(of, [i - 1], f"bars_of_{i}") for i, of in enumerate(own, 1)])
    return keras.Model(inputs, x, name=name)


def phrase_critics(composition: str, bars: int = 4, steps: int = 96, pitches: int = 84, tracks: int = 5,
                   condition: int | None = None, width: int = WIDTH, name: str = "critic") -> keras.Model:
    """Returns the m critics of phrases: x `[batch, bars, steps, pitches, tracks]` to values `[batch, m]`.

    Args:
      composition: "jamming" has one critic per generated track, m in total, in the order of the tracks; the others
        have one critic of all tracks, m = 1.
      bars, steps, pitches, tracks: of a phrase, including the condition's track.
      condition: index of the condition's track, which every single-track critic also receives; None without one.
      width: see `dgm_zoo.networks.music`.

    Raises:
      InvalidInput: the networks do not support the sizes.

    Example:
      >>> phrase_critics("jamming", bars=4, steps=16, width=64).output_shape
      (None, 5)
    """
    x = keras.Input((bars, steps, pitches, tracks), name="x")

    def value(seen, called):
        if bars == 1:
            return bar_critic(steps, pitches, seen.shape[-1], width, called)(keras.ops.squeeze(seen, 1))
        return phrase_critic(bars, steps, pitches, seen.shape[-1], width, called)(seen)

    if composition != "jamming":
        return keras.Model(x, value(x, "critic_of_all"), name=name)
    own, each = [i for i in range(tracks) if i != condition], keras.ops.split(x, tracks, -1)
    seen = [[each[i] for i in (one, condition) if i is not None] for one in own]
    values = [value(_joined(few), f"critic_of_{i}") for i, few in enumerate(seen, 1)]
    return keras.Model(x, _joined(values), name=name)


def _joined(tensors):
    return keras.layers.Concatenate()(tensors) if len(tensors) > 1 else tensors[0]
