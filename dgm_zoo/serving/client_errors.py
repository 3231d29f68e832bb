"""What a client can be told, each in one sentence."""

from dgm_zoo.errors import InvalidInput


def refusal(address, code, message):
    """The `InvalidInput` for a server's error: its first sentence, free of the graph's own words around it."""
    text = next((line.strip() for line in str(message).splitlines() if "assertion failed: [" in line), None)
    if text:
        text = text.partition("assertion failed: [")[2].removesuffix("]")
    else:
        text = str(message).strip().partition("\n")[0]
    return InvalidInput(f"the server at {address} answered {code}: {text}")


def unreachable(address, protocol, reason):
    """The `InvalidInput` for an address where nobody answers."""
    return InvalidInput(f"no {protocol} server answers at {address} ({reason}); start it or give its address")


def late(address, timeout):
    """The `InvalidInput` for a call that took too long."""
    return InvalidInput(f"no answer from {address} within {timeout:g} s; raise timeout or send fewer rows")
