"""The table of data sets: their facts, and how TFDS finds them."""

import math
import os

from dgm_zoo.data import own
from dgm_zoo.data.facts import Modes, Music, Set
from dgm_zoo.data.tracks import BAND, FINEST, PITCHES, VOICES
from dgm_zoo.data.vectors import UCI_BINARY, bits, patterns
from dgm_zoo.errors import InvalidInput, unknown


def _ink(images):
    """Converts black strokes on white in three equal channels to white ink on black in one."""
    return 255 - images[..., :1]


def _carved(train, validation, test):
    """Splits of a set without a validation split: the last rows of train, in TFDS's order, become validation."""
    return {
        "train": (f"train[:{train}]", train),
        "validation": (f"train[{train}:]", validation),
        "test": ("test", test),
    }


RING = Modes(tuple((math.cos(math.pi * i / 4), math.sin(math.pi * i / 4)) for i in range(8)), stddev=0.01)
GRID = Modes(tuple((x / 2, y / 2) for x in range(-2, 3) for y in range(-2, 3)), stddev=0.0125)


def _mixture(num_classes, source, modes=None):
    """One configuration of `gaussian_mixtures`: points in the plane."""
    return Set(
        version="1.0.0",
        image_shape=(2,),
        num_classes=num_classes,
        splits={"train": ("train", 10_000), "validation": ("validation", 2_500), "test": ("test", 2_500)},
        levels=None,
        feature="point",
        source=source,
        licence="made by dgm_zoo; none is needed",
        builder="gaussian_mixtures",
        modes=modes,
    )


def _music(music, counts, source, licence, builder, manual=None, yours=False):
    """A set of piano-rolls, 4 bars of 16 steps by default."""
    return Set(
        version="1.0.0",
        image_shape=(4, 16, PITCHES, len(music.tracks)),
        num_classes=None,
        splits={split: (split, n) for split, n in zip(("train", "validation", "test"), counts, strict=True)},
        levels=2,
        feature="bars",
        source=source,
        licence=licence,
        builder=builder,
        manual=manual,
        yours=yours,
        music=music,
    )


TEXTURES = "derived from MNIST, CC BY-SA 3.0; Kodak's photographs are understood to be free, the others are CC0"

# Rows of train and of validation; the builder keeps all skin tones of an emoji in the same split.
EMOJI = {"noto": (1_559, 126), "twemoji": (1_519, 156)}


def _emoji(name, licence):
    """One configuration of `emoji`: small colour images on white."""
    train, validation = EMOJI[name]
    return Set(
        version="1.0.0",
        image_shape=(32, 32, 3),
        num_classes=None,
        splits={"train": ("train", train), "validation": ("validation", validation), "test": ("test", 426)},
        source="emoji-datasource 16.0.0 (npm), 64x64 pixels on white averaged over 2x2; test holds pairs, train none",
        licence=licence,
        builder="emoji",
    )


def _bilinear(images):
    """Resizes uint8 images [N, H, W, 1] to [N, 28, 28, 1], bilinear with pixel centres at half-integers, rounded."""
    import numpy as np
    import tensorflow as tf

    with tf.device("cpu:0"):
        return np.rint(tf.image.resize(images, (28, 28)).numpy()).astype(np.uint8)


def _usps(side, **given):
    """One size of `usps`."""
    return Set(
        version="1.0.0",
        image_shape=(side, side, 1),
        num_classes=10,
        splits=_carved(6_562, 729, 2_007),
        source="LeCun et al. (1989), the files those of The Elements of Statistical Learning"
        + ("" if side == 16 else f"; 16x16 resized to {side}x{side}, bilinear"),
        licence="none stated; published with The Elements of Statistical Learning",
        builder="usps",
        manual="usps.npz",
        **given,
    )


