"""pythae in a process of its own, so that its threads and TensorFlow's never share one.

One JSON request per line on stdin, one JSON answer per line on stdout. Needs NumPy, PyTorch and pythae, and nothing
of dgm_zoo: `common.Worker` starts it with the interpreter that has them.

    {"do": "hello", "threads": 2}                       -> {"python": ..., "pythae": ..., "torch": ...}
    {"do": "train", "data": "x.npy", "epochs": 6, ...}  -> {"parameters": ...}, and then for each epoch, after it has
                                                           written its initial weights to "initial"
      {"do": "epoch"}                                   -> {"seconds": ..., "loss": ...}
    {"do": "save", "path": "weights.npz"}               -> {"saved": [names]}
    {"do": "nll", "data": "x.npy", "samples": 1000, "batch_size": 500} -> {"seconds": ..., "log_likelihood": ...}
"""

import importlib.metadata
import json
import os
import platform
import sys
import time

import numpy as np
import torch
from pythae.models import VAE, VAEConfig
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback


class OneEpochPerRequest(TrainingCallback):
    """Holds pythae's trainer before each epoch until it is asked for, and answers with the time that it took.

    Until then it saves the model's weights as often as it is asked to.
    """

    def __init__(self, channel, model):
        self.channel, self.model = channel, model

    def on_epoch_begin(self, training_config, **kwargs):
        request = self.channel.read()
        while request["do"] == "save":
            self.channel.write(save(self.model, request["path"]))
            request = self.channel.read()
        if request != {"do": "epoch"}:
            raise ValueError(f"expected the request for an epoch, got {request}")
        self.start = time.perf_counter()

    def on_epoch_end(self, training_config, **kwargs):
        self.seconds = time.perf_counter() - self.start

    def on_log(self, training_config, logs, **kwargs):
        self.channel.write({"seconds": self.seconds, "loss": float(logs["train_epoch_loss"])})


class Channel:
    """Requests from stdin and answers to the stdout that the process began with; everything else goes to stderr."""

    def __init__(self):
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def read(self):
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        return json.loads(line)

    def write(self, answer):
        print(json.dumps(answer), file=self.answers, flush=True)


def hello(threads):
    torch.set_num_threads(threads)
    return {
        "python": platform.python_version(),
        "pythae": importlib.metadata.version("pythae"),
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
    }


def train(channel, data, initial, epochs, batch_size, learning_rate, latent_dim, seed, output_dir):
    """Runs pythae's own pipeline, one epoch per request, and returns the trained model."""
    torch.manual_seed(seed)
    x = np.load(data).astype(np.float32)
    model = VAE(VAEConfig(input_dim=x.shape[1:], latent_dim=latent_dim, reconstruction_loss="bce"))
    config = BaseTrainerConfig(
        output_dir=output_dir, num_epochs=epochs, per_device_train_batch_size=batch_size,
        learning_rate=learning_rate, optimizer_cls="Adam", seed=seed, no_cuda=True,
    )
    save(model, initial)
    channel.write({"parameters": sum(p.numel() for p in model.parameters())})
    TrainingPipeline(training_config=config, model=model)(x, callbacks=[OneEpochPerRequest(channel, model)])
    return model


def save(model, path):
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    np.savez(path, **weights)
    return {"saved": sorted(weights)}


def nll(model, data, samples, batch_size):
    """pythae's `get_nll`, which returns the mean log-likelihood; without gradients, which it would else record."""
    x = torch.from_numpy(np.load(data).astype(np.float32))
    model.eval()
    start = time.perf_counter()
    with torch.no_grad():
        value = model.get_nll(x, n_samples=samples, batch_size=batch_size)
    return {"seconds": time.perf_counter() - start, "log_likelihood": float(value)}


def main():
    channel, model = Channel(), None
    while True:
        request = channel.read()
        do = request.pop("do")
        if do == "hello":
            channel.write(hello(**request))
        elif do == "train":
            model = train(channel, **request)
        elif do == "save":
            channel.write(save(model, **request))
        elif do == "nll":
            channel.write(nll(model, **request))
        else:
            raise ValueError(f"unknown request {do!r}")


if __name__ == "__main__":
    main()
