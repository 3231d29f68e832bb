"""Entry point of `dgm-zoo`: finds the command, runs it, and turns errors into one sentence and an exit code."""

import contextlib
import importlib
import json
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from dgm_zoo.cli import parsing, quiet
from dgm_zoo.errors import InvalidInput, LostWorker, NonFiniteLoss, unknown

COMMANDS = (
    "list", "describe", "compare", "draw", "train", "sweep", "compare-runs", "evaluate", "sample", "accompany",
    "reconstruct", "interpolate",
    "export", "presets", "reproduce", "data", "transfer", "directions",
    "play",
)
HELP = ("--help", "-h", "-help", "help")
BAD_INPUT, NOT_FINITE, TRY_AGAIN, INTERRUPTED, HUNG_UP = 2, 3, 75, 130, 141


def console() -> NoReturn:
    """The process `dgm-zoo`: runs `main` and ends with its code.

    After Ctrl-C the process ends without the interpreter's shutdown. That would free objects that threads of TensorFlow
    and tf.data still use, since training was left in the middle of a step, and the process could die by SIGABRT. One of
    several workers ends so too, since TensorFlow's shutdown would wait for workers that have ended.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed, and the next file that is opened would take its number
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="replace")  # a terminal whose encoding lacks "±" or "θ" shows "?"
    vars(warnings)["showwarning"] = _warn
    sys.path.append(os.getcwd())  # for modules of a user's own, see `training.imports`; `python -m` begins with it
    code = main()
    if code in (INTERRUPTED, TRY_AGAIN) or "TF_CONFIG" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code.

    Args:
      argv: the words after `dgm-zoo`; `sys.argv[1:]` if None.

    Returns:
      0, or 2 for an error that the user can correct (one sentence on stderr), 3 for a loss that became NaN or
      infinite, 75 if another worker of the run ended, 130 for Ctrl-C, 141 if the reader of stdout has gone. Any other
      exception is a bug in the package and is not caught.

    Example:
      >>> main(["sample", "--preset=vae_mnist", "--n=64", "--out=samples.png"])
      0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = None
    try:
        if not words or words[0] in HELP:
            _print(overview())
            return 0
        if words[0].startswith("-"):
            raise unknown("flag before the command", words[0], ["--help"])
        if words[0] not in COMMANDS:
            raise unknown("command", words[0], COMMANDS)
        command = importlib.import_module(f"dgm_zoo.cli.commands.{words[0]}")
        call = parsing.parse(words[0], command, words[1:])
        if call.flags.help:
            _print(parsing.usage(words[0], command, call.flags))
            return 0
        if call.flags.imports:
            quiet.import_tensorflow()
            from dgm_zoo.training.imports import import_modules

            import_modules(call.flags.imports)
        with contextlib.redirect_stdout(sys.stderr) if call.flags.json else contextlib.nullcontext():
            result = command.run(call)
        _print(json.dumps(result, indent=2) if call.flags.json else command.show(result))
        return 0
    except NonFiniteLoss as error:
        return _fail(str(error), NOT_FINITE)
    except LostWorker as error:
        return _fail(str(error), TRY_AGAIN)
    except InvalidInput as error:
        return _fail(str(error), BAD_INPUT)
    except BrokenPipeError:  # as of `dgm-zoo list | head -1`
        _discard(sys.stdout)
        return HUNG_UP
    except OSError as error:
        reason = f"'{error.filename}': {error.strerror}" if error.filename else str(error)
        return _fail(f"{reason}; check the path", BAD_INPUT)
    except KeyboardInterrupt:
        advice = getattr(command, "INTERRUPTED", "run the same command to start again")
        return _fail(f"interrupted; {advice}", INTERRUPTED)


def overview() -> str:
    """Returns the text of `dgm-zoo --help`."""
    modules = {name: importlib.import_module(f"dgm_zoo.cli.commands.{name}") for name in COMMANDS}
    lines = [f"  {name:<12} {module.__doc__.splitlines()[0]}" for name, module in modules.items()]
    return "\n".join([
        "usage: dgm-zoo COMMAND [arguments] [flags]",
        "",
        "Deep generative models: train, inspect and serve them.",
        "",
        "commands:",
        *lines,
        "",
        "Every command takes --json (one JSON document on stdout, progress on stderr), --help, and --imports=A,B:",
        "modules of your own with models, data sets or measures; a config has them as its `imports`.",
        "",
        "example:",
        "  dgm-zoo train --config=vae_digits --workdir=runs/vae_digits",
        "  dgm-zoo sample --workdir=runs/vae_digits --n=64 --out=samples.png",
    ])


def _print(text):
    """Prints a result; raises `InvalidInput` if stdout cannot take it, as on a full disk."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise InvalidInput(f"stdout cannot be written ({error.strerror}); send it somewhere else") from None


def _discard(stream):
    """Sends what `stream` still holds nowhere, since the interpreter would fail to write it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _warn(message, *place, **options):
    """Shows a warning as the commands show errors, in one line, without a place in the code."""
    print(f"dgm-zoo: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _fail(sentence, code):
    print(f"dgm-zoo: {' '.join(sentence.split())}", file=sys.stderr)
    return code
