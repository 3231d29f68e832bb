"""`serving.Client` over gRPC: TensorFlow Serving's PredictionService."""

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import message
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2, predict_pb2, prediction_service_pb2_grpc

from dgm_zoo.serving.client_errors import host_and_tls, overloaded, refusal, stranger, unreachable

_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class GrpcTransport:
    """Sends requests for one model; see `serving.Client` for the arguments. `left` is the number of seconds to wait.

    Methods raise `TimeoutError` if there is no answer in time, and `Unavailable` if another try may succeed.
    """

    def __init__(self, address: str, model: str, version: int | None) -> None:
        self.address = address
        self.spec = model_pb2.ModelSpec(name=model)
        if version is not None:
            self.spec.version.value = version
        host, tls = host_and_tls(address)
        channel = (
            grpc.secure_channel(host, grpc.ssl_channel_credentials(), options=_UNLIMITED) if tls
            else grpc.insecure_channel(host, options=_UNLIMITED)
        )
        self.service = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def signatures(self, left: float) -> dict[str, Any]:
        """Returns the dict of signature name to `SignatureDef`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=self.spec, metadata_field=["signature_def"])
        reply = self._send(self.service.GetModelMetadata, request, left)
        found = get_model_metadata_pb2.SignatureDefMap()
        try:
            unpacked = reply.metadata["signature_def"].Unpack(found)
        except message.DecodeError:
            unpacked = False
        if not unpacked:
            raise stranger(self.address, "gRPC")
        return dict(found.signature_def)

    def predict(self, endpoint: str, inputs: dict[str, np.ndarray], signature: Any, left: float) -> dict[str, Any]:
        """Returns the outputs by name as NumPy arrays; None for one that cannot be decoded."""
        request = predict_pb2.PredictRequest(model_spec=self.spec)
        request.model_spec.signature_name = endpoint
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        reply = self._send(self.service.Predict, request, left)
        return {name: _decoded(tensor) for name, tensor in reply.outputs.items()}

    def _send(self, method, request, left):
        try:
            return method(request, timeout=left)
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or ""
            if code == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise TimeoutError from None
            if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise overloaded(self.address, details) from None
            if code == grpc.StatusCode.UNAVAILABLE and "http1" in details.lower():
                raise stranger(self.address, "gRPC") from None
            if code == grpc.StatusCode.UNAVAILABLE:
                raise unreachable(self.address, "gRPC", details) from None
            if code in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNKNOWN) and "HTTP" in details:
                raise stranger(self.address, "gRPC") from None
            raise refusal(self.address, code.name, details) from None


def _decoded(tensor):
    try:
        return tf.make_ndarray(tensor)
    except (TypeError, ValueError):
        return None
