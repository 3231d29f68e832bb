"""Training throughput of dgm_zoo's MuseGAN against the same networks in plain PyTorch, interleaved in one run.

    python benchmarks/musegan.py --out=benchmarks/results/musegan.json

Both train the hybrid model of `configs/musegan_bands.py` in float32 on the same phrases of `freedoom_bands`, each with
as many threads as there are cores: dgm_zoo through `fit`, with the settings of `dgm-zoo train`, its phrases streamed
from packed bars, with and without XLA; PyTorch in a loop without anything else, from an array, in a process of its own
that waits while the others run. A step is the config's number of critic steps with the gradient penalty, on one batch
with fresh noise, then one step of the generator; ours also measures the energy distance between batch and samples. In
each round each trains on the same number of phrases; a ratio is of two times of one round.
"""

import pathlib
import resource
import time

import common

CONFIG = pathlib.Path(__file__).parents[1] / "configs" / "musegan_bands.py"


class Trainer:
    """Our model with its optimizers; `epoch(e)` trains one epoch and returns its seconds."""

    def __init__(self, config, jit_compile, steps):
        import keras

        from dgm_zoo.training.build import build

        keras.utils.set_random_seed(common.SEED)
        self.config, self.steps, self.model = config, steps, build(config)
        adam = keras.optimizers.Adam(config.train.optimizer.learning_rate, beta_1=0.5, beta_2=0.9)
        self.model.compile(adam, jit_compile=jit_compile, steps_per_execution=steps)

    def epoch(self, e):
        from dgm_zoo.training.build import dataset

        stream = dataset(self.config, self.model, "train", first_epoch=e)
        start = time.perf_counter()
        self.model.fit(stream, steps_per_epoch=self.steps, initial_epoch=e, epochs=e + 1, verbose=0)
        return time.perf_counter() - start


def main():
    options = common.arguments(__doc__).parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    common.import_tensorflow()
    import numpy as np

    from dgm_zoo import training
    from dgm_zoo.data import load

    steps = 2 if options.quick else 40
    config = training.load_config(CONFIG)
    given, batch = config.data.to_dict(), config.data.batch_size
    x = next(iter(load(given.pop("name"), "train", **{**given, "batch_size": steps * batch}))).numpy()
    shape = list(x.shape[1:])
    with common.Worker(options.pythae_python, "musegan_worker.py") as torch:
        np.save(torch.path("train.npy"), x.astype(np.uint8))
        ours = {"dgm_zoo": Trainer(config, False, steps), "dgm_zoo, XLA": Trainer(config, True, steps)}
        model = ours["dgm_zoo"].model
        theirs = torch.ask(
            "build", shape=shape, width=config.model.width, critic_width=config.model.critic_width,
            noise=model.noise_dim, critic_steps=model.critic_steps,
        )["parameters"]

        def torch_epoch(_):
            return torch.ask("train", data=torch.path("train.npy"), batch_size=batch)["seconds"]

        for trainer in ours.values():
            trainer.epoch(0)
        torch_epoch(0)
        machine, before = common.machine(), memory()
        measured = common.interleaved({
            "dgm_zoo": lambda r: ours["dgm_zoo"].epoch(1 + r),
            "PyTorch": torch_epoch,
            "dgm_zoo, XLA": lambda r: ours["dgm_zoo, XLA"].epoch(1 + r),
        }, rounds)

    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    if parameters != theirs:
        raise ValueError(f"the two sides differ: {parameters} parameters here, {theirs} there")
    results, rows = {}, [["", "examples/s", "ms per step", "x PyTorch (low .. high)"]]
    for name, seconds in measured.items():
        ratio = common.ratios(measured["PyTorch"], seconds)
        rate = common.spread([len(x) / s for s in seconds])
        results[name] = {"seconds_per_epoch": seconds, "examples_per_second": rate, "times_torch": ratio}
        rows.append([
            name, f"{rate['median']:,.0f}", f"{1e3 * batch / rate['median']:.1f}",
            f"{ratio['median']:.2f} ({ratio['low']:.2f} .. {ratio['high']:.2f})",
        ])
    best = max(results[name]["times_torch"]["median"] for name in ours)
    common.finish(
        {
            "benchmark": "musegan", "quick": options.quick, "data": "freedoom_bands", "rows": len(x), "rounds": rounds,
            "batch_size": batch, "shape": shape, "width": config.model.width,
            "critic_width": config.model.critic_width, "critic_steps": model.critic_steps,
            "parameters": parameters, "results": results,
            "peak_memory_mb": {"after the first epochs": before, "at the end": memory()},
            "targets": [common.target("the faster of dgm_zoo's two, times PyTorch", best, 1.0)],
            "machine": machine, "versions": {**common.versions(), "torch": torch.versions},
        },
        rows, options.out,
    )


def memory():
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
