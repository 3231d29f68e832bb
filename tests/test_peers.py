"""The steps by hand that the benchmark against PyTorch and JAX times: the same losses as ours, without either.

`peers_losses` is written on arrays and a few operations, so NumPy computes it too, with TensorFlow's convolutions.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def peers(monkeypatch):
    """The modules of the benchmark, importable as they are from their folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import peers
    import peers_losses
    import peers_zoo

    return peers, peers_losses, peers_zoo


class Ops:
    """The operations of `peers_losses` in NumPy; `gradient` by TensorFlow is left out."""

    tanh, exp, log, sqrt, maximum, where = np.tanh, np.exp, np.log, np.sqrt, np.maximum, np.where
    relu = staticmethod(lambda x: np.maximum(x, 0.0))
    sigmoid = staticmethod(lambda x: 1.0 / (1.0 + np.exp(-x)))
    rsqrt = staticmethod(lambda x: 1.0 / np.sqrt(x))
    softplus = staticmethod(lambda x: np.logaddexp(0.0, x))
    halves = staticmethod(lambda x: np.split(x, 2, -1))
    logsumexp = staticmethod(lambda x: np.logaddexp.reduce(x, 0))
    softmax = staticmethod(lambda x: np.exp(x - np.logaddexp.reduce(x, 0)))
    log_softmax = staticmethod(lambda x: x - np.logaddexp.reduce(x, -1)[..., None])
    one_hot = staticmethod(lambda x, n: np.eye(n, dtype=np.float32)[x])
    constant = staticmethod(lambda x: x.astype(np.float32))
    held = staticmethod(lambda x: x)
    joined = staticmethod(lambda parts: np.concatenate(parts, -1))
    repeated = staticmethod(lambda x, n: np.repeat(x, n, 1))
    padded = staticmethod(lambda x, before, after: np.pad(x, ((0, 0), (before, after), (0, 0))))

    @staticmethod
    def conv(x, kernel, strides, padding):
        around = [[0, 0], [padding] * 2, [padding] * 2, [0, 0]]
        return tf.nn.conv2d(x, kernel, strides, around).numpy()

    @staticmethod
    def conv_transposed(x, kernel, strides, padding):
        n, height, width, _ = x.shape
        return tf.nn.conv2d_transpose(x, kernel, [n, 2 * height, 2 * width, kernel.shape[2]], strides, "SAME").numpy()


SMALL = {  # smaller networks and batches than the benchmark's rows, with what each row differs in
    "vae_128": {"batch": 4, "steps": 1},
    "iwae_50": {"batch": 4, "steps": 1},
    "conv_vae": {"batch": 4, "steps": 1},
    "svae": {"batch": 20, "steps": 1},
    "dcgan": {"batch": 4, "steps": 1},
    "bihm_12": {"batch": 4, "steps": 1},
    "musegan": {"batch": 2, "steps": 1},
}


@pytest.mark.parametrize("row", SMALL)
def test_a_loss_by_hand_is_ours_from_the_same_weights_and_noise(peers, row, tmp_path, monkeypatch):
    peers, losses, zoo = peers
    monkeypatch.setattr(zoo.common, "images", lambda rows, test_rows: (
        (np.random.default_rng(0).random((rows, 28, 28, 1)) < 0.3).astype("uint8"), None, "made up"))
    spec = {**peers.ROWS[row], **SMALL[row]}
    if row == "musegan":
        spec["create"] = {**spec["create"], "width": 16, "critic_width": 32}
        monkeypatch.setattr(zoo, "arrays", lambda spec: {
            "x": (np.random.default_rng(0).random((2, 4, 16, 84, 5)) < 0.1).astype("uint8")})
    model = zoo.Row(spec, str(tmp_path))
    ours = model.losses()
    stored, check = np.load(tmp_path / "weights.npz"), np.load(tmp_path / "check.npz")
    weights = {}
    for name in stored.files:
        weights.setdefault(name.rsplit("_", 1)[0], []).append(stored[name])
    batch = {"x": check["x"]}
    if "label" in check:
        batch |= {"label": check["label"], "rate": len(check["label"]) / (check["label"] >= 0).sum()}
    for i, (_, loss) in enumerate(losses.SYSTEMS[spec["system"]]):
        if row == "musegan" and i == 0:
            continue  # its penalty is a gradient; the benchmark compares it in PyTorch and JAX
        assert loss(Ops, weights, batch, check, spec, []) == pytest.approx(ours[i], rel=2e-4), i
    for name, (_, shape) in losses.noise_shapes(spec).items():
        assert list(check[name].shape) == shape


def test_a_loss_that_differs_stops_the_benchmark(peers):
    peers, *_ = peers
    peers.check("row", [100.0, 90.0], [100.001, 90.1], "JAX")
    for theirs in ([100.5, 90.0], [100.0, 92.0], [float("nan"), 90.0]):
        with pytest.raises(ValueError, match="row: the loss is .* in JAX"):
            peers.check("row", [100.0, 90.0], theirs, "JAX")


def test_the_floor_is_the_larger_of_two_times_at_the_best_rates(peers):
    peers, *_ = peers
    rates = [[{"sgemm": 1e9}, {"sgemm": 2e9, "stream": 1e8}]]
    assert peers.floors(rates, 4e9, 0, 1) == [2.0]
    assert peers.floors(rates, 4e9, 10**8, 10) == [240.0]  # 24 bytes of each weight and its two moments
    assert peers.floors([[{"sgemm": 1e9}]], 4e9, 0, 1) is None


def test_the_summary_compares_with_the_better_peer(peers):
    peers, *_ = peers
    measured = {
        "dgm_zoo": [4.0, 2.0], "dgm_zoo, XLA": [2.0, 2.0], "PyTorch": [2.0, 3.0], "JAX": [1.0, 1.0],
        "rates": [[{"sgemm": 1.0}]] * 2,
    }
    facts = {"flop": None, "parameters": 1, "xla_by_default": False}
    results, default, best = peers.summary({"steps": 2, "system": "vae"}, measured, facts)
    assert (default, best) == ("dgm_zoo", "JAX")
    assert results["dgm_zoo"]["times_best_peer"] == {"median": 0.375, "low": 0.25, "high": 0.5}
    assert results["dgm_zoo, XLA"]["times_plain"] == {"median": 1.5, "low": 1.0, "high": 2.0}
    assert results["PyTorch"]["ms_per_step"]["median"] == 1250.0


def test_a_worker_answers_requests_until_stdin_ends():
    code = "import answering; answering.serve(double=lambda x: print('noise') or {'y': 2 * x})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, timeout=60,
        input='{"do": "double", "x": 3}\n{"do": "double", "x": 4}\n',
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"y": 6}, {"y": 8}]
    assert done.stderr == "noise\nnoise\n"
