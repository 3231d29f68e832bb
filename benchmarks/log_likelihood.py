"""Importance-sampled log-likelihood: dgm_zoo against pythae's `get_nll` and against the matrix products alone.

    python benchmarks/log_likelihood.py --out=benchmarks/results/log_likelihood.json

pythae trains its default network (784-512-2x50-512-784) for two epochs; its weights are copied into a dgm_zoo model,
so that both estimate the same log p(x), with K = 1,000 samples of the same q(z|x). In each round each estimates it
for the same test images, dgm_zoo with another seed in every round; a ratio is of two times of one round. pythae runs
in a process of its own, without gradients (which `get_nll` would record), with the fastest of a few batch sizes.

The floor is what the decoder's two products for every sample take at the rate of a 2048-square float32 product,
measured in the same rounds; the same products at their own shapes, 4,000 rows at a time, are timed beside it.
"""

import statistics
import time

import common

SAMPLES = 1000
ROWS = 4000
PYTHAE_BATCH_SIZES = (100, 200, 500, 1000)  # divisors of K: get_nll draws whole batches only


def decoder_products(rows):
    """A function that returns the time in seconds of the decoder's products for `rows` samples."""
    products = [common.Sgemm(rows, common.LATENT_DIM, common.HIDDEN), common.Sgemm(rows, common.HIDDEN, 784)]
    return lambda: sum(product.seconds() for product in products)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--images", type=int, help="test images per round (default 400; 10 with --quick)")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    images = options.images or (10 if options.quick else 400)
    common.import_tensorflow()
    import numpy as np

    train, test, name_of_data = common.images(6400 if options.quick else 50_048, images)
    x = test.astype("float32")
    with common.Worker(options.pythae_python, "pythae_worker.py") as pythae:
        epochs = 1 if options.quick else 2
        common.train_pythae(pythae, train, epochs)
        for _ in range(epochs):
            pythae.ask("epoch")
        pythae.ask("save", path=pythae.path("weights.npz"))
        model = common.pythae_model()
        common.copy_pythae_weights(pythae.path("weights.npz"), model)

        def theirs(rows, batch_size):
            np.save(pythae.path("test.npy"), x[:rows].reshape(-1, 1, 28, 28))
            return pythae.ask("nll", data=pythae.path("test.npy"), samples=SAMPLES, batch_size=batch_size)

        def ours(seed):
            start = time.perf_counter()
            values = model.log_likelihood(x, num_samples=SAMPLES, seed=seed)
            return {"seconds": time.perf_counter() - start, "log_likelihood": float(values.mean())}

        few = max(5, images // 20)
        tried = {size: min(theirs(few, size)["seconds"] for _ in range(2)) for size in PYTHAE_BATCH_SIZES}
        batch_size = min(tried, key=tried.get)
        ours(0)
        square, products = common.Sgemm(2048, 2048, 2048), decoder_products(ROWS)
        machine = common.machine()
        measured = common.interleaved({
            "dgm_zoo": lambda r: ours(1 + r),
            "pythae": lambda r: theirs(images, batch_size),
            "sgemm": lambda r: square.rate(),
            "decoder": lambda r: products(),
        }, rounds)

    samples = images * SAMPLES
    flop = samples * 2 * common.DECODER_PRODUCTS
    seconds = {
        **{name: [one["seconds"] for one in measured[name]] for name in ("dgm_zoo", "pythae")},
        "floor": [flop / rate for rate in measured["sgemm"]],
        "decoder's products": [s * samples / ROWS for s in measured["decoder"]],
    }
    means = {name: [one["log_likelihood"] for one in measured[name]] for name in ("dgm_zoo", "pythae")}
    gap = statistics.mean(means["dgm_zoo"]) - statistics.mean(means["pythae"])
    error = (sum(statistics.variance(values) for values in means.values()) / rounds) ** 0.5

    results, rows = {}, [["", "ms per image", "x floor (low .. high)", "mean log-likelihood, nats"]]
    for name, times in seconds.items():
        over = common.ratios(times, seconds["floor"])
        results[name] = {"seconds": times, "ms_per_image": common.spread([1e3 * s / images for s in times]),
                         "times_floor": over}
        if name in means:
            results[name]["log_likelihood"] = means[name]
        rows.append([
            name, f"{results[name]['ms_per_image']['median']:.2f}",
            f"{over['median']:.2f} ({over['low']:.2f} .. {over['high']:.2f})",
            f"{statistics.mean(means[name]):.3f}" if name in means else "",
        ])
    faster = common.ratios(seconds["pythae"], seconds["dgm_zoo"])
    rows.append(["dgm_zoo - pythae", "", "", f"{gap:+.3f} +- {error:.3f}"])
    print(f"dgm_zoo over pythae in speed: {faster['median']:.2f} ({faster['low']:.2f} .. {faster['high']:.2f})")
    common.finish(
        {
            "benchmark": "log_likelihood", "quick": options.quick, "data": name_of_data, "images": images,
            "samples": SAMPLES, "rounds": rounds, "pythae_batch_size": batch_size, "pythae_batch_sizes_tried": tried,
            "results": results, "times_pythae": faster, "gap": gap, "gap_standard_error": error,
            "sgemm_flop_per_second": measured["sgemm"], "flop": flop,
            "targets": [
                common.target("dgm_zoo, times as fast as pythae", faster["median"], 2.5),
                common.target("dgm_zoo, times the floor", results["dgm_zoo"]["times_floor"]["median"], 2.0, False),
                common.target("gap of the means in standard errors", abs(gap) / error, 3.0, False),
            ],
            "machine": machine, "versions": {**common.versions(), "pythae": pythae.versions},
        },
        rows, options.out,
    )


if __name__ == "__main__":
    main()
