"""Training runs: from a config to a trained and evaluated model."""

from dgm_zoo.training.against import evaluate_against
from dgm_zoo.training.cluster import join
from dgm_zoo.training.comparison import compare_runs
from dgm_zoo.training.config import load_config, resolve
from dgm_zoo.training.measure import evaluate
from dgm_zoo.training.measures import Measure, register_measure
from dgm_zoo.training.overview import overview, write_overview
from dgm_zoo.training.reproduce import list_experiments, reproduce
from dgm_zoo.training.run import load_run, train, train_model
from dgm_zoo.training.sweep import sweep

__all__ = [
    "Measure",
    "compare_runs",
    "evaluate",
    "evaluate_against",
    "join",
    "list_experiments",
    "load_config",
    "load_run",
    "overview",
    "register_measure",
    "reproduce",
    "resolve",
    "sweep",
    "train",
    "train_model",
    "write_overview",
]
