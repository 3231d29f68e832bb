"""Trains on several workers of this machine, kills one, starts it again, and compares the runs.

    python tests/workers.py --workers=3 --kill=1

Three runs of one config: by one process; by the workers, undisturbed; and by the workers, of which one is killed with
SIGKILL after the first checkpoint. Each worker that ends with an error is started again, as Kubernetes and Slurm do.
Prints one JSON document: how the workers of each run ended, and whether the runs agree. Exits with 1 if the run with
the kill does not agree with the undisturbed one in every bit, or a model without noise with the one of one process.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS = 8
DATA = {"ae": {"binarize": None}, "vae": {"binarize": "stochastic"}}
RESTARTS = 6  # of one worker


def config_of(model):
    return {
        "model": {"name": model, "latent_dim": 2, "hidden": [16]},
        "data": {"name": "digits", "batch_size": 96, **DATA[model]},  # 13 steps per epoch
        "train": {"epochs": EPOCHS, "checkpoint_seconds": 0.0, "steps_per_execution": 4},
        "evaluate": {"num_samples": 10},
    }


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(config, workdir, count, kill=None, patience=600):
    """Trains with `count` workers in `workdir`; kills worker `kill` after the first checkpoint.

    Returns the exit codes of each worker in turn, the last lines that they wrote to stderr, and the seconds.
    """
    words = [sys.executable, "-m", "dgm_zoo.cli", "train", f"--config={config}", f"--workdir={workdir}"]
    if count > 1:
        words += ["--workers=" + ",".join(f"127.0.0.1:{port}" for port in free_ports(count))]
    environment = {key: value for key, value in os.environ.items() if key != "TF_CONFIG"}
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    files = [[] for _ in range(count)]

    def start(index):
        files[index].append(tempfile.TemporaryFile("w+"))
        own = [f"--index={index}"] if count > 1 else []
        return subprocess.Popen([*words, *own], env=environment, stdout=subprocess.DEVNULL, stderr=files[index][-1])

    began = time.monotonic()
    workers, codes = [start(index) for index in range(count)], [[] for _ in range(count)]
    try:
        while None in [worker and worker.poll() for worker in workers] or any(worker.returncode for worker in workers):
            if time.monotonic() - began > patience:
                raise SystemExit(f"the workers did not end in {patience} s: {codes}, {messages(files)}")
            if kill is not None and list(Path(workdir).glob("checkpoints/epoch_*")):
                workers[kill].send_signal(signal.SIGKILL)
                workers[kill].wait()
                kill = None
            for index, worker in enumerate(workers):
                if worker.poll():
                    codes[index].append(worker.returncode)
                    if len(codes[index]) > RESTARTS:
                        raise SystemExit(f"worker {index} ended {len(codes[index])} times: {codes}, {messages(files)}")
                    workers[index] = start(index)
            time.sleep(0.01)
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
    for index in range(count):
        codes[index].append(0)
    return {"codes": codes, "messages": messages(files), "seconds": round(time.monotonic() - began, 1)}


def messages(files):
    """What each worker wrote to stderr, each time that it was started."""
    found = []
    for several in files:
        texts = []
        for one in several:
            one.seek(0)
            texts.append(one.read().strip()[-600:])
        found.append(texts)
    return found


def weights(workdir):
    import keras

    import dgm_zoo.models  # noqa: F401 (registers them with Keras)
    from dgm_zoo.training.checkpoints import state

    model = keras.saving.load_model(Path(workdir) / "checkpoints" / f"epoch_{EPOCHS:06d}" / "model.keras")
    return [variable.numpy() for _, variable in state(model)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", type=int, default=1, help="the worker that is killed")
    parser.add_argument("--model", default="ae", choices=sorted(DATA))
    flags = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="workers_"))
    config = folder / "config.json"
    config.write_text(json.dumps(config_of(flags.model)))
    found = {
        "one": run(config, folder / "one", 1),
        "through": run(config, folder / "through", flags.workers),
        "killed": run(config, folder / "killed", flags.workers, flags.kill),
    }
    one, through, killed = (weights(folder / name) for name in found)
    pairs = zip(through, killed, strict=True)
    found["bits_differ"] = [i for i, (a, b) in enumerate(pairs) if a.tobytes() != b.tobytes()]
    found["logs_differ"] = (folder / "through/log.csv").read_bytes() != (folder / "killed/log.csv").read_bytes()
    found["farthest_from_one_process"] = max(float(abs(a - b).max()) for a, b in zip(one, through, strict=True))
    found["folder"] = str(folder)
    print(json.dumps(found))
    far = flags.model == "ae" and found["farthest_from_one_process"] > 1e-4
    return 1 if found["bits_differ"] or found["logs_differ"] or far else 0


if __name__ == "__main__":
    sys.exit(main())
