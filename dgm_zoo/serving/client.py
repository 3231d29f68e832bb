"""A client for a model in TensorFlow Serving: arrays in, arrays out, over gRPC or REST."""

from typing import Any

import numpy as np

from dgm_zoo.errors import InvalidInput, unknown


class Client:
    """Calls the endpoints of one served model by name.

    Args:
      address: host and port: 8500 is the server's gRPC port, 8501 its REST port. For REST a URL such as
        "https://models.example.org" is also accepted.
      model: the model's name on the server.
      protocol: "grpc" or "rest".
      version: version of the model; None for the latest version that is served.
      timeout: seconds to wait for an answer.

    Raises:
      InvalidInput: unknown protocol.

    Example:
      >>> client = Client("localhost:8500", model="vae_mnist")
      >>> client.call("sample", seed=[1, 2, 3])["x"].shape
      (3, 28, 28, 1)
    """

    def __init__(
        self,
        address: str = "localhost:8500",
        *,
        model: str,
        protocol: str = "grpc",
        version: int | None = None,
        timeout: float = 30.0,
    ) -> None:
        if protocol == "grpc":
            from dgm_zoo.serving.grpc_transport import GrpcTransport as Transport
        elif protocol == "rest":
            from dgm_zoo.serving.rest_transport import RestTransport as Transport
        else:
            raise unknown("protocol", protocol, ["grpc", "rest"])
        self._transport = Transport(address, model, version, timeout)
        self._signatures = None

    @property
    def signatures(self) -> dict[str, Any]:
        """The endpoints of the server: dict of endpoint name to `SignatureDef`, requested once."""
        if self._signatures is None:
            signatures = self._transport.signatures()
            self._signatures = {name: one for name, one in signatures.items() if not name.startswith("__")}
        return self._signatures

    def call(self, endpoint: str, **arrays: Any) -> dict[str, np.ndarray]:
        """Calls an endpoint.

        Args:
          endpoint: its name, such as "sample", or "sample_xla" on a server that was started with XLA on.
          **arrays: its inputs by name, each `[batch, ...]`: anything that NumPy converts to an array.

        Returns:
          Dict of output name to NumPy array.

        Raises:
          InvalidInput: an unknown endpoint, wrong input names, values that the dtype cannot hold, no server at the
            address, no answer in time, or an error that the server reports about the request.
        """
        if endpoint not in self.signatures:
            raise unknown("endpoint", endpoint, self.signatures)
        signature = self.signatures[endpoint]
        for name in arrays:
            if name not in signature.inputs:
                raise unknown(f"input of {endpoint}", name, signature.inputs)
        for name in signature.inputs:
            if name not in arrays:
                raise InvalidInput(f"{endpoint}: {name} is missing; give an array with one row per answer")
        inputs = {name: _array(endpoint, name, value, signature.inputs[name].dtype) for name, value in arrays.items()}
        return self._transport.predict(endpoint, inputs, signature)


def _array(endpoint, name, value, dtype):
    """Returns `value` in the signature's dtype; raises `InvalidInput` if an integer dtype changes its values."""
    import tensorflow as tf

    wanted = tf.as_dtype(dtype).as_numpy_dtype
    try:
        array = np.asarray(value)
        fits = array.astype(wanted)
    except (TypeError, ValueError):
        raise InvalidInput(f"{endpoint}: {name} is not an array of numbers; give rows of equal shape") from None
    if np.issubdtype(wanted, np.integer) and not np.array_equal(fits, array):
        kind = np.dtype(wanted).name
        raise InvalidInput(f"{endpoint}: {name} holds a value that {kind} cannot represent; give {kind} values")
    return fits
