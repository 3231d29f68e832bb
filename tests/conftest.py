"""Shared by all tests: quiet TensorFlow, two logical CPUs for the replica tests, and one way to ask for real data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def tfds_data_dir():
    """The folder of data sets that TFDS prepared; skips where there is none."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if not folder:
        pytest.skip("TFDS_DATA_DIR is unset: set it to a folder with the data sets that TFDS prepared")
    return folder
