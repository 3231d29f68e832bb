"""Kills a run with SIGKILL at random moments, resumes it each time, and compares it with one that nobody disturbed.

    python tests/kill_and_resume.py --seed=0

Prints one JSON document: where the run was killed, and whether weights, optimizer, history, log and results agree
in every bit. Exits with 1 if they do not. The random moments depend on the seed and on the machine's speed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = {
    "model": {"name": "vae", "latent_dim": 4, "hidden": [64, 32]},
    "data": {"name": "digits", "batch_size": 64, "binarize": "stochastic"},  # 20 steps per epoch
    "train": {"epochs": 20, "decay": "cosine", "checkpoint_seconds": 0.0},  # a checkpoint after every epoch
    "evaluate": {"num_samples": 20},
}
CHILD = """
import sys
from dgm_zoo import training
training.train(training.load_config(sys.argv[1]), sys.argv[2], verbose=0)
"""


def start(config, workdir):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([sys.executable, "-c", CHILD, config, workdir], env=environment)


def run_through(config, workdir):
    """Runs to the end; returns the seconds between the first and the last checkpoint."""
    child = start(config, workdir)
    first = wait_for(child, workdir, epoch=1)
    if child.wait():
        raise SystemExit(f"the run in {workdir} failed with code {child.returncode}")
    return (Path(workdir) / "log.csv").stat().st_mtime - first


def kill_after(child, workdir, epoch, delay):
    """Kills `child` `delay` seconds after the checkpoint of `epoch`; returns what it left behind."""
    wait_for(child, workdir, epoch)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    if child.wait() != -signal.SIGKILL:
        raise SystemExit(f"the run in {workdir} ended with code {child.returncode} before it was killed")
    return sorted(path.name for path in (Path(workdir) / "checkpoints").iterdir())


def wait_for(child, workdir, epoch):
    while not any(int(p.name[6:]) >= epoch for p in (Path(workdir) / "checkpoints").glob("epoch_*")):
        if child.poll() is not None:
            raise SystemExit(f"the run in {workdir} ended with code {child.returncode} before epoch {epoch}")
        time.sleep(0.001)
    return time.time()


def differences(one, two):
    """Names of what is not the same in every bit in two finished workdirs."""
    import keras
    import numpy as np

    import dgm_zoo.models  # noqa: F401 (registers them with Keras)

    last = f"checkpoints/epoch_{CONFIG['train']['epochs']:06d}"
    found = []
    for name in ("log.csv", f"{last}/history.json"):
        if (one / name).read_bytes() != (two / name).read_bytes():
            found.append(name)
    results = [json.loads((place / "results.json").read_text())["metrics"] for place in (one, two)]
    if results[0] != results[1]:
        found.append("metrics of results.json")
    models = [keras.saving.load_model(place / last / "model.keras") for place in (one, two)]
    best = [keras.saving.load_model(place / last / "best.keras") for place in (one, two)]
    pairs = {
        "weights": [model.get_weights() for model in models],
        "best weights": [model.get_weights() for model in best],
        **{
            f"optimizer of {player}": [[v.numpy() for v in model.optimizers[player].variables] for model in models]
            for player in models[0].optimizers
        },
    }
    for name, (a, b) in pairs.items():
        if len(a) != len(b) or any(x.tobytes() != y.tobytes() for x, y in zip(a, b, strict=True)):
            found.append(name)
    steps = int(np.asarray(models[0].step))
    return found, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--folder", help="of the two runs; a temporary one if not given")
    flags = parser.parse_args()
    folder = Path(flags.folder or tempfile.mkdtemp(prefix="kill_and_resume_"))
    folder.mkdir(parents=True, exist_ok=True)
    config, epochs = folder / "config.json", CONFIG["train"]["epochs"]
    config.write_text(json.dumps(CONFIG))

    seconds = run_through(config, folder / "through") / (epochs - 1)
    rng, kills = random.Random(flags.seed), []
    for epoch in sorted(rng.sample(range(1, epochs - 1), flags.kills)):
        delay = rng.random() * seconds
        kills.append(kill_after(start(config, folder / "killed"), folder / "killed", epoch, delay))
    run_through(config, folder / "killed")
    found, steps = differences(folder / "through", folder / "killed")
    print(json.dumps({"steps": steps, "left_by_each_kill": kills, "differences": found}))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
