"""Training steps and likelihood evaluation against the same networks and steps written by hand in PyTorch and JAX.

    python benchmarks/peers.py --out=benchmarks/results/peers.json
    python benchmarks/peers.py --rows=vae_128,dcgan --frameworks=jax --rounds=3

A row is a model with its batch size. dgm_zoo trains it through `fit`, with and without XLA (`peers_zoo.py`). The other
sides are `peers_losses.py`, losses on plain arrays, in the loops of `peers_torch.py` (`torch.compile`, fused Adam,
`channels_last`) and `peers_jax.py` (`jax.jit`, donated buffers, optax); each also tries a few variants, such as many
steps in one call, and uses what is fastest on the row. `peers_tensorflow.py` does the same in TensorFlow, to show what
the package's own framework allows; it is no peer to be beaten. They compute what the step needs, and none of the terms
that dgm_zoo logs. All run in float32 with as many threads as there are cores, each in its own process, which waits
while the others run. In each round each runs the same steps; a ratio is of two times of one round.

Before a row is timed, each side computes its losses on one batch from the same weights and the same noise, takes a
step, and computes them again. If a loss differs from dgm_zoo's by more than `TOLERANCE`, or what the step changed by
more than `OF_CHANGE` of the change, the benchmark stops. The floor of a step is the larger of two times: its products
and convolutions, as PyTorch's counter finds them in the step written by hand, at the rate of the product of 2048-square
matrices (the fastest of the sides in the round), and each weight with Adam's two moments, read and written once, at the
rate of a sum of large vectors. No step can be expected to reach it; the share says how much is left.
"""

import contextlib
import math
import os
import statistics
import sys

import common

IMAGE = (28, 28, 1)
VAE = {
    "system": "vae", "network": "dense", "hidden": [common.HIDDEN], "activation": "relu", "latent": common.LATENT_DIM,
    "learning_rate": common.LEARNING_RATE,
    "create": {"name": "vae", "image_shape": IMAGE, "latent_dim": common.LATENT_DIM, "hidden": [common.HIDDEN],
               "activation": "relu"},
}
IWAE = {"system": "iwae", "network": "dense", "hidden": [200, 200], "activation": "tanh", "latent": 50}
SVAE = {"system": "svae", "network": "dense", "hidden": [200, 200], "activation": "tanh", "latent": 50, "classes": 10}
DEEP = [300, 200, 100, 75, 50, 35, 30, 25, 20, 15, 10, 10]


def helmholtz(layers, steps):
    return {
        "system": "bihm", "batch": 100, "steps": steps, "k": 10, "sizes": [784, *layers], "learning_rate": 1e-3,
        "create": {"name": "bihm", "image_shape": IMAGE, "layers": layers, "k": 10},
    }


ROWS = {
    "vae_128": {**VAE, "batch": 128, "steps": 160},
    "vae_512": {**VAE, "batch": 512, "steps": 60},
    "iwae_50": {
        **IWAE, "batch": 100, "steps": 20, "k": 50, "learning_rate": 1e-3,
        "create": {"name": "iwae", "image_shape": IMAGE, "latent_dim": 50, "hidden": [200, 200], "k": 50},
    },
    "conv_vae": {
        "system": "vae", "network": "conv", "hidden": [32, 64], "side": 28, "latent": 32, "batch": 128, "steps": 24,
        "learning_rate": 1e-3, "create": {"name": "vae", "image_shape": IMAGE, "latent_dim": 32, "network": "conv"},
    },
    "dcgan": {
        "system": "gan", "hidden": [64, 128], "side": 28, "z": 100, "batch": 128, "steps": 8, "learning_rate": 2e-4,
        "beta_1": 0.5, "create": {"name": "gan", "image_shape": IMAGE, "latent_dim": 100, "hidden": [64, 128]},
    },
    "bihm_3": helmholtz([200, 200, 10], 80),
    "bihm_12": helmholtz(DEEP, 48),
    "svae": {
        **SVAE, "batch": 100, "steps": 80, "alpha": 0.1, "learning_rate": 1e-3,
        "create": {"name": "svae", "image_shape": IMAGE, "num_classes": 10, "latent_dim": 50, "hidden": [200, 200]},
    },
    "musegan": {
        "system": "musegan", "shape": [4, 16, 84, 5], "noise": 128, "z": 384, "batch": 16, "steps": 12,
        "learning_rate": 2e-3, "beta_1": 0.5, "beta_2": 0.9,
        "create": {"name": "musegan", "image_shape": (4, 16, 84, 5), "width": 128, "critic_width": 512,
                   "critic_steps": 1, "tracks": ["bass", "drums", "guitar", "lead", "strings"]},
    },
    "likelihood": {**VAE, "system": "likelihood", "samples": 1000, "images": 100, "batch": 10, "steps": 1},
}
PEERS = {"torch": "peers_torch.py", "jax": "peers_jax.py", "tensorflow": "peers_tensorflow.py"}
NAMES = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow by hand"}
LACKS = {"tensorflow": ("likelihood",)}
TOLERANCE = 2e-4  # of a loss
OF_CHANGE = 0.03  # of what a step changed: Adam divides gradients by their size, and so enlarges their rounding errors


