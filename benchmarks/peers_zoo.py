"""The rows of `peers.py` in dgm_zoo, in a process of its own; requests as `peers_torch.py` has them.

The package as a user meets it: `dgm_zoo.create`, `compile`, and `fit` on `data.from_arrays`, as many steps in one
execution as `dgm-zoo train` takes, once without XLA and once with it. What is timed is an epoch of `fit`, from its
beginning to its end, or `log_likelihood`. `build` also writes what the other processes begin with, in `folder`:
`weights.npz`, `data.npz`, and a batch with its noise, `check.npz`.
"""

import time

import answering
import common

current = {}


def hello(threads):
    common.import_tensorflow()
    return common.versions()


def arrays(spec):
    """The row's data: name to array."""
    import numpy as np

    rows = spec["steps"] * spec["batch"]
    if spec["system"] == "musegan":
        from dgm_zoo.data import load

        bands = load("freedoom_bands", "train", rows, bars=4, hop=1, steps=16, sounding=3)
        return {"x": next(iter(bands)).numpy().astype(np.uint8)}
    train, test, current["data"] = common.images(rows, spec.get("images", 100))
    if spec["system"] == "likelihood":
        return {"x": test.astype(np.float32)}
    found = {"x": train.astype(np.float32)}
    if spec["system"] == "svae":
        rng = np.random.default_rng(common.SEED)
        label = np.where(rng.random(len(train)) < 0.1, rng.integers(spec["classes"], size=len(train)), -1)
        label[: spec["batch"] : 10] = 0  # the batch of the check has labels
        found["label"] = label.astype(np.int32)
    return found


