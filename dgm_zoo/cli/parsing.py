"""Command line parsing: absl flags of one command at a time, config overrides, usage."""

import inspect
from types import ModuleType
from typing import NamedTuple

from absl import flags as absl_flags

from dgm_zoo.errors import InvalidInput, unknown

OVERRIDE = "--config."
# as the usage shows absl's types
KINDS = {"string": "TEXT", "comma separated list of strings": "A,B", "multi string": "TEXT"}


class Call(NamedTuple):
    """One parsed command line.

    Attributes:
      flags: the command's `absl.flags.FlagValues`, parsed.
      arguments: the words that are not flags, such as the NAME of `reproduce NAME`.
      overrides: `"model.latent_dim=16"` for each `--config.model.latent_dim=16`, in order.
    """

    flags: absl_flags.FlagValues
    arguments: list
    overrides: list


def check_flags(call: Call, action: str, takes: dict[str, tuple[str, ...]]) -> None:
    """Raises `InvalidInput` if a flag is given that another action of the command takes, and this one does not.

    Args:
      call: the parsed line.
      action: command and action, such as "data list".
      takes: action, its last word, to the names of its flags.
    """
    for flag in sorted({flag for flags in takes.values() for flag in flags} - {*takes[action.split()[-1]]}):
        if call.flags[flag].present:
            others = " and ".join(sorted(one for one, flags in takes.items() if flag in flags))
            raise InvalidInput(f"{action} takes no --{flag}, which is of {others}; leave it out")


def parse(name: str, command: ModuleType, words: list[str]) -> Call:
    """Returns the `Call` of `command` (a module of `commands/`) for the words after its name.

    Raises:
      InvalidInput: a flag is unknown (the message names the nearest one), its value is missing or of another type, or
        there are too many arguments.
    """
    flags = absl_flags.FlagValues()
    flags.set_gnu_getopt(True)  # flags may follow arguments
    command.define(flags)
    absl_flags.DEFINE_bool("json", False, "one JSON document on stdout, progress on stderr", flag_values=flags)
    absl_flags.DEFINE_list("imports", [], "modules of your own to import first: a,b.c", flag_values=flags)
    absl_flags.DEFINE_bool("help", False, "print this and exit", short_name="h", flag_values=flags)
    overrides = []
    if "config" in flags:
        words, overrides = split_overrides(words)
    try:
        arguments = flags(["dgm-zoo", *words])[1:]
    except absl_flags.UnrecognizedFlagError as error:
        known = [f"--{flag}" for flag in flags if flag != flags[flag].short_name]
        raise unknown(f"flag of {name}", f"--{error.flagname}", known) from None
    except absl_flags.Error as error:
        raise InvalidInput(f"{str(error).rstrip('.')}; see dgm-zoo {name} --help") from None
    if len(arguments) > command.ARGUMENTS:
        raise InvalidInput(f"{name} takes no argument '{arguments[command.ARGUMENTS]}'; see dgm-zoo {name} --help")
    return Call(flags, arguments, overrides)


def split_overrides(words: list[str]) -> tuple[list[str], list[str]]:
    """Returns the words without config overrides (`--config.key=value` or two words), and these as "key=value".

    Example:
      >>> split_overrides(["--config=c.py", "--config.train.epochs=2", "--config.train.seed", "1"])
      (['--config=c.py'], ['train.epochs=2', 'train.seed=1'])
    """
    rest, overrides, words = [], [], iter(words)
    for word in words:
        if not word.startswith(OVERRIDE):
            rest.append(word)
            continue
        key, equals, value = word.removeprefix(OVERRIDE).partition("=")
        if not equals:
            value = next(words, None)
        if not key or value is None or (not equals and value.startswith("--")):
            raise InvalidInput(f"flag {word} has no value; write {OVERRIDE}{key or 'SECTION.KEY'}=VALUE")
        overrides.append(f"{key}={value}")
    return rest, overrides


def usage(name: str, command: ModuleType, flags: absl_flags.FlagValues) -> str:
    """Returns the text of `dgm-zoo NAME --help`."""
    entries = {}
    for key in flags:
        if key != flags[key].short_name:
            kind = "" if flags[key].boolean else f"={KINDS.get(flags[key].flag_type(), flags[key].flag_type().upper())}"
            default = flags[key].default
            shown = "" if default in (None, False, []) else f" (default: {default})"
            entries[f"--{key}{kind}"] = f"{flags[key].help}{shown}"
    width = max(map(len, entries))
    return "\n".join([
        f"usage: dgm-zoo {name} {command.USAGE}",
        "",
        inspect.cleandoc(command.__doc__),
        "",
        "flags:",
        *(f"  {key:<{width}}  {text}" for key, text in sorted(entries.items())),
        "",
        "example:",
        *(f"  {line}" for line in command.EXAMPLES),
    ])


def only(call: Call, name: str, example: str) -> str:
    """Returns a command's required argument; raises `InvalidInput` with an example if it is missing."""
    if not call.arguments:
        raise InvalidInput(f"{name} is missing; for example {example}")
    return call.arguments[0]
