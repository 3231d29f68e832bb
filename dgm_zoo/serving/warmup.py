"""Warm-up requests: one small request per plain endpoint, replayed by TensorFlow Serving when it loads a version."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(folder: str | os.PathLike, name: str, endpoints: dict[str, Any]) -> None:
    """Writes the warm-up file of a version folder.

    It contains requests only for the plain endpoints: with a request for a compiled one, a server that was started
    without XLA could not load the model.

    Args:
      folder: the version folder.
      name: the model's name for the server.
      endpoints: dict of endpoint name to `core.endpoints.Endpoint`.
    """
    path = Path(folder) / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for endpoint, entry in endpoints.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = name, endpoint
            for key, row in one_row(entry).items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(row, dtype=entry.inputs[key].dtype))
            predict = prediction_log_pb2.PredictLog(request=request)
            file.write(prediction_log_pb2.PredictionLog(predict_log=predict).SerializeToString())


def one_row(entry: Any) -> dict[str, np.ndarray]:
    """Returns a request of one row to an endpoint: zeros, or the nearest values that it takes.

    Args:
      entry: a `core.endpoints.Endpoint`.
    """
    rows = {key: np.zeros((1, *one.shape), one.dtype.as_numpy_dtype) for key, one in entry.inputs.items()}
    return {key: np.clip(row, *entry.inputs[key].range) if entry.inputs[key].range else row
            for key, row in rows.items()}
