"""The data sets of the zoo: what each is, where it lies, and how it is read."""

import contextlib
import dataclasses
import functools
import importlib
import io
import math
import os
import tempfile
from collections.abc import Callable

from dgm_zoo.errors import InvalidInput, unknown

_DEFAULT_DIR = "~/tensorflow_datasets"  # TFDS's own


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
class DatasetInfo:
    """What a data set is.

    Attributes:
      name: as `load` takes it.
      version: version of the TFDS builder.
      image_shape: shape of one example x as `load` gives it by default: (H, W, C), (2,) for points in the plane, or
        (n,) for vectors of n bits.
      num_classes: number of labels over all splits, or None for a set without labels.
      splits: number of examples of "train", "validation" and "test".
      levels: number of grey levels of a pixel, or None for points.
      source: who made it.
      licence: its terms.
      prepared: whether it lies ready to be read.
      modes: the `Modes` of a mixture of Gaussians, or None for every other set.
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


@dataclasses.dataclass(frozen=True)
class _Set:
    """One entry of the registry: the facts of `DatasetInfo`, and how TFDS finds them."""

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
    manual: str | None = None  # file that a user must have for it; without one the set prepares itself
    modes: Modes | None = None


def _ink(images):
    """Black strokes on white in three equal channels -> white ink on black in one."""
    return 255 - images[..., :1]


def _carved(train, validation, test):
    """Splits of a set without a validation split: its rows are the last ones of train, in TFDS's order."""
    return {
        "train": (f"train[:{train}]", train),
        "validation": (f"train[{train}:]", validation),
        "test": ("test", test),
    }


RING = Modes(tuple((math.cos(math.pi * i / 4), math.sin(math.pi * i / 4)) for i in range(8)), stddev=0.01)
GRID = Modes(tuple((x / 2, y / 2) for x in range(-2, 3) for y in range(-2, 3)), stddev=0.0125)


