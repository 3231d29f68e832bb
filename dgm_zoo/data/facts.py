"""What is stated of a data set, and how TFDS finds it."""

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
    """What the axes of a piano-roll are.

    Attributes:
      tracks: a tuple of `dgm_zoo.data.tracks.Track`.
      steps: time steps in a bar at the finest; `load` takes this number, or one that divides it.
    """

    tracks: tuple
    steps: int


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
    from_stored: Callable | None = None  # what is done to a block of examples as TFDS stores them
    builder: str | None = None  # module of builders/ for a set that TFDS lacks
    manual: str | None = None  # file (or pattern of files) that a user must have; without one the set prepares itself
    yours: bool = False  # whether those files decide what it holds, so that `splits` cannot say how many examples
    made_of: str | None = None  # another set, whose folder its builder is given by that name
    stored_as: str | None = None  # another set, which is prepared in place of this one and read by from_stored
    latents: str | None = None  # feature that holds the bits that an example comes with, for pairs
    modes: Modes | None = None
    music: Music | None = None  # of a set of piano-rolls, whose examples are phrases of several bars
