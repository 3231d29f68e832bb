"""List, verify, fetch and publish presets.

`list` shows each preset with its model, data set, size and folder. `verify` compares every file with the SHA-256 in
metadata.json, loads the preset with Keras and TensorFlow, and compares their answers at each endpoint; without NAME it
verifies all. `pull` copies a preset from a hub into OUT, `push` publishes one; both need huggingface_hub and a network
(HF_HUB_OFFLINE=1 pulls from the cache only), and push a login. `seal` writes a preset's card and sums anew.
"""

import math
import os

from absl import flags as absl_flags

from dgm_zoo.cli.parsing import Call, check_flags
from dgm_zoo.cli.quiet import import_tensorflow
from dgm_zoo.errors import InvalidInput, check_known

ARGUMENTS = math.inf
USAGE = "(list | verify [NAME...] | pull hf://OWNER/NAME | push NAME hf://OWNER/NAME | seal NAME...) [flags]"
EXAMPLES = (
    "dgm-zoo presets list", "dgm-zoo presets verify vae_digits", "dgm-zoo presets pull hf://me/vae_mnist",
    "dgm-zoo presets push vae_mnist hf://me/vae_mnist",
)
LEAST = {"list": 0, "verify": 0, "pull": 1, "push": 2, "seal": 1}
MOST = {"list": 0, "verify": math.inf, "pull": 1, "push": 2, "seal": math.inf}


def define(flags: absl_flags.FlagValues) -> None:
    absl_flags.DEFINE_string("out", "saved_models", "folder that pull writes to, created if missing", flag_values=flags)


def run(call: Call) -> dict:
    if not call.arguments:
        raise InvalidInput(f"presets needs one of {', '.join(LEAST)}; for example {EXAMPLES[0]}")
    action, *names = call.arguments
    check_known("presets command", action, LEAST)
    check_flags(call, f"presets {action}", {**dict.fromkeys(LEAST, ()), "pull": ("out",)})
    if not LEAST[action] <= len(names) <= MOST[action]:
        raise InvalidInput(f"presets {action} does not take {len(names)} arguments; see dgm-zoo presets --help")
    from dgm_zoo import serving
    from dgm_zoo.serving import sharing

    if action == "list":
        return {"presets": [_facts(name) for name in serving.list_presets()]}
    if action == "pull":
        return {"pulled": sharing.pull(names[0], call.flags.out)}
    if action == "push":
        return {"pushed": sharing.push(*names)}
    if action == "seal":
        return {"sealed": [sharing.seal(name) for name in names]}
    import_tensorflow()
    return {"verified": [sharing.verify(name) for name in names or serving.list_presets()]}


def _facts(name):
    from dgm_zoo import serving

    folder, metadata = serving.preset_dir(name), serving.read_metadata(name)
    size = sum(os.path.getsize(os.path.join(place, file)) for place, _, files in os.walk(folder) for file in files)
    return {
        "name": name, "version": metadata["version"], "model": metadata["model"],
        "dataset": (metadata["dataset"] or {}).get("name"), "bytes": size, "folder": folder,
    }


def show(result: dict) -> str:
    if "presets" in result:
        return "\n".join(_line(**it) for it in result["presets"])
    if "verified" in result:
        return "\n".join(
            f"{it['name']}, version {it['version']}: correct ({it['files']} files; {', '.join(it['endpoints'])})"
            for it in result["verified"]
        )
    (did, what), = result.items()
    return "\n".join(f"{did} {one}" for one in ([what] if isinstance(what, str) else what))


def _line(name, version, model, dataset, bytes, folder):
    return f"{name:<24} {model or '-':<12} {dataset or '-':<22} version {version} {bytes / 2**20:>5.1f} MB  {folder}"
