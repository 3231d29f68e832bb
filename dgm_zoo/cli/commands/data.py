"""List the data sets, or prepare one.

`prepare` downloads a set once and converts it for reading. `bars`, `digits`, `emoji`, `freedoom_bands` and
`gaussian_mixtures` need no network; some others, such as `uci_binary`, and `pianoroll`, a folder of your own MIDI
files, are read from files that you supply. The folder of the sets is TFDS_DATA_DIR, by default
~/tensorflow_datasets.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput, unknown

ARGUMENTS = 2
USAGE = "(list | prepare NAME) [flags]"
EXAMPLES = (
    "dgm-zoo data list", "dgm-zoo data prepare digits",
    "dgm-zoo data prepare uci_binary/adult --manual_dir=folder_of_adult.npz",
    "dgm-zoo data prepare pianoroll --manual_dir=folder_of_midi_files",
)


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("manual_dir", None, "folder of the file that a set is read from", flag_values=flags)


def run(call: Call) -> dict:
    from dgm_zoo import data

    if not call.arguments:
        raise InvalidInput("data needs 'list' or 'prepare NAME'; for example dgm-zoo data list")
    action, *names = call.arguments
    if action not in ("list", "prepare"):
        raise unknown("data command", action, ["list", "prepare"])
    if action == "prepare":
        if not names:
            raise InvalidInput("data prepare needs the NAME of a data set; for example dgm-zoo data prepare digits")
        import_tensorflow()
        return {"name": names[0], "folder": data.prepare(names[0], manual_dir=call.flags.manual_dir)}
    if names:
        raise InvalidInput(f"data list takes no argument '{names[0]}'; leave it out")
    return {"datasets": [_facts(data.info(name)) for name in data.list_datasets()]}


def _facts(info):
    import dataclasses

    return {**dataclasses.asdict(info), "image_shape": list(info.image_shape)}


def show(result: dict) -> str:
    if "folder" in result:
        return f"{result['name']} is prepared in {result['folder']}"
    return "\n".join(_line(**it) for it in result["datasets"])


def _line(name, image_shape, splits, num_classes, prepared, **_):
    counts = "  ".join(f"{split} {count:>6,}" for split, count in splits.items())
    labels = "no labels" if num_classes is None else f"{num_classes} labels"
    state = "prepared" if prepared else "not prepared"
    return f"{name:<24} {'x'.join(map(str, image_shape)):<8} {counts}  {labels:<12} {state}"