SETS = {
    "bars": Set(
        version="1.0.0",
        image_shape=(4, 4, 1),
        num_classes=None,
        splits={"train": ("train", 10_000), "validation": ("validation", 2_500), "test": ("test", 2_500)},
        levels=2,
        source="horizontal or vertical bars, after Hinton, Dayan, Frey and Neal (1995)",
        licence="made by dgm_zoo; none is needed",
        builder="bars",
    ),
    "binarized_mnist": Set(
        version="1.0.0",
        image_shape=(28, 28, 1),
        num_classes=None,
        splits={"train": ("train", 50_000), "validation": ("validation", 10_000), "test": ("test", 10_000)},
        levels=2,
        source="Larochelle and Murray (2011), binarised once, after Salakhutdinov and Murray (2008)",
        licence="derived from MNIST, CC BY-SA 3.0",
    ),
    "digits": Set(
        version="1.0.0",
        image_shape=(8, 8, 1),
        num_classes=10,
        splits={"train": ("train", 1293), "validation": ("validation", 144), "test": ("test", 360)},
        levels=17,
        source="Alpaydin and Kaynak (1998), UCI Machine Learning Repository, through scikit-learn",
        licence="CC BY 4.0",
        builder="digits",
    ),
    "emoji/noto": _emoji("noto", "Apache 2.0 (Google)"),
    "emoji/twemoji": _emoji("twemoji", "CC BY 4.0 (copyright 2020 Twitter, Inc and other contributors)"),
    "fashion_mnist": Set(
        version="3.0.1",
        image_shape=(28, 28, 1),
        num_classes=10,
        splits=_carved(55_000, 5_000, 10_000),
        source="Xiao, Rasul and Vollgraf (2017)",
        licence="MIT",
    ),
    "freedoom_bands": _music(
        Music(BAND, FINEST),
        (3_228, 428, 410),
        source="the music of the game Freedoom, all versions, by the project's contributors",
        licence="BSD 3-clause",
        builder="freedoom_bands",
    ),
    "gaussian_mixtures/grid": _mixture(25, "5x5 Gaussians, spaced as in Lin et al. (2018) and scaled by 1/4", GRID),
    "gaussian_mixtures/moons": _mixture(2, "two half circles, as in scikit-learn's make_moons, centred"),
    "gaussian_mixtures/ring": _mixture(8, "8 Gaussians on the unit circle, as in Lin et al. (2018)", RING),
    "jsb_chorales": _music(
        Music(VOICES, 16),
        (787, 260, 271),
        source="J. S. Bach, voices separated as by Huang et al. (2017), splits of Boulanger-Lewandowski et al. (2012)",
        licence="the compositions are in the public domain; none stated for the encoding",
        builder="jsb_chorales",
        manual="jsb_chorales_16th.npz",
    ),
    "mnist": Set(
        version="3.0.1",
        image_shape=(28, 28, 1),
        num_classes=10,
        splits=_carved(55_000, 5_000, 10_000),
        source="LeCun, Cortes and Burges (1998)",
        licence="CC BY-SA 3.0",
    ),
    "mnist_m": Set(
        version="1.0.0",
        image_shape=(32, 32, 3),
        num_classes=10,
        splits=_carved(7_200, 800, 2_000),
        source="a random subset of 10,000 images of MNIST-M, Ganin et al. (2016): not the full set",
        licence="none stated; derived from MNIST, CC BY-SA 3.0, and BSDS500",
        builder="mnist_m",
        manual="mnist_m_subset.npz",
    ),
    "mnist_textures": Set(
        version="1.0.0",
        image_shape=(28, 28, 3),
        num_classes=10,
        splits=_carved(55_000, 5_000, 10_000),
        source="MNIST's digits blended with photographs of the Kodak set and of scikit-image, after MNIST-M",
        licence=TEXTURES,
        builder="mnist_textures",
        manual="textures/*.jpg",
        made_of="mnist",
    ),
    "omniglot": Set(
        version="3.0.0",
        image_shape=(28, 28, 1),
        num_classes=1623,
        splits=_carved(17_352, 1_928, 13_180),
        source="Lake, Salakhutdinov and Tenenbaum (2015); 105x105 inverted and area-averaged to 28x28",
        licence="MIT",
        from_stored=_ink,
    ),
    "patterns/four": patterns("four", 4),
    "patterns/four_bits": patterns("four_bits", 2),
    "patterns/mixed": patterns("mixed", 8),
    "patterns/sixteen": patterns("sixteen", 16),
    "patterns/sixteen_bits": patterns("sixteen_bits", 4),
    "patterns/skewed": patterns("skewed", 2),
    "pianoroll": _music(
        Music(BAND, FINEST),
        (0, 0, 0),
        source="your own MIDI files (.mid or .midi), read by pretty_midi",
        licence="yours",
        builder="pianoroll",
        manual="**/*.[mM][iI][dD]*",
        yours=True,
    ),
    "textured_digits": Set(
        version="1.0.0",
        image_shape=(28, 28, 3),
        num_classes=10,
        splits=_carved(20_000, 2_000, 5_000),
        source="MNIST's digits on photographs of the Kodak set and of scikit-image",
        licence=TEXTURES,
        builder="textured_digits",
        manual="textures/*.jpg",
        made_of="mnist",
        latents="mask",
    ),
    **{f"uci_binary/{name}": bits(name) for name in UCI_BINARY},
    "usps": _usps(28, stored_as="usps/16x16", from_stored=_bilinear),
    "usps/16x16": _usps(16),
}


def list_datasets() -> list[str]:
    """Returns the names of the zoo's sets and of registered ones, sorted. `load` also takes `kind:path`."""
    return sorted([*SETS, *own.registered.REGISTERED])


def check_name(name: str) -> None:
    """Raises `InvalidInput` with the nearest name unless it is a set of the zoo or has the form of a user's own."""
    if isinstance(name, str) and (name in SETS or own.is_own(name)):
        return
    if isinstance(name, str) and "\0" not in name and os.path.exists(os.path.expanduser(name)):
        raise InvalidInput(
            f"data set '{name}' is a path; write its kind before it, '{own.form_of(name)}' (known: "
            f"{', '.join(own.FORMS)})"
        )
    raise unknown("data set", name, [*list_datasets(), *own.FORMS])


def entry(name: str) -> Set:
    """Returns the `Set` of a name; raises as `check_name`, and as `own.entry` for a user's own files."""
    check_name(name)
    return SETS[name] if name in SETS else own.entry(name)

COUNTERPARTS = {  # pairs of sets whose test splits show the same content row by row
    frozenset(("emoji/noto", "emoji/twemoji")), frozenset(("mnist", "mnist_textures")),
}
