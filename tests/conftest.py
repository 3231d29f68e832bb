"""Shared by all tests: quiet TensorFlow, two logical CPUs, which tests share a process, and a way to real data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
import tensorflow as tf

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would only wait for each other
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

BY_MODEL = {"test_conformance", "test_keras_contract", "test_replicas", "test_formulation"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Sends a file to one process, which makes what its tests share once; a file of `BY_MODEL`, model by model."""
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("name")
        by_model = item.module.__name__ in BY_MODEL and isinstance(name, str)
        item.add_marker(pytest.mark.xdist_group(name if by_model else item.module.__name__))


@pytest.fixture(scope="session")
def tfds_data_dir():
    """The folder of data sets that TFDS prepared; skips where there is none."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if not folder:
        pytest.skip("TFDS_DATA_DIR is unset: set it to a folder with the data sets that TFDS prepared")
    return folder
