"""A client for a model in TensorFlow Serving: arrays in, arrays out, over gRPC or REST."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dgm_zoo.checks import real_array, whole_number
from dgm_zoo.errors import InvalidInput, check_known, unknown
from dgm_zoo.serving.client_errors import Unavailable, checked_answer, late, row_shape, seconds

FIRST_WAIT = 0.1  # seconds before the second try; each further one waits twice as long


class Client:
    """Calls the endpoints of one served model by name.

    A call is tried again, after 0.1, 0.2, 0.4, ... s, while the server cannot be reached or is overloaded. That is
    safe, since endpoints keep no state: a request has the same answer every time. One client may be used by several
    threads at once.

    Args:
      address: host and port: 8500 is the server's gRPC port, 8501 its REST port. With "https://" before it the
        connection is encrypted (TLS), for both protocols; the certificates that it trusts are the system's, or those of
        the file that the environment variable GRPC_DEFAULT_SSL_ROOTS_FILE_PATH (gRPC) or SSL_CERT_FILE (REST) names.
      model: the model's name on the server.
      protocol: "grpc" or "rest".
      version: version of the model; None for the latest version that is served.
      timeout: seconds to wait for an answer, all tries together.
      retries: number of further tries.

    Raises:
      InvalidInput: an unknown protocol, or an address, name, version, timeout or number of retries that cannot be one.

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
        retries: int = 3,
    ) -> None:
        check_known("protocol", protocol, ["grpc", "rest"])
        if protocol == "grpc":
            from dgm_zoo.serving.grpc_transport import GrpcTransport as Transport
        else:
            from dgm_zoo.serving.rest_transport import RestTransport as Transport
        if not isinstance(model, str) or not model or not model.isprintable():
            raise InvalidInput(f"model is {model!r}; give its name on the server, such as 'vae_mnist'")
        if version is not None:
            whole_number("version", version, 0, 2**63 - 1)
        self.address, self.timeout, self.retries = address, seconds(timeout), whole_number("retries", retries, least=0)
        self._transport = Transport(address, model, version)
        self._signatures = None

    @property
    def signatures(self) -> dict[str, Any]:
        """The endpoints of the server: dict of endpoint name to `SignatureDef`, requested once."""
        if self._signatures is None:
            signatures = self._tried(self._transport.signatures)
            self._signatures = {name: one for name, one in signatures.items() if not name.startswith("__")}
        return self._signatures

    def call(self, endpoint: str, **arrays: Any) -> dict[str, np.ndarray]:
        """Calls an endpoint.

        Args:
          endpoint: its name, such as "sample", or "sample_xla" on a server that was started with XLA on.
          **arrays: its inputs by name, each `[batch, ...]`: anything that NumPy converts to an array.

        Returns:
          Dict of output name to NumPy array. For inputs without rows they are made here, from the signature: a server
          that batches requests never answers such a one.

        Raises:
          InvalidInput: an unknown endpoint, wrong input names, values that the dtype cannot hold, no server at the
            address, no answer in time, an error that the server reports about the request, or a reply that does not
            fit the signature.
        """
        if not isinstance(endpoint, str) or endpoint not in self.signatures:
            raise unknown("endpoint", endpoint, self.signatures)
        signature = self.signatures[endpoint]
        for name in arrays:
            check_known(f"input of {endpoint}", name, signature.inputs)
        for name in signature.inputs:
            if name not in arrays:
                raise InvalidInput(f"{endpoint}: {name} is missing; give an array with one row per answer")
        inputs = {name: _array(endpoint, name, value, signature.inputs[name]) for name, value in arrays.items()}
        rows = max((len(value) if value.ndim else 1 for value in inputs.values()), default=0)
        outputs = (
            self._tried(lambda left: self._transport.predict(endpoint, inputs, signature, left))
            if rows else {name: [] for name in signature.outputs}
        )
        return checked_answer(self.address, endpoint, outputs, rows, signature)

    def _tried(self, send: Callable) -> Any:
        """Returns `send(seconds left)`, called again while the server is unavailable, tries and time are left."""
        deadline = time.monotonic() + self.timeout
        for attempt in range(self.retries + 1):
            try:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise late(self.address, self.timeout)
                return send(left)
            except Unavailable:
                wait = FIRST_WAIT * 2**attempt
                if attempt == self.retries or time.monotonic() + wait >= deadline:
                    raise
                time.sleep(wait)
            except TimeoutError:
                raise late(self.address, self.timeout) from None


def _array(endpoint, name, value, info):
    """Returns `value` in the signature's dtype; raises `InvalidInput` if it is not a number, or if an integer dtype
    changes it."""
    import tensorflow as tf

    wanted = tf.as_dtype(info.dtype).as_numpy_dtype
    array = real_array(f"{endpoint}: {name}", value, f"{np.dtype(wanted).name} values")
    with np.errstate(invalid="ignore", over="ignore"):
        fits = array.astype(wanted)
    if np.issubdtype(wanted, np.integer) and not np.array_equal(fits, array):
        kind = np.dtype(wanted).name
        raise InvalidInput(f"{endpoint}: {name} holds a value that {kind} cannot represent; give {kind} values")
    if fits.shape[1:] and not len(fits) and fits.shape[1:] != tuple(row_shape(info)):  # the server will not see it
        raise InvalidInput(f"{endpoint}: {name} has shape {list(fits.shape)}; give {[0, *row_shape(info)]}, or []")
    return fits
