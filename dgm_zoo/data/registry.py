"""The data sets of the zoo: their facts, and `load`."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from dgm_zoo.data import own
from dgm_zoo.data.facts import Modes, Music
from dgm_zoo.data.preparing import directory, prepared_in
from dgm_zoo.data.reading import AUTO, open_split
from dgm_zoo.data.sets import entry
from dgm_zoo.errors import InvalidInput

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """The facts of a data set.

    Attributes:
      name: its name for `load`.
      version: version of the TFDS builder; of a user's own set, a digest of its files' names, sizes and times.
      image_shape: shape of one example x of `load` with default options: (H, W, C), (2,) for points in the plane, or
        (n,) for vectors of n bits, or (bars, steps, pitches, tracks) for piano-rolls. Height and width are
        None for a user's own images of several sizes, which `load` reads with image_size only.
      num_classes: number of labels over all splits, or None for a set without labels.
      splits: number of examples of "train", "validation" and "test"; for music, of phrases. 0 for an
        unprepared `pianoroll`.
      levels: number of grey levels of a pixel, or None for points.
      source: its authors or origin.
      licence: its licence.
      prepared: whether it is ready to be read.
      modes: the `Modes` of a mixture of Gaussians, or None for every other set.
      latents: name of the latent bits of an example, such as "mask"; None for a set without pairs.
      music: the `Music` of a set of piano-rolls, which names its tracks, or None for every other set.
      exact: whether every split holds the same few examples, one for each class, in exact proportion.
    """

    name: str
    version: str
    image_shape: tuple
    num_classes: int | None
    splits: dict
    levels: int | None
    source: str
    licence: str
    prepared: bool
    modes: Modes | None
    latents: str | None
    music: Music | None
    exact: bool = False


def info(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    bars: int | None = None,
    hop: int | None = None,
    steps: int | None = None,
    sounding: int | None = None,
) -> DatasetInfo:
    """Returns the `DatasetInfo` of a data set, which need not be prepared.

    Args:
      name: one of `list_datasets()`, or `kind:path` for your own data; see `load`.
      data_dir: folder to search for the prepared set; see `load`.
      bars, hop, steps, sounding: options of `load` for phrases of music, which determine shape and split sizes.
        Unless all are None, the set is read to count its phrases.

    Raises:
      InvalidInput: the name is unknown; or bars, hop, steps or sounding are invalid, or given for an unprepared set.

    Example:
      >>> info("digits").splits
      {'train': 1293, 'validation': 144, 'test': 360}
    """
    name = own.full_name(name)
    found = entry(name)
    shape, splits = found.image_shape, {split: count for split, (_, count) in found.splits.items()}
    phrase = {"bars": bars, "hop": hop, "steps": steps, "sounding": sounding}
    _check_phrase(name, found, phrase)
    prepared = prepared_in(name, data_dir) is not None
    if any(value is not None for value in phrase.values()) or (found.yours and prepared):
        from dgm_zoo.data import phrases

        shape, folder = phrases.shape_of(name, bars, steps), directory(name, data_dir)
        splits = {split: phrases.count(name, split, folder, **phrase) for split in splits}
    return DatasetInfo(
        name=name,
        version=found.version,
        image_shape=shape,
        num_classes=found.num_classes,
        splits=splits,
        levels=found.levels,
        source=found.source,
        licence=found.licence,
        prepared=prepared,
        modes=found.modes,
        latents=found.latents,
        music=found.music,
        exact=found.exact,
    )


def load(
    name: str,
    split: str,
    batch_size: int,
    *,
    labels: bool = False,
    binarize: str | None = None,
    dequantize: bool = False,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    first_epoch: int | None = None,
    limit: int | None = None,
    labelled_fraction: float | None = None,
    labels_per_class: int | None = None,
    labelled_rows: int | None = None,
    pairs: int | None = None,
    bars: int | None = None,
    hop: int | None = None,
    steps: int | None = None,
    sounding: int | None = None,
    data_dir: str | os.PathLike | None = None,
    path: str | os.PathLike | None = None,
    in_memory: bool | str = AUTO,
) -> tf.data.Dataset:
    """Returns the batches of one split of a data set.

    A split is read once and stays in memory for later calls; music is packed, eight values per byte. A split of your
    own files that would take more than half of the memory stays in them: batches are read by row numbers, several
    ahead, and are bit for bit those of a split in memory.

    All randomness is a function of the seed: the order of epoch e is a function of (seed, e), and its pixels are a
    function of (seed, e, batch). In training each epoch has its own order and pixels; "validation" and "test" come in
    order, with pixels drawn from (seed, row), the same every time and for every batch size.

    The splits never overlap. For `mnist` and `fashion_mnist` validation is the last 5,000 of TFDS's train, for
    `omniglot` its last 1,928, a tenth, for `textured_digits` its last 2,000; TFDS stores these sets in a fixed order
    shuffled by hash, so this is a random but constant choice. `mnist_textures` has MNIST's splits, row by row. For
    `usps` and `mnist_m` validation is the last tenth of train. The others have splits of their own. Omniglot's test
    split has other characters than its train split; those of `textured_digits` and `mnist_textures` have other
    photographs. The test splits of `emoji/noto` and `emoji/twemoji` show the same emoji in the same order; their other
    splits share none.

    Omniglot is white ink on black, one channel, area-averaged from 105x105 to 28x28. It is not the 28x28 file
    of Burda et al. (2015): its resampling and its splits differ, and so do likelihoods.

    Args:
      name: one of `list_datasets()`, or `kind:path` for your own data: "folder:cats", a folder of JPEG and PNG images
        with a subfolder for each class; "npz:FILE", "npy:FILE", "csv:FILE",
        "tfrecord:PATH" or "tfds:NAME" (`dgm_zoo.data.own`).
      split: "train", "validation" or "test".
      batch_size: rows of a batch. Training drops the remainder; the others keep the last, smaller batch.
      labels: whether elements are (x, y) instead of x.
      binarize: None for the grey pixels; "stochastic" for x ~ Bernoulli(pixel), fresh in every epoch of
        training (the protocol of Burda et al., 2015); "fixed" for the same drawn once per image from the
        seed (as in Salakhutdinov and Murray, 2008, whose binarised images are `binarized_mnist`); "threshold" for
        pixel > 0.5.
      dequantize: whether grey level k becomes (k + u) / levels with u ~ U(0, 1) (Theis et al., 2016) instead
        of k / (levels - 1).
      image_size: (height, width) to which the stored images are area-averaged; None for the set's own size, which is
        28x28 for omniglot. Images of another size have 256 levels. Those of a folder are cropped about their centre to
        the aspect ratio first; it is required if their sizes differ.
      channels: 3 repeats a grey image in three channels, 1 makes a colour image grey; None for the set's own number.
      shuffle: whether rows come in random order; None for training only.
      seed: 32-bit integer that determines order, binarisation and dequantisation.
      first_epoch: None for a data set of one epoch: its n-th iteration, whole or not, is epoch n, counted
        from 0. An integer e, for training, gives an endless stream that starts with epoch e, so that a resumed
        run sees the same batches as an uninterrupted one; use it with `fit(steps_per_epoch=...)`.
      limit: number of rows to keep, the first of the split; None for all.
      labelled_fraction: share of each class, in (0, 1], that keeps its labels in training; the other rows get the
        label -1. The labelled rows are drawn from the seed. The held-out splits keep all labels.
      labels_per_class: number of rows of each class that keep their labels; give one of the two, with labels=True.
      labelled_rows: number of rows of a training batch that have a label (or latents), if some rows have none; None for
        their share of the data, at least 1. Every batch has the same number, evenly spaced; scarce labelled rows
        repeat within an epoch, whose length does not change.
      pairs: None; or a number of training examples whose latents are known, 0 or more, for a set that has latents, such
        as the masks of `textured_digits`. Elements are then (x, z), and z is all -1 if it is not known. The known
        ones are drawn from the seed; `labelled_rows` sets their number in a batch. The held-out splits keep all. Not
        with labels=True.
      bars: for music, number of bars in an example; None for 4. A phrase lies within one piece.
      hop: for music, number of bars between the beginnings of two examples; None for `bars`, so that examples do not
        overlap. A smaller hop gives more examples.
      steps: for music, time steps in a bar, a multiple of 4 that divides the set's number (`info(name).music.steps`);
        None for 16. A step sounds if any of the finer steps that it covers does.
      sounding: for music, the least number of tracks that have a note in an example; None for 1.
      data_dir: folder of the prepared sets; None for the environment variable TFDS_DATA_DIR, or else
        ~/tensorflow_datasets. Nothing is downloaded, but `bars`, `digits`, `emoji`, `freedoom_bands` and
        `gaussian_mixtures` prepare themselves, in TFDS's default or a temporary folder if this one cannot be written
        to.
      path: path of your own data, if name is the kind only: load("folder", ..., path="cats").
      in_memory: whether the split is read into memory; "auto" for a split that takes at most half of the memory. False
        leaves it in its files, for "folder", "npy", "tfrecord" and "tfds".

    Returns:
      A `tf.data.Dataset` of x float32 [B, H, W, C] in [0, 1], of (x, y) with y int32 [B], or, with `pairs`, of (x, z)
      with z float32 [B, n], the pixels of a mask row by row. For `gaussian_mixtures`, x is points [B, 2], mostly within
      [-1.5, 1.5], and y the mode (or the half moon); for `uci_binary` and `patterns`, x is bits [B, n], of
      `patterns/mixed` signals [B, 8]; for music, x is zeros and ones [B, bars, steps, pitches, tracks].

    Raises:
      InvalidInput: the set is unknown or not prepared, your own files are missing, damaged or do not fit in memory, or
        an option is invalid.

    Example:
      >>> train = load("digits", "train", 64, binarize="stochastic", seed=1)
      >>> train.element_spec
      TensorSpec(shape=(64, 8, 8, 1), dtype=tf.float32, name=None)
    """
    from dgm_zoo.data import checks, pipeline

    name = own.full_name(name, path)
    found = entry(name)
    checks.check_split(split)
    checks.check_flags(labels=labels, dequantize=dequantize)
    if labels and found.num_classes is None:
        raise InvalidInput(f"labels=True, but '{name}' {found.unlabelled}; leave labels out")
    if pairs is not None and found.latents is None:
        raise InvalidInput(f"pairs={pairs!r}, but '{name}' has no latents to pair x with; leave pairs out")
    if pairs is not None and image_size is not None:
        raise InvalidInput(f"image_size={image_size!r} would not suit the {found.latents}s of pairs; leave it out")
    if len(found.image_shape) != 3:
        kind = "piano-rolls" if found.music else "points" if found.levels is None else "bits"
        images = {"binarize": binarize, "dequantize": dequantize, "image_size": image_size, "channels": channels}
        for option, value in images.items():
            if value:
                raise InvalidInput(f"{option}={value!r} is for images, but '{name}' holds {kind}; leave it out")
    phrase = {"bars": bars, "hop": hop, "steps": steps, "sounding": sounding}
    _check_phrase(name, found, phrase)
    if found.music:
        from dgm_zoo.data import phrases

        few = {"labelled_fraction": labelled_fraction, "labels_per_class": labels_per_class,
               "labelled_rows": labelled_rows}
        for option, value in few.items():
            if value is not None:
                raise InvalidInput(f"{option}={value!r}, but '{name}' has no labels; leave it out")
        return phrases.load(
            name, split, directory(name, data_dir), batch_size=batch_size, **phrase, shuffle=shuffle, seed=seed,
            first_epoch=first_epoch, limit=limit,
        )
    if image_size is not None:
        image_size = checks.check_image_size(image_size)
    checks.check_channels(channels, found.image_shape)
    limit = checks.check_limit(limit, split, found.splits[split][1])
    x, y, z, levels = open_split(name, split, directory(name, data_dir), image_size, channels, limit, in_memory)
    return pipeline.from_arrays(
        x,
        y if pairs is None else z,
        split=split,
        batch_size=batch_size,
        labels=labels,
        binarize=binarize,
        dequantize=dequantize,
        shuffle=shuffle,
        seed=seed,
        first_epoch=first_epoch,
        limit=limit,
        labelled_fraction=labelled_fraction,
        labels_per_class=labels_per_class,
        labelled_rows=labelled_rows,
        pairs=pairs,
        levels=levels,
    )


def _check_phrase(name, found, phrase):
    """Raises `InvalidInput` if an option of music is given for another set."""
    for option, value in phrase.items():
        if value is not None and found.music is None:
            raise InvalidInput(f"{option}={value!r} is for music, which '{name}' is not; leave it out")