class Row:
    """The row's two models, with and without XLA, from the same weights."""

    def __init__(self, spec, folder):
        import keras
        import numpy as np

        self.spec, self.folder, self.epoch = spec, folder, 0
        self.data = arrays(spec)
        np.savez(f"{folder}/data.npz", **self.data)
        keras.utils.set_random_seed(common.SEED)
        self.models = {False: self.model()}
        self.initial = self.models[False].get_weights()
        weights = {
            f"{player}_{i:03d}": np.array(v)
            for player, of in self.players().items() for i, v in enumerate(of)
        }
        np.savez(f"{folder}/weights.npz", **weights)
        self.parameters = sum(v.size for v in weights.values())
        rows = slice(spec["batch"])
        np.savez(f"{folder}/check.npz", **{
            **{name: value[rows].astype(np.float32 if name == "x" else value.dtype) for name, value in
               self.data.items()}, **self.noise()[1]
        })
        if spec["system"] != "likelihood":
            self.models[True] = self.model()
            self.models[True].set_weights(self.initial)

    def model(self):
        from dgm_zoo.models import create

        return create(**self.spec["create"], seed=common.SEED)

    def players(self):
        """The trainable variables of each player, or of all as one player, in the networks' order."""
        model = self.models[False]
        if self.spec["system"] in ("gan", "musegan", "bihm"):
            return {player: model.player_variables(player) for player in model.players}
        networks = [model.encoder, model.decoder, *([model.classifier] if self.spec["system"] == "svae" else [])]
        return {"all": [v for network in networks for v in network.trainable_variables]}

    def compile(self, xla):
        import keras

        from dgm_zoo.training.build import whole_executions
        from dgm_zoo.training.config import TRAIN

        spec, model = self.spec, self.models[xla]
        adam = keras.optimizers.Adam(spec["learning_rate"], spec.get("beta_1", 0.9), spec.get("beta_2", 0.999))
        model.compile(
            adam, jit_compile=xla, steps_per_execution=whole_executions(TRAIN["steps_per_execution"], spec["steps"])
        )

    # ------------------------------------------------------------------------------------------ the check

    def noise(self):
        """The noise of the check as the model takes it, and as a dict of arrays by name."""
        import tensorflow as tf

        from dgm_zoo.distributions import BatchNoise

        model, spec = self.models[False], self.spec
        rng = BatchNoise([0, 1], spec["batch"])
        if spec["system"] == "likelihood":
            noise = model.posterior.noise(rng, spec["samples"])
        else:
            noise = model.noise(rng)
        if spec["system"] in ("gan", "musegan"):
            ((first, mix),), again = noise
            z, z_again = (one[0] if isinstance(one, tuple) else one for one in (first, again))
            named = {"z": z, "mix": mix, "z_again": z_again}
        else:
            named = {"uniform": tf.sigmoid(noise)} if spec["system"] == "bihm" else {"eps": noise}
        return noise, {name: value.numpy() for name, value in named.items()}

    def losses(self):
        """The losses of all phases on the check's batch and noise: before and after a step."""
        import tensorflow as tf

        model, spec = self.models[False], self.spec
        self.noise_of_check, _ = self.noise()
        x = tf.constant(self.data["x"][: spec["batch"]], tf.float32)
        if spec["system"] == "likelihood":
            from dgm_zoo.objectives import importance_bound

            found = importance_bound(model.log_weights(x, (), model.q_z(x), self.noise_of_check))
            return [float(tf.reduce_mean(found))]
        self.compile(False)
        given = (x, tf.constant(self.data["label"][: spec["batch"]])) if "label" in self.data else x
        x, c = model.unpack(given)
        c = model.counted(c) if spec["system"] == "svae" else c
        before = self.values(x, c)
        if spec["system"] in ("gan", "musegan"):
            model.play(x, c, self.noise_of_check)
        else:
            model.ascend(model.terms, x, c, self.noise_of_check, **model.ascends)
        after = self.values(x, c)
        for one in self.models.values():
            one.set_weights(self.initial)
        return before + after

    def values(self, x, c):
        import tensorflow as tf

        from dgm_zoo.core.modes import in_mode

        model, noise = self.models[False], self.noise_of_check
        if self.spec["system"] in ("gan", "musegan"):
            (for_phi,), for_theta = noise
            phases = [("phi", model.phi_terms, for_phi), ("theta", model.theta_terms, for_theta)]
        else:
            phases = [(None, model.terms, noise)]
        found = []
        for player, function, noise in phases:
            terms = in_mode(True, function)(x, c, noise)
            of = {model.ascends[player]} if player else set(model.ascends.values())
            found.append(-sum(float(tf.reduce_mean(terms[name])) for name in of))
        return found

    # ------------------------------------------------------------------------------------------ the times

    def train(self, xla):
        """Seconds of an epoch of `fit`, or of `log_likelihood`."""
        import keras

        from dgm_zoo import data

        model, spec = self.models[xla], self.spec
        self.epoch += 1
        if spec["system"] == "likelihood":
            start = time.perf_counter()
            model.log_likelihood(self.data["x"], num_samples=spec["samples"], seed=self.epoch)
            return time.perf_counter() - start
        if not model.compiled or xla != model.xla:
            self.compile(xla)

        class Clock(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.start = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                self.seconds = time.perf_counter() - self.start

        clock, e = Clock(), self.epoch
        stream = data.from_arrays(
            self.data["x"], self.data.get("label"), batch_size=spec["batch"], seed=common.SEED, first_epoch=e,
            labels="label" in self.data, levels=2,
        )
        model.fit(stream, steps_per_epoch=spec["steps"], initial_epoch=e, epochs=e + 1, verbose=0, callbacks=[clock])
        return clock.seconds


def build(spec, folder):
    row = current["it"] = Row(spec, folder)
    return {"parameters": row.parameters, "models": sorted(row.models), "data": current.get("data", "freedoom_bands")}


def auto():
    """Whether `jit_compile="auto"` takes XLA for this row's model on this machine."""
    model = current["it"].model()
    model.compile(jit_compile="auto")
    return {"xla": model.xla}


def rates():
    """FLOP per second of a product of 2048-square matrices."""
    square = common.Sgemm(2048, 2048, 2048)
    return {"sgemm": square.flop / square.seconds(repeats=5)}


if __name__ == "__main__":
    answering.serve(
        hello=hello, build=build, auto=auto, rates=rates, losses=lambda: {"losses": current["it"].losses()},
        train=lambda xla: {"seconds": current["it"].train(xla)},
    )
