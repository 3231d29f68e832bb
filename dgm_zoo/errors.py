"""Errors that a user can mend: one sentence that names the value and the fix."""

import difflib


class InvalidInput(ValueError):
    """Something that the caller gave does not fit; the message is one sentence with the fix.

    The command line prints the message alone and exits with code 2. Anything else that is raised is a
    fault of the package and keeps its traceback.
    """


class NonFiniteLoss(FloatingPointError):
    """A term of the objective became NaN or infinite; the message names the step and the term."""


def unknown(kind, name, options):
    """Returns the `InvalidInput` for a name that is not among `options`, with the nearest one.

    Args:
      kind: what is being named, for the sentence ("model", "data set", "config key").
      name: the name that was given.
      options: iterable of the names that exist.

    Example:
      >>> raise unknown("model", "vea", ["vae", "iwae"])
      InvalidInput: unknown model 'vea'; did you mean 'vae'? (known: iwae, vae)
    """
    options = sorted(str(o) for o in options)
    near = difflib.get_close_matches(str(name), options, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return InvalidInput(f"unknown {kind} '{name}'{hint} (known: {', '.join(options) or 'none'})")
