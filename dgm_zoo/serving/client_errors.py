"""The errors of a client, each one sentence, and the address that it takes."""

import urllib.parse
from typing import Any

import numpy as np

from dgm_zoo.checks import is_number, shown
from dgm_zoo.errors import InvalidInput

LONGEST = 300  # characters of a server's text in a message
LONGEST_HOST = 253  # characters, by the rules of the domain name system


class Unavailable(InvalidInput):
    """The server cannot be reached or is overloaded: another try may succeed."""


def host_and_tls(address: Any) -> tuple[str, bool]:
    """Returns the host, with port and path if given, and whether to encrypt; raises `InvalidInput` for no address.

    Example:
      >>> host_and_tls("https://models.example.org:8500")
      ('models.example.org:8500', True)
    """
    text = address if isinstance(address, str) else ""
    try:
        parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isprintable()
        fits = fits and len(parts.hostname) <= LONGEST_HOST
    except ValueError:  # a port that is not a number up to 65535
        fits = False
    if not fits or " " in text or "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidInput(f"address {address!r} is not HOST:PORT; give that, or https://HOST:PORT for TLS")
    return parts.netloc + parts.path.rstrip("/"), parts.scheme == "https"


def seconds(timeout: Any) -> float:
    """Returns `timeout` as a float; raises `InvalidInput` unless it is a finite positive number."""
    if not is_number(timeout) or timeout <= 0:
        raise InvalidInput(f"timeout is {shown(timeout)}; give a positive number of seconds")
    return float(timeout)


def refusal(address: str, code: str, message: Any) -> InvalidInput:
    """Returns the `InvalidInput` for a server's error: its first sentence, without the text that the graph adds."""
    text = next((line.strip() for line in str(message).splitlines() if "assertion failed: [" in line), None)
    if text:
        text = text.partition("assertion failed: [")[2].removesuffix("]")
    else:
        text = str(message).strip().partition("\n")[0]
    return InvalidInput(f"the server at {address} answered {code}: {_readable(text)}")


def unreachable(address: str, protocol: str, reason: Any) -> Unavailable:
    """Returns the error for an address without a server."""
    return Unavailable(f"no {protocol} server answers at {address} ({_readable(reason)}); start it or give its address")


def overloaded(address: str, code: str) -> Unavailable:
    """Returns the error for a server that refuses for now."""
    return Unavailable(f"the server at {address} is overloaded ({code}); call again later, or with fewer clients")


def late(address: str, timeout: float) -> InvalidInput:
    """Returns the `InvalidInput` for a call that timed out."""
    return InvalidInput(f"no answer from {address} within {timeout:g} s; raise timeout or send fewer rows")


def stranger(address: str, protocol: str) -> InvalidInput:
    """Returns the `InvalidInput` for a server of another kind."""
    port = {"REST": 8501, "gRPC": 8500}[protocol]
    return InvalidInput(
        f"{address} is not a {protocol} port of TensorFlow Serving; give that port, by default {port}"
    )


def row_shape(info: Any) -> list[int]:
    """Returns the shape of one row by a signature's `TensorInfo`; -1 is any size."""
    return [dim.size for dim in info.tensor_shape.dim][1:]


def checked_answer(address: str, endpoint: str, outputs: Any, rows: int, signature: Any) -> dict[str, np.ndarray]:
    """Returns a reply's outputs as arrays of the signature's dtypes.

    Raises:
      InvalidInput: the reply is not a dict of arrays, lacks an output, or an output has other rows or another shape.
    """
    import tensorflow as tf

    found = {}
    for name, one in signature.outputs.items():
        shape = [rows, *row_shape(one)]
        if not isinstance(outputs, dict) or name not in outputs:
            raise _odd(address, endpoint, f"no output '{name}'")
        try:
            value = np.asarray(outputs[name])
            if value.dtype.kind not in "biuf":
                raise ValueError
        except (TypeError, ValueError):
            raise _odd(address, endpoint, f"an output '{name}' that is not an array of numbers") from None
        if value.size == 0 and rows == 0:
            value = value.reshape([0, *(max(size, 0) for size in shape[1:])])
        if value.ndim != len(shape) or any(a != b for a, b in zip(value.shape, shape, strict=True) if b >= 0):
            raise _odd(address, endpoint, f"an output '{name}' of shape {list(value.shape)}, not {shape}")
        found[name] = value.astype(tf.as_dtype(one.dtype).as_numpy_dtype)
    return found


def _odd(address, endpoint, what):
    return InvalidInput(f"the server at {address} answered {endpoint} with {what}; check its model and version")


def _readable(text: Any) -> str:
    """Returns text on one line, without unprintable characters, at most `LONGEST` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