def _mixture(num_classes, source, modes=None):
    """One configuration of `gaussian_mixtures`: points in the plane."""
    return _Set(
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


# Rows of train, validation and test as published, and bits.
UCI_BINARY = {
    "adult": (5_000, 1_414, 26_147, 123),
    "connect4": (16_000, 4_000, 47_557, 126),
    "dna": (1_400, 600, 1_186, 180),
    "mushrooms": (2_000, 500, 5_624, 112),
    "nips": (400, 100, 1_240, 500),
    "ocr_letters": (32_152, 10_000, 10_000, 128),
    "rcv1": (40_000, 10_000, 150_000, 150),
    "web": (14_000, 3_188, 32_561, 300),
}


def _bits(name):
    """One configuration of `uci_binary`: binary vectors."""
    *rows, bits = UCI_BINARY[name]
    return _Set(
        version="1.0.0",
        image_shape=(bits,),
        num_classes=None,
        splits={split: (split, n) for split, n in zip(("train", "validation", "test"), rows, strict=True)},
        levels=2,
        feature="bits",
        source="splits of Larochelle and Murray (2011), the files those of H. Larochelle's MLPython",
        licence="CC BY 4.0 (UCI Machine Learning Repository)"
        if name in ("adult", "connect4", "dna", "mushrooms") else "none stated",
        builder="uci_binary",
        manual=f"{name}.npz",
    )


_SETS = {
    "bars": _Set(
        version="1.0.0",
        image_shape=(4, 4, 1),
        num_classes=None,
        splits={"train": ("train", 10_000), "validation": ("validation", 2_500), "test": ("test", 2_500)},
        levels=2,
        source="horizontal or vertical bars, after Hinton, Dayan, Frey and Neal (1995)",
        licence="made by dgm_zoo; none is needed",
        builder="bars",
    ),
    "binarized_mnist": _Set(
        version="1.0.0",
        image_shape=(28, 28, 1),
        num_classes=None,
        splits={"train": ("train", 50_000), "validation": ("validation", 10_000), "test": ("test", 10_000)},
        levels=2,
        source="Larochelle and Murray (2011), binarised once, after Salakhutdinov and Murray (2008)",
        licence="derived from MNIST, CC BY-SA 3.0",
    ),
    "digits": _Set(
        version="1.0.0",
        image_shape=(8, 8, 1),
        num_classes=10,
        splits={"train": ("train", 1293), "validation": ("validation", 144), "test": ("test", 360)},
        levels=17,
        source="Alpaydin and Kaynak (1998), UCI Machine Learning Repository, through scikit-learn",
        licence="CC BY 4.0",
        builder="digits",
    ),
    "fashion_mnist": _Set(
        version="3.0.1",
        image_shape=(28, 28, 1),
        num_classes=10,
        splits=_carved(55_000, 5_000, 10_000),
        source="Xiao, Rasul and Vollgraf (2017)",
        licence="MIT",
    ),
    "gaussian_mixtures/grid": _mixture(25, "5x5 Gaussians, spaced as in Lin et al. (2018) and scaled by 1/4", GRID),
    "gaussian_mixtures/moons": _mixture(2, "two half circles, as in scikit-learn's make_moons, centred"),
    "gaussian_mixtures/ring": _mixture(8, "8 Gaussians on the unit circle, as in Lin et al. (2018)", RING),
    "mnist": _Set(
        version="3.0.1",
        image_shape=(28, 28, 1),
        num_classes=10,
        splits=_carved(55_000, 5_000, 10_000),
        source="LeCun, Cortes and Burges (1998)",
        licence="CC BY-SA 3.0",
    ),
    "omniglot": _Set(
        version="3.0.0",
        image_shape=(28, 28, 1),
        num_classes=1623,
        splits=_carved(17_352, 1_928, 13_180),
        source="Lake, Salakhutdinov and Tenenbaum (2015); 105x105 inverted and area-averaged to 28x28",
        licence="MIT",
        from_stored=_ink,
    ),
    **{f"uci_binary/{name}": _bits(name) for name in UCI_BINARY},
}


def list_datasets():
    """Returns the names that `load` takes, sorted."""
    return sorted(_SETS)


def info(name, data_dir=None):
    """Returns the `DatasetInfo` of a data set, which need not be prepared.

    Args:
      name: one of `list_datasets()`.
      data_dir: where to look whether it is prepared; see `load`.

    Raises:
      InvalidInput: the name is unknown.

    Example:
      >>> info("digits").splits
      {'train': 1293, 'validation': 144, 'test': 360}
    """
    entry = _entry(name)
    return DatasetInfo(
        name=name,
        version=entry.version,
        image_shape=entry.image_shape,
        num_classes=entry.num_classes,
        splits={split: count for split, (_, count) in entry.splits.items()},
        levels=entry.levels,
        source=entry.source,
        licence=entry.licence,
        prepared=_prepared_in(name, data_dir) is not None,
        modes=entry.modes,
    )


def load(
    name,
    split,
    batch_size,
    *,
    labels=False,
    binarize=None,
    dequantize=False,
    image_size=None,
    shuffle=None,
    seed=0,
    first_epoch=None,
    limit=None,
    labelled_fraction=None,
    labels_per_class=None,
    labelled_rows=None,
    data_dir=None,
):
    """Returns the batches of one split of a data set.

    A split is read once into memory, and stays there for later calls. Everything random is a function of the
    seed: the order of epoch e of (seed, e), and the pixels drawn in it of (seed, e, batch). In training each
    epoch has its own order and pixels; "validation" and "test" come in order, with pixels drawn from (seed,
    row), the same every time and for every batch size.

    The splits never overlap. For `mnist` and `fashion_mnist` validation is the last 5,000 of TFDS's train, for
    `omniglot` its last 1,928, a tenth; TFDS stores these sets in a fixed order shuffled by hash, so this is a random
    but constant choice. The others have splits of their own. Omniglot's test has other characters than its train.

    Omniglot is white ink on black, one channel, area-averaged from 105x105 to 28x28. It is not the 28x28 file
    of Burda et al. (2015): its resampling and its splits differ, and so do likelihoods.

    Args:
      name: one of `list_datasets()`.
      split: "train", "validation" or "test".
      batch_size: rows of a batch. Training drops the remainder; the others keep the last, smaller batch.
      labels: whether elements are (x, y) instead of x.
      binarize: None for the grey pixels; "stochastic" for x ~ Bernoulli(pixel), fresh in every epoch of
        training (the protocol of Burda et al., 2015); "fixed" for the same drawn once per image from the
        seed (as in Salakhutdinov and Murray, 2008, whose own draw is `binarized_mnist`); "threshold" for
        pixel > 0.5.
      dequantize: whether grey level k becomes (k + u) / levels with u ~ U(0, 1) (Theis et al., 2016) instead
        of k / (levels - 1).
      image_size: (height, width) to area-average the stored images to; None for the set's own, which is
        28x28 for omniglot. Images of another size have 256 levels.
      shuffle: whether rows come in random order; None for training only.
      seed: 32-bit integer that order, binarisation and dequantisation are a function of.
      first_epoch: None for a data set of one epoch: its n-th iteration, whole or not, is epoch n, counted
        from 0. An integer e, for training, gives an endless stream that begins where epoch e begins, so that
        a resumed run sees the batches of an uninterrupted one; use it with `fit(steps_per_epoch=...)`.
      limit: number of rows to keep, the first of the split; None for all.
      labelled_fraction: share of each class, in (0, 1], that keeps its labels in training; the other rows get the
        label -1. Which ones keep theirs is drawn from the seed. The held-out splits keep all labels.
      labels_per_class: the same, as a number of rows of each class; give one of the two, with labels=True.
      labelled_rows: rows of a training batch that have a label, where some have none; None for their share of the
        data, and at least 1. Every batch holds equally many, evenly spaced, labelled rows that are scarce come more
        than once in an epoch, and an epoch has as many batches as it has without.
      data_dir: folder of the prepared sets; None for the environment variable TFDS_DATA_DIR, or else
        ~/tensorflow_datasets. Nothing is downloaded, but `bars`, `digits` and `gaussian_mixtures` prepare
        themselves, in TFDS's default or a temporary folder if this one cannot be written to.

    Returns:
      A `tf.data.Dataset` of x float32 [B, H, W, C] in [0, 1], or of (x, y) with y int32 [B]. Of
      `gaussian_mixtures`, x is points [B, 2], mostly within [-1.5, 1.5], and y the mode (or the half moon); of
      `uci_binary`, x is bits [B, n].

    Raises:
      InvalidInput: the set is unknown or not prepared, or an option does not fit.

    Example:
      >>> train = load("digits", "train", 64, binarize="stochastic", seed=1)
      >>> train.element_spec
      TensorSpec(shape=(64, 8, 8, 1), dtype=tf.float32, name=None)
    """
    from dgm_zoo.data import pipeline

    entry = _entry(name)
    pipeline.check_split(split)
    if labels and entry.num_classes is None:
        raise InvalidInput(f"labels=True, but '{name}' has no labels; leave labels out")
    if len(entry.image_shape) != 3:
        kind = "points" if entry.levels is None else "bits"
        for option, value in {"binarize": binarize, "dequantize": dequantize, "image_size": image_size}.items():
            if value:
                raise InvalidInput(f"{option}={value!r} is for images, but '{name}' holds {kind}; leave it out")
    if image_size is not None:
        image_size = pipeline.check_image_size(image_size)
    x, y, levels = _read(name, split, _directory(name, entry, data_dir), image_size)
    return pipeline.from_arrays(
        x,
        y,
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
        levels=levels,
    )


def class_shares(name, *, labelled_fraction=None, labels_per_class=None, seed=0, limit=None, data_dir=None):
    """Returns the share of each class among the labelled rows of training: a list of floats that sum to 1.

    Args:
      name: one of `list_datasets()`.
      labelled_fraction, labels_per_class, seed, limit, data_dir: see `load`; None and None for all labels.

    Raises:
      InvalidInput: as `load`; or a class without a labelled row.

    Example:
      >>> class_shares("digits", labels_per_class=10)   # 0.1 for each of the ten
    """
    import numpy as np

    from dgm_zoo.data import pipeline

    entry = _entry(name)
    if entry.num_classes is None:
        raise InvalidInput(f"data set '{name}' has no labels; choose another")
    y = _read(name, "train", _directory(name, entry, data_dir), None)[1][:limit]
    if labelled_fraction is not None or labels_per_class is not None:
        y = pipeline.hidden(y, labelled_fraction, labels_per_class, seed)
    counts = np.bincount(y[y >= 0], minlength=entry.num_classes)
    if not counts.all():
        raise InvalidInput(
            f"class {int(counts.argmin())} has no row among the {len(y)} of training; raise or drop limit"
        )
    return [float(share) for share in counts / counts.sum()]


def _directory(name, entry, data_dir):
    """The folder of a set that is prepared, or that prepares itself."""
    directory = _prepared_in(name, data_dir)
    if directory is None:
        if entry.builder is None:
            raise InvalidInput(
                f"data set '{name}' is not prepared in {_data_dir(data_dir)}; "
                f"run 'dgm-zoo data prepare {name}' once, with a network, or set TFDS_DATA_DIR"
            )
        directory = prepare(name, data_dir)
    return directory


def prepare(name, data_dir=None, manual_dir=None):
    """Prepares a data set for `load`, unless it already is, and returns the folder where it lies.

    Args:
      name: one of `list_datasets()`. `bars`, `digits` and `gaussian_mixtures` are made in seconds and offline; the
        others are downloaded by TFDS, but for those of `uci_binary`, which are read from a file that you have: see
        `builders/uci_binary.py` for where it comes from.
      data_dir: see `load`.
      manual_dir: folder of that file; None for `downloads/manual/uci_binary` in data_dir.

    Raises:
      InvalidInput: the name is unknown; the set cannot be downloaded or written; or its file is missing or is not what
        was published.

    Example:
      >>> prepare("digits", "/tmp/sets")
      '/tmp/sets/digits/1.0.0'
    """
    entry = _entry(name)
    found = _prepared_in(name, data_dir)
    if found and (data_dir is None or found.startswith(os.path.join(_data_dir(data_dir), ""))):
        return found
    manual_dir = _manual_dir(name, entry, data_dir, manual_dir)
    failures = []
    for folder in _folders(name, data_dir):
        try:
            return _prepare_in(name, entry, folder, manual_dir)
        except OSError as error:
            failures.append(f"{folder}: {error}")
    raise InvalidInput(
        f"data set '{name}' could not be prepared ({'; '.join(failures)}); "
        "it needs a network, and a data_dir that can be written to"
    )


def _entry(name):
    if name not in _SETS:
        raise unknown("data set", name, _SETS)
    return _SETS[name]


def _data_dir(data_dir):
    """The folder that the caller means."""
    return os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR") or _DEFAULT_DIR)


def _manual_dir(name, entry, data_dir, manual_dir):
    """The folder of a set's manual file, which is there; None for a set that needs none."""
    if entry.manual is None:
        if manual_dir is not None:
            raise InvalidInput(f"manual_dir={manual_dir!r}, but '{name}' is read from no file of yours; leave it out")
        return None
    folder = os.path.join(_data_dir(data_dir), "downloads", "manual", entry.builder)
    folder = os.path.expanduser(manual_dir or folder)
    if not os.path.isfile(os.path.join(folder, entry.manual)):
        raise InvalidInput(
            f"data set '{name}' is read from {entry.manual}, which is not in {folder}; run 'dgm-zoo data prepare "
            f"{name} --manual_dir=FOLDER' with the folder that has it ({entry.source})"
        )
    return folder


def _folders(name, data_dir):
    """The folders where a set may lie: the caller's; for one of builders/, two more."""
    folders = [_data_dir(data_dir)]
    if _SETS[name].builder:
        folders.append(os.path.expanduser(_DEFAULT_DIR))
        folders.append(os.path.join(tempfile.gettempdir(), f"dgm_zoo_data_{os.getuid()}"))
    return folders


def _prepared_in(name, data_dir):
    """The folder of a prepared set, or None. TFDS writes dataset_info.json last."""
    for folder in _folders(name, data_dir):
        path = os.path.join(folder, name, _SETS[name].version)
        if os.path.isfile(os.path.join(path, "dataset_info.json")):
            return path
    return None


def _prepare_in(name, entry, folder, manual_dir):
    """Prepares a set in a folder of its own and renames it into place, so that two processes may race.

    (TFDS's own temporary names come from Python's global generator: two processes with one seed would clash.)
    """
    import tensorflow_datasets as tfds

    if os.path.isdir(folder) and not os.stat(folder).st_mode & 0o222:  # which would not stop root
        raise PermissionError("the folder is read-only")
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    config = tfds.download.DownloadConfig(try_download_gcs=False, manual_dir=manual_dir)
    with tempfile.TemporaryDirectory(dir=place, prefix="incomplete.") as scratch:
        if entry.builder:
            importlib.import_module(f"dgm_zoo.data.builders.{entry.builder}")
        builder = tfds.builder(f"{name}:{entry.version}", data_dir=scratch)
        with _silence() if entry.builder else contextlib.nullcontext():
            builder.download_and_prepare(download_config=config)
        target = os.path.join(place, entry.version)
        try:
            os.rename(os.path.join(scratch, name, entry.version), target)
        except OSError:
            if not os.path.isfile(os.path.join(target, "dataset_info.json")):  # unless another process won
                raise
    return target


@contextlib.contextmanager
def _silence():
    """Keeps TFDS's messages and progress bars off the terminal; an error is raised all the same."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@functools.cache
def _read(name, split, directory, image_size):
    """Reads a split into memory: x uint8 [N, H, W, C] or float32 [N, 2], y or None, and the number of levels of x."""
    import numpy as np
    import tensorflow_datasets as tfds

    from dgm_zoo.data import pipeline

    entry = _SETS[name]
    stored = tfds.builder_from_directory(directory).as_dataset(
        split=entry.splits[split][0], batch_size=1000, shuffle_files=False
    )
    xs, ys, levels = [], [], entry.levels
    for block in tfds.as_numpy(stored):
        x = block[entry.feature]
        x = entry.from_stored(x) if entry.from_stored else x
        if len(entry.image_shape) == 3:
            x, levels = pipeline.resized(x, entry.levels, image_size or entry.image_shape[:2])
        xs.append(x)
        ys.append(block.get("label"))
    x, y = np.concatenate(xs), None if entry.num_classes is None else np.concatenate(ys)
    x.setflags(write=False)  # later calls share it
    return x, y, levels
