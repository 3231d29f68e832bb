"""Training throughput of dgm_zoo's GAN against the same DCGAN in plain PyTorch, interleaved in one run.

    python benchmarks/dcgan.py --out=benchmarks/results/dcgan.json

Both train a DCGAN for 28x28 images (100 latents, 64 and 128 channels, 1,024 units, batch normalisation) with batches
of 128 and Adam at 2e-4, in float32, each with as many threads as there are cores: dgm_zoo through `fit`, with the
settings of `dgm-zoo train`, with and without XLA; PyTorch in a loop without anything else, in a process of its own that
waits while the others run. A step is one of the discriminator, on the batch and on as many samples, and one of the
generator on fresh samples. In each round each trains on the same images once; a ratio is of two times of one round.
"""

import time

import common

LATENT_DIM, FILTERS, SIDE = 100, [64, 128], 28


class Trainer:
    """Our model with its optimizers; `epoch(e)` trains one epoch and returns its seconds."""

    def __init__(self, x, jit_compile):
        import keras

        from dgm_zoo.models import create
        from dgm_zoo.training.config import TRAIN

        keras.utils.set_random_seed(common.SEED)
        self.x, self.steps = x, len(x) // common.BATCH_SIZE
        self.model = create("gan", image_shape=(SIDE, SIDE, 1), latent_dim=LATENT_DIM, hidden=FILTERS, seed=common.SEED)
        self.model.compile(
            keras.optimizers.Adam(2e-4, beta_1=0.5), jit_compile=jit_compile,
            steps_per_execution=min(TRAIN["steps_per_execution"], self.steps),
        )

    def epoch(self, e):
        from dgm_zoo import data

        stream = data.from_arrays(self.x, batch_size=common.BATCH_SIZE, seed=common.SEED, first_epoch=e)
        start = time.perf_counter()
        self.model.fit(stream, steps_per_epoch=self.steps, initial_epoch=e, epochs=e + 1, verbose=0)
        return time.perf_counter() - start


def main():
    options = common.arguments(__doc__).parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    common.import_tensorflow()
    import numpy as np

    train, _, name_of_data = common.images((4 if options.quick else 64) * common.BATCH_SIZE, 100)
    x = train.astype("float32")
    with common.Worker(options.pythae_python, "dcgan_worker.py") as torch:
        np.save(torch.path("train.npy"), x.transpose(0, 3, 1, 2))
        theirs = torch.ask("build", latent=LATENT_DIM, filters=FILTERS, side=SIDE)["parameters"]
        ours = {"dgm_zoo": Trainer(x, False), "dgm_zoo, XLA": Trainer(x, True)}

        def torch_epoch(_):
            return torch.ask("train", data=torch.path("train.npy"), batch_size=common.BATCH_SIZE)["seconds"]

        for trainer in ours.values():
            trainer.epoch(0)
        torch_epoch(0)
        machine = common.machine()
        measured = common.interleaved({
            "dgm_zoo": lambda r: ours["dgm_zoo"].epoch(1 + r),
            "PyTorch": torch_epoch,
            "dgm_zoo, XLA": lambda r: ours["dgm_zoo, XLA"].epoch(1 + r),
        }, rounds)

    model = ours["dgm_zoo"].model
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    if parameters != theirs:
        raise ValueError(f"the two sides differ: {parameters} parameters here, {theirs} there")
    results, rows = {}, [["", "examples/s", "ms per step", "x PyTorch (low .. high)"]]
    for name, seconds in measured.items():
        ratio = common.ratios(measured["PyTorch"], seconds)
        rate = common.spread([len(x) / s for s in seconds])
        results[name] = {"seconds_per_epoch": seconds, "examples_per_second": rate, "times_torch": ratio}
        rows.append([
            name, f"{rate['median']:,.0f}", f"{1e3 * common.BATCH_SIZE / rate['median']:.1f}",
            f"{ratio['median']:.2f} ({ratio['low']:.2f} .. {ratio['high']:.2f})",
        ])
    common.finish(
        {
            "benchmark": "dcgan", "quick": options.quick, "data": name_of_data, "rows": len(x), "rounds": rounds,
            "batch_size": common.BATCH_SIZE, "parameters": parameters, "results": results,
            "targets": [
                common.target(f"{name}, times PyTorch", results[name]["times_torch"]["median"], 1.0) for name in ours
            ],
            "machine": machine, "versions": {**common.versions(), "torch": torch.versions},
        },
        rows, options.out,
    )


if __name__ == "__main__":
    main()
