"""The declared facts of a data set, and how TFDS finds it."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Modes:
    """The modes of a mixture of round Gaussians of equal size and weight.

    Attributes:
      centres: a tuple of (x, y), one for each mode, in the order of the labels.
      stddev: the standard deviation of each mode in either coordinate.
    """

    centres: tuple
    stddev: float


@dataclasses.dataclass(frozen=True)
class Music:
    """The axes of a piano-roll.

    Attributes:
      tracks: a tuple of `dgm_zoo.data.tracks.Track`.
      steps: the finest number of time steps in a bar; `load` takes this number or one that divides it.
    """

    tracks: tuple
    steps: int


@dataclasses.dataclass(frozen=True)
class Own:
    """How a user's own files are read (`dgm_zoo.data.own`), instead of by TFDS.

    Attributes:
      path: the folder or file; of a set of TFDS, its name.
      rows: function (split, image_size or None, limit or None) to the `Rows` of the first `limit` rows of the split,
        images at `image_size` if the kind can, else at their own size.
      in_files: whether `Rows.take` reads the files, so that a split need not fit in memory.
      classes: names of the classes, in the order of their numbers.
      sizes: the sizes (height, width) of the images in the files, sorted; () if the shape of x says it.
    """

    path: str
    rows: Callable
    in_files: bool
    classes: tuple
    sizes: tuple


@dataclasses.dataclass(frozen=True)
class Set:
    """One data set: the facts of `DatasetInfo`, and how TFDS finds them."""

    version: str
    image_shape: tuple
    num_classes: int | None
    splits: dict  # of the zoo's split -> (TFDS split or slice, number of examples)
    source: str
    licence: str
    levels: int | None = 256
    feature: str = "image"
    from_stored: Callable | None = None  # converts a block of examples from TFDS's stored form
    builder: str | None = None  # module of builders/ for a set that TFDS lacks
    manual: str | None = None  # file (or pattern of files) that the user must supply; None if none is needed
    yours: bool = False  # whether those files are the user's own data, of unknown number, so that `splits` holds 0
    made_of: str | None = None  # another set; the builder gets its folder as an argument of that name
    stored_as: str | None = None  # another set, which is prepared instead of this one and converted by from_stored
    latents: str | None = None  # feature that holds the latent bits of an example, for pairs
    modes: Modes | None = None
    music: Music | None = None  # for a set of piano-rolls, whose examples are phrases of several bars
    exact: bool = False  # whether every split holds the same few examples, one for each class, in exact proportion
    own: Own | None = None  # for a user's own files, which are read without TFDS
    unlabelled: str = "has no labels"  # why num_classes is None, in messages
