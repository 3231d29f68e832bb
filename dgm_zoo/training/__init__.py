"""From a config to a trained, measured, exported model."""

from dgm_zoo.training.config import load_config, resolve
from dgm_zoo.training.run import evaluate, load_run, train

__all__ = ["evaluate", "load_config", "load_run", "resolve", "train"]
