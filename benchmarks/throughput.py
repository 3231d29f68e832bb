"""Training throughput of dgm_zoo's VAE against pythae's, interleaved in one run.

    python benchmarks/throughput.py --out=benchmarks/results/throughput.json

Both train the network 784-512-2x50-512-784 (ReLU, Bernoulli likelihood) on the same images with batches of 128 and
Adam at 1e-3, each with as many threads as there are cores: dgm_zoo in float32 and in mixed_bfloat16 through `fit`,
with the settings of `dgm-zoo train`; pythae in float32 through its `TrainingPipeline`, in a process of its own that
waits while the others run. In each round each trains one epoch; a ratio is of two epochs of one round. All start from
the weights that pythae drew. After each epoch, its time taken, the ELBO on the test images is estimated by dgm_zoo's
`evaluate` in float32 (pythae's weights are copied into a dgm_zoo model). It goes up and down by tenths of a nat from
epoch to epoch, so the three are compared by their means over the later half of the rounds.
"""

import statistics
import time

import common


def settings():
    """What `dgm-zoo train` compiles with unless it is told otherwise."""
    from dgm_zoo.training.config import TRAIN

    return {key: TRAIN[key] for key in ("jit_compile", "steps_per_execution")}


class Trainer:
    """One of our models with its optimizer; `epoch(e)` trains one epoch and returns its seconds."""

    def __init__(self, x, precision, initial):
        import keras

        class Clock(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.start = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                self.seconds = time.perf_counter() - self.start

        self.x, self.steps, self.clock = x, len(x) // common.BATCH_SIZE, Clock()
        self.model = common.create_model(precision)
        common.copy_pythae_weights(initial, self.model)
        self.model.compile(keras.optimizers.Adam(common.LEARNING_RATE), **settings())

    def epoch(self, e):
        from dgm_zoo import data

        stream = data.from_arrays(self.x, batch_size=common.BATCH_SIZE, levels=2, seed=common.SEED, first_epoch=e)
        self.model.fit(stream, steps_per_epoch=self.steps, initial_epoch=e, epochs=e + 1, verbose=0,
                       callbacks=[self.clock])
        return self.clock.seconds


class Judge:
    """Measures models by dgm_zoo's `evaluate` in float32: the mean ELBO over the images `x`, one z for each."""

    def __init__(self, x):
        self.x, self.mine, self.pythaes = x.astype("float32"), common.create_model(), common.pythae_model()
        self.elbo = {}
        for model in (self.mine, self.pythaes):
            model.compile()

    def note(self, name, model):
        found = model.evaluate(self.x, batch_size=500, verbose=0, return_dict=True)["elbo"]
        self.elbo.setdefault(name, []).append(float(found))

    def after(self, name, trainer):
        """An epoch of one of ours, then its ELBO; returns the function of the round that gives the epoch's seconds."""

        def epoch(r):
            seconds = trainer.epoch(1 + r)
            self.mine.set_weights(trainer.model.get_weights())
            self.note(name, self.mine)
            return seconds

        return epoch

    def after_pythae(self, pythae):
        """The same of pythae."""

        def epoch(r):
            seconds = pythae.ask("epoch")["seconds"]
            pythae.ask("save", path=pythae.path("weights.npz"))
            common.copy_pythae_weights(pythae.path("weights.npz"), self.pythaes)
            self.note("pythae float32", self.pythaes)
            return seconds

        return epoch


def training_flop():
    """FLOP of the matrix products behind one example: forward, gradient by weights, gradient by activations."""
    products = common.ENCODER_PRODUCTS + common.DECODER_PRODUCTS
    return 2 * (3 * products - 784 * common.HIDDEN)  # nothing asks for the gradient by the pixels


def main():
    options = common.arguments(__doc__).parse_args()
    rounds = options.rounds or (2 if options.quick else 15)
    common.import_tensorflow()
    # A whole number of executions, so that an epoch has the same steps on both sides.
    block = common.BATCH_SIZE * settings()["steps_per_execution"]
    train, test, name_of_data = common.images((2 if options.quick else 13) * block, 1000 if options.quick else 10_000)
    epochs = 1 + rounds  # the first warms up
    with common.Worker(options.pythae_python, "pythae_worker.py") as pythae:
        parameters = common.train_pythae(pythae, train, epochs)["parameters"]
        initial = pythae.path("initial.npz")
        ours = {f"dgm_zoo {p}": Trainer(train, p, initial) for p in ("float32", "mixed_bfloat16")}
        sgemm = common.Sgemm(2048, 2048, 2048)
        for trainer in ours.values():
            trainer.epoch(0)
        pythae.ask("epoch")
        machine = common.machine()
        judge = Judge(test)
        measured = common.interleaved({
            "dgm_zoo float32": judge.after("dgm_zoo float32", ours["dgm_zoo float32"]),
            "pythae float32": judge.after_pythae(pythae),
            "dgm_zoo mixed_bfloat16": judge.after("dgm_zoo mixed_bfloat16", ours["dgm_zoo mixed_bfloat16"]),
            "sgemm": lambda r: sgemm.rate(),
        }, rounds)
    later = rounds // 2
    elbo = {name: statistics.mean(values[later:]) for name, values in judge.elbo.items()}

    rates = measured.pop("sgemm")
    last = f"test ELBO, epochs {later + 2} to {epochs}"
    results, rows = {}, [["", "examples/s", "x pythae (low .. high)", "share of sgemm", last]]
    for name, seconds in measured.items():
        per_second = [len(train) / s for s in seconds]
        ratio = common.ratios(measured["pythae float32"], seconds)
        share = common.ratios([n * training_flop() for n in per_second], rates)
        results[name] = {
            "seconds_per_epoch": seconds, "examples_per_second": common.spread(per_second), "times_pythae": ratio,
            "share_of_sgemm": share, "test_elbo": judge.elbo[name], "mean_later_test_elbo": elbo[name],
        }
        rows.append([
            name, f"{results[name]['examples_per_second']['median']:,.0f}",
            f"{ratio['median']:.2f} ({ratio['low']:.2f} .. {ratio['high']:.2f})", f"{share['median']:.0%}",
            f"{elbo[name]:.2f}",
        ])
    rows.append([f"sgemm 2048 {common.spread(rates)['median'] / 1e9:.0f} GFLOP/s", "", "", "", ""])

    targets = []
    for name, limit in {"dgm_zoo float32": 1.3, "dgm_zoo mixed_bfloat16": 1.7}.items():
        targets.append(common.target(f"{name}, times pythae", results[name]["times_pythae"]["median"], limit))
        targets.append(common.target(f"{name}, test ELBO minus pythae's", elbo[name] - elbo["pythae float32"], -0.3))
    common.finish(
        {
            "benchmark": "throughput", "quick": options.quick, "data": name_of_data, "rows": len(train),
            "test_rows": len(test), "rounds": rounds, "epochs": epochs, "batch_size": common.BATCH_SIZE,
            "learning_rate": common.LEARNING_RATE, "parameters": parameters, "settings": settings(),
            "results": results, "sgemm_flop_per_second": rates, "training_flop_per_example": training_flop(),
            "targets": targets, "machine": machine, "versions": {**common.versions(), "pythae": pythae.versions},
        },
        rows, options.out,
    )


if __name__ == "__main__":
    main()
