"""The errors of a client, each one sentence."""

from typing import Any

from dgm_zoo.errors import InvalidInput


def refusal(address: str, code: str, message: Any) -> InvalidInput:
    """Returns the `InvalidInput` for a server's error: its first sentence, without the text that the graph adds."""
    text = next((line.strip() for line in str(message).splitlines() if "assertion failed: [" in line), None)
    if text:
        text = text.partition("assertion failed: [")[2].removesuffix("]")
    else:
        text = str(message).strip().partition("\n")[0]
    return InvalidInput(f"the server at {address} answered {code}: {text}")


def unreachable(address: str, protocol: str, reason: Any) -> InvalidInput:
    """Returns the `InvalidInput` for an address without a server."""
    return InvalidInput(f"no {protocol} server answers at {address} ({reason}); start it or give its address")


def late(address: str, timeout: float) -> InvalidInput:
    """Returns the `InvalidInput` for a call that timed out."""
    return InvalidInput(f"no answer from {address} within {timeout:g} s; raise timeout or send fewer rows")
