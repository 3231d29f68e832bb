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
            for key, wanted in entry.inputs.items():
                row = np.zeros((1, *wanted.shape), wanted.dtype.as_numpy_dtype)
                row = np.clip(row, *wanted.range) if wanted.range else row
                request.inputs[key].CopyFrom(tf.make_tensor_proto(row, dtype=wanted.dtype))
            predict = prediction_log_pb2.PredictLog(request=request)
            file.write(prediction_log_pb2.PredictionLog(predict_log=predict).SerializeToString())
