"""List the data sets, prepare one, or describe one.

`describe` reads a data set, one of the zoo or files of your own, and prints what it found: shape, splits, classes,
values, memory, problems. Your own are `folder:PATH` (JPEG and PNG, a subfolder for each class), `npz:PATH`, `npy:PATH`,
`csv:PATH`, `tfrecord:PATH` and `tfds:NAME`; a config names them by data.name and data.path.

`prepare` downloads a set once and converts it for reading. `bars`, `digits`, `emoji`, `freedoom_bands`,
`gaussian_mixtures` and `patterns` need no network; some others, such as `uci_binary`, and `pianoroll`, a folder of your
own MIDI files, are read from files that you supply. The folder of the sets is TFDS_DATA_DIR, by default
~/tensorflow_datasets.
"""

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call, check_flags
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput, unknown

ACTIONS = {"list": (), "prepare": ("manual_dir",), "describe": ("path", "image_size")}  # and the flags of each
ARGUMENTS = 2
SHOWN = 40  # classes that are printed
USAGE = "(list | prepare NAME | describe NAME) [flags]"
EXAMPLES = (
    "dgm-zoo data list", "dgm-zoo data prepare digits",
    "dgm-zoo data prepare uci_binary/adult --manual_dir=folder_of_adult.npz",
    "dgm-zoo data prepare pianoroll --manual_dir=folder_of_midi_files",
    "dgm-zoo data describe folder:cats --image_size=32,32",
)


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("manual_dir", None, "folder of the file that a set is read from", flag_values=flags)
    absl_flags.DEFINE_string("path", None, "for describe: path of your own data", flag_values=flags)
    absl_flags.DEFINE_list("image_size", None, "for describe: height,width to read images at", flag_values=flags)


def run(call: Call) -> dict:
    from dgm_zoo import data

    if not call.arguments:
        raise InvalidInput("data needs 'list', 'prepare NAME' or 'describe NAME'; for example dgm-zoo data list")
    action, *names = call.arguments
    if action not in ACTIONS:
        raise unknown("data command", action, list(ACTIONS))
    check_flags(call, f"data {action}", ACTIONS)
    if action != "list":
        if not names:
            raise InvalidInput(f"data {action} needs the NAME of a data set; for example dgm-zoo data {action} digits")
        import_tensorflow()
    if action == "describe":
        return data.describe(names[0], _size(call.flags.image_size), path=call.flags.path)
    if action == "prepare":
        return {"name": names[0], "folder": data.prepare(names[0], manual_dir=call.flags.manual_dir)}
    if names:
        raise InvalidInput(f"data list takes no argument '{names[0]}'; leave it out")
    return {"datasets": [_facts(data.info(name)) for name in data.list_datasets()]}


def _size(given):
    """Returns the values of --image_size as numbers; those that are none are left for `describe` to refuse."""
    return given and tuple(int(side) if side.strip().isdecimal() else side for side in given)


def _facts(info):
    import dataclasses

    return {**dataclasses.asdict(info), "image_shape": list(info.image_shape)}


def show(result: dict) -> str:
    if "folder" in result:
        return f"{result['name']} is prepared in {result['folder']}"
    if "datasets" in result:
        return "\n".join(_line(**it) for it in result["datasets"])
    return "\n".join(_described(**result))


def _described(name, shape, levels, splits, classes, unlabelled, range, megabytes, in_memory, problems, **_):
    """Yields the lines of `data.describe`."""
    kind = "real values" if levels is None else "bits" if levels == 2 else f"{levels} levels"
    yield f"{name}: {'x'.join(map(str, shape))}, {kind}, stored values from {range[0]:g} to {range[1]:g}"
    yield "splits: " + ", ".join(f"{split} {rows:,}" for split, rows in splits.items())
    read = "" if all(in_memory.values()) else "; it does not fit and is read from its files in each epoch"
    yield f"memory for the largest split: {megabytes:,.1f} MB{read}"
    rows = {**(classes or {}), **({"(no label)": unlabelled} if unlabelled and any(unlabelled.values()) else {})}
    yield "classes: none" if classes is None else f"classes: {len(classes)}, rows in {', '.join(splits)}"
    width = max(map(len, rows), default=0)
    for one, counts in list(rows.items())[:SHOWN]:
        yield f"  {one:<{width}} " + "".join(f"{count:>8,}" for count in counts.values())
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more; --json has all"
    yield from [f"problem: {one}" for one in problems] or ["problems: none"]


def _line(name, image_shape, splits, num_classes, prepared, **_):
    counts = "  ".join(f"{split} {count:>6,}" for split, count in splits.items())
    labels = "no labels" if num_classes is None else f"{num_classes} labels"
    state = "prepared" if prepared else "not prepared"
    return f"{name:<24} {'x'.join(map(str, image_shape)):<8} {counts}  {labels:<12} {state}"