def listed(text):
    return text.split(",")


def check(row, ours, theirs, name):
    """Raises `ValueError` unless the losses, the first half before and the second half after a step, agree."""
    half = max(1, len(ours) // 2)
    for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        changed = abs(one - ours[i - half]) if i >= half else 0.0
        allowed = TOLERANCE * max(1.0, abs(one)) + OF_CHANGE * changed
        if not abs(one - other) <= allowed:
            raise ValueError(f"{row}: the loss is {one} here and {other} in {name} (losses {ours} and {theirs})")


def measure(row, spec, zoo, peers, rounds):
    """The times of one row in seconds, by contender, and what is known of it."""
    folder = zoo.path(row)
    built = zoo.ask("build", spec=spec, folder=make(folder))
    facts = {"data": built["data"], "parameters": built["parameters"], "xla_by_default": zoo.ask("auto")["xla"]}
    ours = zoo.ask("losses")["losses"]
    facts["losses"] = {"dgm_zoo": ours}
    for name, peer in peers.items():
        theirs = peer.ask("build", spec=spec, folder=folder)
        if theirs["parameters"] != built["parameters"]:
            raise ValueError(f"{row}: {built['parameters']} parameters here, {theirs['parameters']} in {NAMES[name]}")
        facts["losses"][NAMES[name]] = peer.ask("losses")["losses"]
        check(row, ours, facts["losses"][NAMES[name]], NAMES[name])
        facts.setdefault("tuned", {})[NAMES[name]] = theirs["tuned"]
        facts["flop"] = theirs.get("flop", facts.get("flop"))
    contenders = {"dgm_zoo": lambda r: zoo.ask("train", xla=False)["seconds"]}
    if True in built["models"]:
        contenders["dgm_zoo, XLA"] = lambda r: zoo.ask("train", xla=True)["seconds"]
    for name, peer in peers.items():
        contenders[NAMES[name]] = lambda r, peer=peer: peer.ask("train", steps=spec["steps"])["seconds"]
    for run in contenders.values():
        run(0)
    sides = {"dgm_zoo": zoo, **peers}
    contenders["rates"] = lambda r: [side.ask("rates") for side in sides.values()]
    measured = common.interleaved(contenders, rounds)
    return measured, facts


def make(folder):
    """The folder, made."""
    os.makedirs(folder)
    return folder


def floors(rates, flop, parameters, steps):
    """The floor of each round, seconds of all steps, or None if there is nothing to compute it with."""
    found = []
    for of_sides in rates:
        sgemm = max(one["sgemm"] for one in of_sides)
        stream = max(one.get("stream", 0.0) for one in of_sides)
        if not (flop and stream):
            return None
        found.append(steps * max(flop / sgemm, 24 * parameters / stream))
    return found


def summary(spec, measured, facts):
    """The results of one row: contender to its spreads, and the contender that is ours by default."""
    steps = spec["steps"]
    floor = floors(measured.pop("rates"), facts["flop"], facts["parameters"] if spec.get("learning_rate") and
                   spec["system"] != "likelihood" else 0, steps)
    ours = [name for name in measured if name.startswith("dgm_zoo")]
    default = "dgm_zoo, XLA" if facts["xla_by_default"] and "dgm_zoo, XLA" in measured else "dgm_zoo"
    results = {}
    for name, seconds in measured.items():
        one = results[name] = {"seconds": seconds, "ms_per_step": common.spread([1e3 * s / steps for s in seconds])}
        if floor:
            one["share_of_floor"] = common.ratios(floor, seconds)
        if name not in ours:
            for mine in ours:
                results[mine][f"times_{name}"] = common.ratios(seconds, measured[mine])
    theirs = [name for name in measured if name not in ours and name != NAMES["tensorflow"]]
    best = min(theirs, key=lambda name: statistics.median(measured[name])) if theirs else None
    for mine in ours:
        if best:
            results[mine]["times_best_peer"] = common.ratios(measured[best], measured[mine])
    if len(ours) == 2:
        results["dgm_zoo, XLA"]["times_plain"] = common.ratios(*(measured[name] for name in ours))
    return results, default, best


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--rows", type=listed, default=list(ROWS), help=f"comma-separated, of {','.join(ROWS)}")
    parser.add_argument("--frameworks", type=listed, default=list(PEERS), help="some of torch,jax,tensorflow")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has torch, jax and optax")
    options = parser.parse_args()
    for name, known in ((options.rows, ROWS), (options.frameworks, PEERS)):
        if unknown := set(name) - set(known):
            parser.error(f"unknown {sorted(unknown)}; give some of {list(known)}")
    rounds = options.rounds or (2 if options.quick else 5)
    results, facts, medians = {}, {}, {}
    table = [["row", "", "ms per step", "share of floor", *(f"x {NAMES[name]}" for name in options.frameworks),
              "x the better peer (low .. high)"]]
    with contextlib.ExitStack() as stack:
        zoo = stack.enter_context(common.Worker(sys.executable, "peers_zoo.py"))
        peers = {
            name: stack.enter_context(common.Worker(options.python, PEERS[name])) for name in options.frameworks
        }
        machine = common.machine()
        for row in options.rows:
            spec = {**ROWS[row], "tune": not options.quick}
            if options.quick:
                spec["steps"] = min(4, spec["steps"])
                if row == "likelihood":
                    spec |= {"images": 10, "samples": 50}
            print(row, file=sys.stderr, flush=True)
            able = {name: peer for name, peer in peers.items() if spec["system"] not in LACKS.get(name, ())}
            measured, facts[row] = measure(row, spec, zoo, able, rounds)
            of_row, default, best = summary(spec, measured, facts[row])
            facts[row] |= {"default": default, "best_peer": best, "spec": spec}
            for name, one in of_row.items():
                results[f"{row}: {name}"] = one
                table.append([row, name + (" (default)" if name == default else ""), shown(one["ms_per_step"]),
                              shown(one.get("share_of_floor")),
                              *(shown(one.get(f"times_{NAMES[peer]}")) for peer in options.frameworks),
                              shown(one.get("times_best_peer"))])
            for name in ("dgm_zoo", "dgm_zoo, XLA", "by default"):
                one = of_row.get(default if name == "by default" else name, {})
                if "times_best_peer" in one:
                    medians.setdefault(name, []).append(one["times_best_peer"]["median"])
        versions = {"dgm_zoo": zoo.versions, **{name: peer.versions for name, peer in peers.items()}}
    over_rows = {name: common.spread(values) for name, values in medians.items()}
    for name, one in over_rows.items():
        print(f"median over rows, {name}, times the better peer: {shown(one)}")
    common.finish(
        {
            "benchmark": "peers", "quick": options.quick, "command": " ".join(["python", *sys.argv]), "rounds": rounds,
            "results": results, "rows": facts, "times_best_peer_over_rows": over_rows,
            "targets": [
                common.target(f"{row}, by default, times the better peer",
                              results[f"{row}: {facts[row]['default']}"]["times_best_peer"]["median"], 1.0)
                for row in options.rows if facts[row]["best_peer"]
            ],
            "machine": machine, "versions": versions,
        },
        table, options.out,
    )


def shown(one):
    """A spread, as text."""
    if one is None or math.isnan(one["median"]):
        return ""
    return f"{one['median']:.3g} ({one['low']:.3g} .. {one['high']:.3g})"


if __name__ == "__main__":
    main()
