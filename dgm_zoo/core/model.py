"""`GenerativeModel`: everything about training and serving that is not one model's idea."""

import inspect
import random
import re

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.core.endpoints import Serves, check_array
from dgm_zoo.core.formulation import Formulation
from dgm_zoo.core.optimizers import AllOptimizers, assign
from dgm_zoo.distributions import BatchNoise, check_seed
from dgm_zoo.errors import InvalidInput, NonFiniteLoss, unknown

NON_FINITE = "loss is not finite"


class _Training(keras.layers.Layer):
    """Runs `function(*inputs)` as Keras runs a layer in `fit`: the layers inside see `training=True`."""

    def call(self, function, inputs, training=None):
        return function(*inputs)


_in_training = _Training(name="training", dtype="float32", autocast=False)


class GenerativeModel(Serves, keras.Model):
    """A Keras model of one or more players, each of which ascends its own utility with its own optimizer.

    A subclass is one system of the zoo. It names its parts, says who owns them, and writes its `train_step`:

    ```python
    class VAE(GenerativeModel):
        players = {"theta": ("decoder", "likelihood", "prior"), "eta": ("encoder", "posterior")}
        logged = ("loss", "elbo", "reconstruction", "kl")

        def train_step(self, data):
            x, c = self.unpack(data)
            noise = self.noise(self.rng(x))
            terms = self.ascend(self.terms, x, c, noise, theta="elbo", eta="elbo")
            return self.log(loss=-terms["elbo"], **terms)
    ```

    * Noise is drawn in `train_step`, from `self.rng(x)`, and handed in: what `ascend` runs is a pure function,
      so it gives the same numbers with and without XLA. It is a function of the model's seed, the step and the
      replica, so that a resumed run draws what the uninterrupted one would have drawn.
    * `ascend` takes the gradients, scales them for the number of replicas, compiles with XLA if `compile` was
      told to, and applies each player's optimizer. Under a distribution strategy the gradients alone are compiled.
    * Inside `ascend`, and nowhere else, layers such as `BatchNormalization` and `Dropout` are in training mode. What
      they assign to their variables (moving averages, a spectral norm's vector) is a result of the pure function:
      it is kept if the player that moves owns the layer, and is the mean over replicas.
    * A term that is NaN or infinite stops the run with `NonFiniteLoss`, which names the step and the term.

    Args:
      seed: int32 from which all of this model's training noise is derived; drawn from Python's generator (which
        `keras.utils.set_random_seed` seeds) if None.
    """

    players: dict = {}
    logged: tuple = ("loss",)
    formulation: Formulation  # the class's place in the unified view, with its default arguments
    abilities: frozenset = frozenset()  # methods, besides the endpoints, that measures of a trained model may call
    units: dict = {}  # of logged terms that are not what their name says elsewhere, or not in nats

    def __init__(self, *, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = random.randint(0, 2**31 - 1) if seed is None else check_seed(seed)
        self.built = True  # networks come in built; heads and priors build in their constructors

    # ------------------------------------------------------------------------------------------ players

    def player_variables(self, player):
        """The trainable variables that `player` owns."""
        if player not in self.players:
            raise unknown("player", player, self.players)
        return [v for part in self.players[player] for v in getattr(self, part).trainable_variables]

    def steps_of(self, player):
        """How many steps of its optimizer `player` takes for one batch."""
        return 1

    def compile(self, optimizer="adam", jit_compile="auto", run_eagerly=False, steps_per_execution=1):
        """Gives each player its optimizer, built at once.

        Args:
          optimizer: a name or a `keras.optimizers.Optimizer`, of which each player gets a copy; or a dict
            with one for each player, such as `{"theta": "adam", "eta": keras.optimizers.SGD(0.1)}`.
          jit_compile: True, False, or "auto", which means XLA where there is a GPU. All three work under every
            distribution strategy.
          run_eagerly: run `train_step` without a graph, for debugging; switches XLA off.
          steps_per_execution: batches per call of the compiled loop; 8 or more makes small models much faster.

        Raises:
          InvalidInput: a player without an optimizer, or an optimizer for a player that does not exist.
        """
        if jit_compile not in (True, False, "auto"):
            raise InvalidInput(f"jit_compile {jit_compile!r} must be True, False or 'auto'")
        if keras.config.dtype_policy().name == "mixed_float16":
            raise InvalidInput("mixed_float16 would need loss scaling for each player; use 'mixed_bfloat16'")
        super().compile(
            optimizer=None, jit_compile=False, run_eagerly=run_eagerly, steps_per_execution=steps_per_execution
        )
        self.optimizers = assign(optimizer, self.players)
        for player, one in self.optimizers.items():
            one.build(self.player_variables(player))
        self.optimizer = AllOptimizers(self.optimizers)
        auto = bool(tf.config.list_physical_devices("GPU"))
        self.xla = (auto if jit_compile == "auto" else jit_compile) and not run_eagerly
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self.batches_seen = keras.metrics.Sum(name="batches_seen", dtype="int32")
        self.compile_arguments = {
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
        }

    def ascend(self, objective, *inputs, **ascents):
        """Lets each player take one step up its own term of `objective(*inputs)`.

        Args:
          objective: a pure function of `inputs` and the model's variables that returns a dict of terms, each
            one value per example, in nats, or a scalar.
          *inputs: tensors, or nested structures of tensors.
          **ascents: player to the name of the term whose mean it ascends: `theta="elbo", eta="elbo"`.

        Returns:
          The dict of terms, before the step.
        """
        variables = {player: self.player_variables(player) for player in ascents}
        parts = [getattr(self, part) for player in ascents for part in self.players[player]]
        state = [v for part in parts for v in part.variables]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        number = tf.cast(self.step, tf.int64) + 1  # of this step, counted from 1

        def gradients(*inputs):
            for part in parts:
                part._clear_losses()
            with tf.GradientTape(persistent=len(set(ascents.values())) > 1) as tape:
                before = [(v, v.value) for owned in variables.values() for v in owned]
                with keras.StatelessScope(before, collect_losses=True) as scope:
                    given = dict(scope.state_mapping)
                    terms = _in_training(function=objective, inputs=inputs, training=True)
                    losses = {
                        term: (self._penalty(p for p in ascents if ascents[p] == term) - tf.reduce_mean(terms[term]))
                        / replicas
                        for term in set(ascents.values())
                    }
            steps = {}
            for term, loss in losses.items():
                movers = [p for p in ascents if ascents[p] == term]
                steps.update(zip(movers, tape.gradient(loss, [variables[p] for p in movers]), strict=True))
            now = [scope.get_current_value(v) for v in state]
            assigned = [value if value is not given.get(id(v)) else None for v, value in zip(state, now, strict=True)]
            return terms, steps, assigned

        def apply(steps, assigned):
            self._assign(state, assigned)
            for player, step in steps.items():
                self.optimizers[player].apply(step, variables[player])

        def step(*inputs):
            terms, *changes = gradients(*inputs)
            apply(*changes)
            return terms

        if tf.distribute.has_strategy():
            terms, *changes = self.jitted(gradients)(*inputs)
            apply(*changes)
        else:
            terms = self.jitted(step)(*inputs)
        self._check_finite(terms, number)
        return terms

    @staticmethod
    def _assign(variables, values):
        """Gives variables their values, where there is one: the mean over replicas, of whole numbers each its own."""
        changed = [(v.value, value) for v, value in zip(variables, values, strict=True) if value is not None]

        def across(strategy, values):
            for (variable, _), value in zip(changed, values, strict=True):
                if variable.dtype.is_floating:
                    value = strategy.extended.reduce_to(tf.distribute.ReduceOp.MEAN, value, variable)
                strategy.extended.update(variable, lambda v, new: v.assign(new), args=(value,))

        if tf.distribute.has_strategy():
            tf.distribute.get_replica_context().merge_call(across, args=([value for _, value in changed],))
        else:
            for variable, value in changed:
                variable.assign(value)

    def _penalty(self, players):
        """The regularisation losses that Keras layers of these players ask for."""
        parts = (getattr(self, part) for player in players for part in self.players[player])
        return sum((loss for part in parts for loss in part.losses), 0.0)

    def jitted(self, function):
        """Returns `function` compiled with XLA if `compile` asked for it, else as it is."""
        return tf.function(function, jit_compile=True, autograph=False) if self.xla else function

    # ------------------------------------------------------------------------------------------ one step

    @property
    def step(self):
        """Training steps taken so far: a tensor or variable, int."""
        return self.optimizers[next(iter(self.players))].iterations

    def rng(self, x, training=True):
        """Returns a `BatchNoise` for the rows of `x`, independent for each step and replica.

        In evaluation it depends on the batch's position alone, so that two evaluations give the same number
        and evaluating does not disturb training.
        """
        if training:
            stream, position = 0, tf.cast(self.step, tf.int32)
        else:
            stream, position = 1, self.batches_seen(1)
        seed = tf.random.fold_in(tf.stack([self.seed, stream]), position)
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            seed = tf.random.fold_in(seed, context.replica_id_in_sync_group)
        return BatchNoise(seed, tf.shape(x)[0])

    def unpack(self, data):
        """Returns `(x, c)`: the batch in float32, and the tuple of what the model conditions on."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        if weight is not None:
            raise InvalidInput(f"{type(self).__name__} takes no sample weights; give x alone or (x, y)")
        x, wanted = tf.cast(x, tf.float32), self.takes().get("x")
        if wanted and not x.shape[1:].is_compatible_with(wanted.shape):
            raise InvalidInput(
                f"{type(self).__name__}: x has shape {[None, *x.shape[1:]]}, but this model takes {wanted}"
            )
        return x, self.condition(y)

    def condition(self, y):
        """Returns what the networks are given besides x or z, for labels `y`: nothing, by default."""
        return ()

    def log(self, **values):
        """Adds values (scalars, or one per example) to the means over examples of this epoch and returns the logs."""
        rows = tf.size(values[next(iter(self.trackers))])
        for name, tracker in self.trackers.items():
            tracker.update_state(tf.reduce_mean(values[name]), sample_weight=rows)
        logs = {name: tracker.result() for name, tracker in self.trackers.items()}
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            logs = {name: tf.reshape(value, (1,)) for name, value in logs.items()}  # Keras reduces over axis 0
        return logs

    @property
    def metrics(self):
        return [*self.trackers.values(), self.batches_seen] if hasattr(self, "trackers") else []

    def get_metrics_result(self):
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def _check_finite(self, terms, number):
        """Stops step `number` if a term is NaN or infinite; `fit` turns the failed assertion into one sentence."""

        def fail():
            broken = [tf.reduce_any(~tf.math.is_finite(value)) for value in terms.values()]
            names = tf.boolean_mask(tf.constant(list(terms)), tf.stack(broken))
            return tf.debugging.Assert(False, [f"{NON_FINITE}: term", names[0], "at step", number])

        total = tf.add_n([tf.reduce_sum(value) for value in terms.values()])
        tf.cond(tf.math.is_finite(total), tf.no_op, fail)

    # ------------------------------------------------------------------------------------------ Keras

    def watchers(self):
        """Returns the callbacks that every `fit` of this model runs, before those that it is given."""
        return []

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **kwargs):
        """`keras.Model.fit`, after a look at the data, and at those of validation: at arrays, or at the first batch.

        Raises:
          InvalidInput: the data's shape, dtype or range does not suit the model; before any training.
          NonFiniteLoss: a term became NaN or infinite; names the step and the term.
        """
        if not self.compiled:
            raise InvalidInput(f"{type(self).__name__} is not compiled; call model.compile() before fit()")
        first = self._check_first_batch("fit", x, y)
        if first:
            self.check_examples(f"{type(self).__name__}.fit", *first)
        held_out = kwargs.get("validation_data")
        if isinstance(held_out, (tuple, np.ndarray)):
            self._check_first_batch("fit(validation_data)", *keras.utils.unpack_x_y_sample_weight(held_out)[:2])
        elif held_out is not None:
            self._check_first_batch("fit(validation_data)", held_out)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # else Keras warns that it cannot
        callbacks = [*self.watchers(), *(keras.tree.flatten(callbacks) if callbacks else [])]
        try:
            return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)
        except tf.errors.InvalidArgumentError as error:
            raise self._explain(error) from None

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.evaluate`, after a look at the data as that of `fit`; raises `InvalidInput` as it does."""
        if not kwargs.get("_use_cached_eval_dataset"):  # which is that of `fit`
            self._check_first_batch("evaluate", x, y)
        return super().evaluate(x, y, *args, **kwargs)

    def _check_first_batch(self, where, x, y=None):
        """Raises `InvalidInput` if arrays, or the first batch of a `tf.data.Dataset`, do not suit the model.

        Returns:
          (x, y), what was looked at; None for a generator, which cannot be looked at without using it up.
        """
        where = f"{type(self).__name__}.{where}"
        if isinstance(x, tf.data.Dataset):
            batch = next(iter(x.take(1)), None)
            if batch is None:
                raise InvalidInput(f"{where}: the data set is empty; check its split and batch size")
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        if isinstance(x, (list, tuple)):
            raise InvalidInput(f"{where}: x is a {type(x).__name__}; give one array, or a tf.data.Dataset")
        if not isinstance(x, (np.ndarray, tf.Tensor)):
            return None
        for name, value in {"x": x, "label": y}.items():
            if name in self.takes():
                if value is None:
                    raise InvalidInput(f"{where}: {type(self).__name__} needs labels; give (x, y)")
                check_array(where, name, value, self.takes()[name])
        return x, y

    def check_examples(self, where, x, y):
        """Raises `InvalidInput` if examples to train on do not suit in ways that `takes` does not tell."""

    def takes(self):
        """Returns the `Input`s of training data by name: `x`, and `label` for a model conditioned on labels."""
        return {}

    def _explain(self, error):
        """Turns TensorFlow's failed assertion into one sentence."""
        found = re.search(NON_FINITE + r": term\W+(\w+)\W+at step\D+(\d+)", str(error.message))
        if not found:
            return error
        term, step = found.groups()
        return NonFiniteLoss(
            f"term '{term}' became NaN or infinite at step {step}; lower the learning rate or check the data"
        )

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: the model is built, and Keras' symbolic build cannot take a distributed batch."""

    def get_config(self):
        """Mirrors the constructor's arguments, each kept as an attribute of the same name."""
        names = [
            name
            for cls in type(self).__mro__
            if "__init__" in vars(cls) and issubclass(cls, GenerativeModel)
            for name, p in inspect.signature(cls.__init__).parameters.items()
            if name != "self" and p.kind is not p.VAR_KEYWORD
        ]
        return {"name": self.name, **{n: keras.saving.serialize_keras_object(getattr(self, n)) for n in names}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{
            key: keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
            for key, value in config.items()
        })

    def get_compile_config(self):
        if not self.compiled:
            return None
        optimizers = {p: keras.optimizers.serialize(one) for p, one in self.optimizers.items()}
        return {"optimizer": optimizers, **self.compile_arguments}

    def compile_from_config(self, config):
        optimizers = {p: keras.optimizers.deserialize(one) for p, one in config["optimizer"].items()}
        self.compile(**{**config, "optimizer": optimizers})
