"""The folders `configs` and `saved_models` that ship with the package, and the configs and experiments in them."""

from pathlib import Path

CONFIGS, EXPERIMENTS, PRESETS = "configs", "configs/reproduce", "saved_models"


def shipped(folder: str) -> Path:
    """Returns where `folder` of the repository lies: inside the package if it was installed, else beside it.

    Example:
      >>> shipped("configs")
      PosixPath('/home/me/dgm_zoo/configs')
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / folder
    return installed if installed.is_dir() else package.parent / folder


def python_files(folder: str) -> dict[str, Path]:
    """Returns the Python files of `folder`, name to path: those of the current folder, then those that ship.

    Example:
      >>> python_files("configs")["vae_digits"]
      PosixPath('/home/me/dgm_zoo/configs/vae_digits.py')
    """
    places = [shipped(folder), Path(folder).absolute()]
    return {path.stem: path for place in places for path in sorted(place.glob("*.py"))}
