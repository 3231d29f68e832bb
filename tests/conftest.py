"""Shared by all tests: quiet TensorFlow, two logical CPUs, which tests share a process, and a way to real data."""

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# XLA translates a graph as ever and leaves out what makes the machine code fast: a step of a test takes microseconds.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import pytest
from xdist.scheduler import LoadScopeScheduling


def pytest_configure(config):
    """Sets TensorFlow up where tests run: not in the process that hands them out to others."""
    worker = "PYTEST_XDIST_WORKER" in os.environ
    if config.getoption("numprocesses", None) and not worker:
        return
    import tensorflow as tf

    # Graphs are many small objects that live on, and to look through all of them takes long: do it rarely.
    gc.set_threshold(700, 10, 200)
    if worker:  # as many processes as cores: more threads would only wait for each other
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )


BY_MODEL = {"test_conformance.py", "test_keras_contract.py", "test_replicas.py", "test_formulation.py"}


class ByFile(LoadScopeScheduling):
    """Sends a file to one process, which makes once what its tests share; the files of `BY_MODEL` model by model."""

    def _split_scope(self, nodeid):
        path, *_ = nodeid.split("::")
        name = nodeid.partition("[")[2].partition("]")[0].partition("-")[0]
        return name if name and Path(path).name in BY_MODEL else path


def pytest_collection_finish():
    gc.freeze()  # what is imported stays


def pytest_collection_modifyitems(items):
    """The files of `BY_MODEL` last: their many small shares keep all processes busy to the end."""
    items.sort(key=lambda item: item.path.name in BY_MODEL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)


@pytest.fixture(autouse=True, scope="session")
def auto_without_xla():
    """`jit_compile="auto"` takes no XLA: here each model takes a few steps, which do not win the compilation back.

    The conformance suite trains every model with XLA, and `test_xla_on_cpu.py` says what "auto" takes elsewhere.
    """
    from dgm_zoo.core import compiling

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_faster_on_cpu", dict)
        yield


@pytest.fixture(autouse=True)
def seeded():
    """The same weights and draws in a test whatever ran before it: small networks of other weights may be dead."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def tfds_data_dir():
    """The folder of data sets that TFDS prepared; skips where there is none."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if not folder:
        pytest.skip("TFDS_DATA_DIR is unset: set it to a folder with the data sets that TFDS prepared")
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A temporary current folder on Python's path; what the pages register and import is gone after it."""
    from dgm_zoo.core.registry import MODELS
    from dgm_zoo.data.sets import SETS
    from dgm_zoo.training.measures import MEASURES

    tables = [(table, dict(table)) for table in (MODELS, SETS, MEASURES)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for table, before in tables:
        table.clear()
        table.update(before)
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent == tmp_path:
            del sys.modules[name]
