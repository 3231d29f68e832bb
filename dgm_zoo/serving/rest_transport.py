"""`serving.Client` over REST, with the column format of TensorFlow Serving's JSON."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from dgm_zoo.serving.client_errors import host_and_tls, overloaded, refusal, stranger, unreachable

OVERLOADED = (429, 502, 503, 504)


class RestTransport:
    """Sends requests for one model; see `serving.Client` for the arguments. `left` is the number of seconds to wait.

    Methods raise `TimeoutError` if there is no answer in time, and `Unavailable` if another try may succeed.
    """

    def __init__(self, address: str, model: str, version: int | None) -> None:
        self.address = address
        host, tls = host_and_tls(address)
        self.url = f"{'https' if tls else 'http'}://{host}/v1/models/{urllib.parse.quote(model, safe='')}"
        self.url += "" if version is None else f"/versions/{version}"

    def signatures(self, left: float) -> dict[str, Any]:
        """Returns the dict of signature name to `SignatureDef`."""
        reply = self._send(f"{self.url}/metadata", left)
        try:
            found = json_format.ParseDict(
                reply["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap(), ignore_unknown_fields=True
            )
        except (KeyError, TypeError, AttributeError, json_format.ParseError):
            raise stranger(self.address, "REST") from None
        return dict(found.signature_def)

    def predict(self, endpoint: str, inputs: dict[str, np.ndarray], signature: Any, left: float) -> Any:
        """Returns the reply's outputs: by name, as lists."""
        columns = {name: array.tolist() for name, array in inputs.items()}
        reply = self._send(f"{self.url}:predict", left, {"signature_name": endpoint, "inputs": columns})
        outputs = reply.get("outputs") if isinstance(reply, dict) else None
        if len(signature.outputs) == 1 and outputs is not None:  # the server sends a single output without its name
            return {next(iter(signature.outputs)): outputs}
        return outputs

    def _send(self, url, left, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=left) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            if error.code in OVERLOADED:
                raise overloaded(self.address, f"HTTP {error.code}") from None
            text = error.read().decode(errors="replace")
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                pass  # not a message of TensorFlow Serving: pass it on
            raise refusal(self.address, f"HTTP {error.code}", text) from None
        except (OSError, http.client.IncompleteRead) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise TimeoutError from None
            raise unreachable(self.address, "REST", reason) from None
        except (http.client.HTTPException, ValueError, RecursionError):  # another protocol, or not JSON
            raise stranger(self.address, "REST") from None
