"""`serving.Client` over REST, with the column format of TensorFlow Serving's JSON."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.client_errors import late, refusal, unreachable


class RestTransport:
    """Sends requests for one model; see `serving.Client` for the arguments."""

    def __init__(self, address: str, model: str, version: int | None, timeout: float) -> None:
        self.address, self.timeout = address, timeout
        base = address.rstrip("/") if "://" in address else f"http://{address}"
        self.url = f"{base}/v1/models/{model}" + ("" if version is None else f"/versions/{version}")

    def signatures(self) -> dict[str, Any]:
        """Returns the dict of signature name to `SignatureDef`."""
        reply = self._send(f"{self.url}/metadata")
        try:
            found = json_format.ParseDict(
                reply["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap(), ignore_unknown_fields=True
            )
        except (KeyError, TypeError, json_format.ParseError):
            raise self._stranger() from None
        return dict(found.signature_def)

    def predict(self, endpoint: str, inputs: dict[str, np.ndarray], signature: Any) -> dict[str, np.ndarray]:
        """Returns the outputs by name as NumPy arrays."""
        columns = {name: array.tolist() for name, array in inputs.items()}
        outputs = self._send(f"{self.url}:predict", {"signature_name": endpoint, "inputs": columns})["outputs"]
        if len(signature.outputs) == 1:  # the server sends a single output without its name
            outputs = {next(iter(signature.outputs)): outputs}
        dtypes = {name: tf.as_dtype(one.dtype).as_numpy_dtype for name, one in signature.outputs.items()}
        return {name: np.asarray(value, dtypes[name]) for name, value in outputs.items()}

    def _send(self, url, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                pass  # not a message of TensorFlow Serving: pass it on unchanged
            raise refusal(self.address, f"HTTP {error.code}", text) from None
        except TimeoutError:
            raise late(self.address, self.timeout) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise late(self.address, self.timeout) from None
            raise unreachable(self.address, "REST", reason) from None
        except ValueError:
            raise self._stranger() from None

    def _stranger(self):
        return InvalidInput(f"{self.address} is not a REST port of TensorFlow Serving; give that port, by default 8501")
