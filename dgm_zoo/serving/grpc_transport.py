"""`serving.Client` over gRPC: TensorFlow Serving's PredictionService."""

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2, predict_pb2, prediction_service_pb2_grpc

from dgm_zoo.serving.client_errors import late, refusal, unreachable

_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class GrpcTransport:
    """Sends requests for one model; see `serving.Client` for the arguments."""

    def __init__(self, address: str, model: str, version: int | None, timeout: float) -> None:
        self.address, self.timeout = address, timeout
        self.spec = model_pb2.ModelSpec(name=model)
        if version is not None:
            self.spec.version.value = version
        channel = grpc.insecure_channel(address, options=_UNLIMITED)
        self.service = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def signatures(self) -> dict[str, Any]:
        """Returns the dict of signature name to `SignatureDef`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=self.spec, metadata_field=["signature_def"])
        reply = self._send(self.service.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        reply.metadata["signature_def"].Unpack(found)
        return dict(found.signature_def)

    def predict(self, endpoint: str, inputs: dict[str, np.ndarray], signature: Any) -> dict[str, np.ndarray]:
        """Returns the outputs by name as NumPy arrays."""
        request = predict_pb2.PredictRequest(model_spec=self.spec)
        request.model_spec.signature_name = endpoint
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        reply = self._send(self.service.Predict, request)
        return {name: tf.make_ndarray(tensor) for name, tensor in reply.outputs.items()}

    def _send(self, method, request):
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                raise unreachable(self.address, "gRPC", error.details()) from None
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise late(self.address, self.timeout) from None
            raise refusal(self.address, error.code().name, error.details()) from None
