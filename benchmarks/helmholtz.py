"""Training throughput of dgm_zoo's bidirectional Helmholtz machine against the same step in plain PyTorch.

    python benchmarks/helmholtz.py --out=benchmarks/results/helmholtz.json

Both train a machine with layers 200,200,10 on binary 28x28 images, with batches of 100, K = 10 and Adam at 1e-3, in
float32, from the same weights, each with as many threads as there are cores: dgm_zoo through `fit`, with the settings
of `dgm-zoo train`, with and without XLA; PyTorch in a loop without anything else, in a process of its own that waits
while the others run. In each round each trains on the same images once; a ratio is of two times of one round. At the
end the mean bound of each on these images is in the report, to show that they did the same work.
"""

import time

import common

BATCH_SIZE, K, LAYERS = 100, 10, [200, 200, 10]


class Trainer:
    """Our model with its optimizers and the other side's first weights; `epoch(e)` trains one epoch."""

    def __init__(self, x, weights, jit_compile):
        import keras
        import numpy as np

        from dgm_zoo.models import create
        from dgm_zoo.training.build import whole_executions
        from dgm_zoo.training.config import TRAIN

        self.x, self.steps = x, len(x) // BATCH_SIZE
        self.model = create("bihm", image_shape=x.shape[1:], layers=LAYERS, k=K, seed=common.SEED)
        values = np.load(weights)
        for name in ("generative", "inference"):
            getattr(self.model, name).set_weights([values[f"{name}_{i}"] for i in range(len(values.files))
                                                   if f"{name}_{i}" in values])
        self.model.compile(
            keras.optimizers.Adam(1e-3), jit_compile=jit_compile,
            steps_per_execution=whole_executions(TRAIN["steps_per_execution"], self.steps),
        )

    def epoch(self, e):
        """Seconds of one epoch."""
        from dgm_zoo import data

        stream = data.from_arrays(self.x, batch_size=BATCH_SIZE, seed=common.SEED, first_epoch=e, levels=2)
        start = time.perf_counter()
        self.model.fit(stream, steps_per_epoch=self.steps, initial_epoch=e, epochs=e + 1, verbose=0)
        return time.perf_counter() - start

    def bound(self):
        """Mean estimate of log p~*(x), nats."""
        from dgm_zoo import data

        rows = data.from_arrays(self.x, split="test", batch_size=BATCH_SIZE, levels=2)
        return float(self.model.evaluate(rows, return_dict=True, verbose=0)["bound"])


def main():
    options = common.arguments(__doc__).parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    common.import_tensorflow()
    import numpy as np

    x, _, name_of_data = common.images((4 if options.quick else 100) * BATCH_SIZE, 100)
    with common.Worker(options.pythae_python, "helmholtz_worker.py") as torch:
        images, weights = torch.path("train.npy"), torch.path("weights.npz")
        np.save(images, x.reshape(len(x), -1).astype("float32"))
        sizes = [int(np.prod(x.shape[1:])), *LAYERS]
        theirs = torch.ask("build", sizes=sizes, k=K, weights=weights)["parameters"]
        ours = {"dgm_zoo": Trainer(x, weights, False), "dgm_zoo, XLA": Trainer(x, weights, True)}

        def torch_epoch(_):
            return torch.ask("train", data=images, batch_size=BATCH_SIZE)["seconds"]

        for trainer in ours.values():
            trainer.epoch(0)
        torch_epoch(0)
        machine = common.machine()
        measured = common.interleaved({
            "dgm_zoo": lambda r: ours["dgm_zoo"].epoch(1 + r),
            "PyTorch": torch_epoch,
            "dgm_zoo, XLA": lambda r: ours["dgm_zoo, XLA"].epoch(1 + r),
        }, rounds)
        bounds = {name: trainer.bound() for name, trainer in ours.items()}
        bounds["PyTorch"] = torch.ask("bound", data=images)["bound"]

    parameters = ours["dgm_zoo"].model.count_params()
    if parameters != theirs:
        raise ValueError(f"the two sides differ: {parameters} parameters here, {theirs} there")
    results, rows = {}, [["", "steps/s", "ms per step", "x PyTorch (low .. high)", "bound, nats"]]
    for name, seconds in measured.items():
        ratio = common.ratios(measured["PyTorch"], seconds)
        rate = common.spread([len(x) // BATCH_SIZE / s for s in seconds])
        results[name] = {
            "seconds_per_epoch": seconds, "steps_per_second": rate, "times_torch": ratio, "bound": bounds[name],
        }
        rows.append([
            name, f"{rate['median']:,.1f}", f"{1e3 / rate['median']:.1f}",
            f"{ratio['median']:.2f} ({ratio['low']:.2f} .. {ratio['high']:.2f})", f"{bounds[name]:.2f}",
        ])
    times_plain = common.ratios(measured["dgm_zoo"], measured["dgm_zoo, XLA"])
    best = max(results[name]["times_torch"]["median"] for name in ours)
    common.finish(
        {
            "benchmark": "helmholtz", "quick": options.quick, "data": name_of_data, "rows": len(x), "rounds": rounds,
            "batch_size": BATCH_SIZE, "k": K, "layers": LAYERS, "parameters": parameters, "results": results,
            "xla_times_plain": times_plain,
            "targets": [
                common.target("dgm_zoo, times PyTorch", best, 1.2),
                common.target("XLA, times plain", times_plain["median"], 1.0),
            ],
            "machine": machine, "versions": {**common.versions(), "torch": torch.versions},
        },
        rows, options.out,
    )


if __name__ == "__main__":
    main()
