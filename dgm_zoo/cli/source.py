"""Helpers of the commands for a trained model: its source, its test images, its output."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from absl import flags as absl_flags

from dgm_zoo.checks import check_memory
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput, unknown
from dgm_zoo.files import check_writable, whole

if TYPE_CHECKING:  # importing them needs TensorFlow, or is slow
    import numpy as np
    from ml_collections import ConfigDict

    from dgm_zoo.core.model import GenerativeModel

USAGE = "(--workdir=DIR | --preset=NAME)"


class Source(NamedTuple):
    """A trained model and its record.

    Attributes:
      flag: the flag that named it, `--workdir=...` or `--preset=...`.
      model: the Keras model, compiled.
      config: the resolved config of its run.
      metrics: dict of name to `value`, `stderr`, `protocol`; empty for a run that is not evaluated.
    """

    flag: str
    model: "GenerativeModel"
    config: "ConfigDict"
    metrics: dict


def define(flags: absl_flags.FlagValues) -> None:
    """Declares `--workdir` and `--preset`."""
    absl_flags.DEFINE_string("workdir", None, "folder of a run of dgm-zoo train", flag_values=flags)
    absl_flags.DEFINE_string(
        "preset", None, "name, folder or hf:// address of a preset; see dgm-zoo list", flag_values=flags
    )


def open_source(flags: absl_flags.FlagValues) -> Source:
    """Returns the `Source` that `--workdir` or `--preset` names.

    Raises:
      InvalidInput: none or both of the flags are given, the run or preset does not exist, or the preset has no config.
    """
    if bool(flags.workdir) == bool(flags.preset):
        raise InvalidInput("give one of --workdir=DIR, the folder of a run, and --preset=NAME")
    return open_workdir(flags.workdir) if flags.workdir else open_preset(flags.preset)


def open_workdir(workdir: str) -> Source:
    """Returns the `Source` of a run."""
    import_tensorflow()
    from dgm_zoo import training

    model, config, results = training.load_run(workdir)
    return Source(f"--workdir={workdir}", model, config, results["metrics"] if results else {})


def open_preset(preset: str) -> Source:
    """Returns the `Source` of a preset."""
    from dgm_zoo import serving

    metadata = serving.read_metadata(preset)
    if metadata["config"] is None:
        raise InvalidInput(f"preset '{preset}' was exported without its config; export it from its workdir again")
    import_tensorflow()
    from dgm_zoo import training

    config = training.resolve(metadata["config"])  # imports the module of the model's class, if the config names it
    model = serving.from_preset(preset)
    model.compile()  # evaluation needs it; nothing is trained
    return Source(f"--preset={preset}", model, config, metadata["metrics"] or {})


def need(source: Source, *endpoints: str) -> None:
    """Raises `InvalidInput` if the model lacks one of the endpoints."""
    table = source.model.endpoints()
    for name in endpoints:
        if name not in table:
            model = f"the {source.config.model.name} of {source.flag}"
            raise InvalidInput(f"{model} has no '{name}'; it has {', '.join(table)}")


def test_images(source: Source, n: int) -> tuple["np.ndarray", dict]:
    """Returns the first `n` images of the test split, with the data options of training, and the model's other inputs.

    Pairs, labels and hidden labels that only training uses are left out.

    Returns:
      x `[n, H, W, C]` in NumPy, and a dict: `label` `[n]` for a model conditioned on labels, else empty.
    """
    from dgm_zoo.training.build import held_out

    batch = next(iter(held_out(source.config, source.model, "test", batch_size=n, limit=n)))
    return (batch[0].numpy(), {"label": batch[1].numpy()}) if isinstance(batch, tuple) else (batch.numpy(), {})


def rows_of_test(source: Source) -> int:
    """Returns the number of test images."""
    from dgm_zoo.training.arguments import info_of

    return info_of(source.config).splits["test"]


def check_count(flag: str, value: int, most: int | None = None) -> None:
    """Raises `InvalidInput` unless a flag's value is at least 1 and, if `most` is given, at most `most`."""
    if value < 1 or (most is not None and value > most):
        raise InvalidInput(f"--{flag}={value} does not fit; give {'at least 1' if most is None else f'1 to {most:,}'}")


def check_amount(flag: str, value: int, numbers: int) -> None:
    """Raises `InvalidInput` if `value` of a flag asks for more float32 numbers than the memory holds."""
    check_memory(f"--{flag}", value, 4 * numbers)


def check_out(path: str) -> None:
    """Raises `InvalidInput` if an output path has no ending that `write` knows, or cannot be written."""
    ending = os.path.splitext(path)[1]
    if ending not in (".png", ".npz", ".npy"):
        raise unknown("ending of --out", ending or path, [".png", ".npz", ".npy"])
    check_file(path)


def check_file(path: str) -> None:
    """Raises `InvalidInput` if --out is a folder, or a file that cannot be written."""
    if os.path.isdir(path):
        raise InvalidInput(f"--out={path} is a folder; give a file")
    check_writable(f"--out={path}", path)


def write(path: str, picture: Callable, **arrays: "np.ndarray") -> None:
    """Writes results by the path's ending: .npz has all arrays by name, .npy the last array, .png the picture.

    Args:
      path: see `check_out`.
      picture: function that writes the PNG to a path.
      **arrays: NumPy arrays.
    """
    import numpy as np

    if path.endswith(".png"):
        picture(path)
        return
    with whole(path) as partial:
        if path.endswith(".npz"):
            np.savez_compressed(partial, **arrays)
        else:
            np.save(partial, list(arrays.values())[-1])


def metric_table(metrics: dict) -> list[str]:
    """Returns metrics as aligned text lines: name, value ± standard error, protocol."""
    rows = [(name, metric_value(metric), metric["protocol"]) for name, metric in metrics.items()]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)] if rows else []
    return [f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {protocol}" for name, value, protocol in rows]


def metric_value(metric: dict) -> str:
    """Returns "-85.12 ± 0.34", or only the value if there is no standard error."""
    value, stderr = metric["value"], metric.get("stderr")
    text = str(value) if isinstance(value, int) else f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    return text if stderr is None else f"{text} ± {stderr:.2g}"
