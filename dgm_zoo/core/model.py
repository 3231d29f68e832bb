"""`GenerativeModel`: the parts of training and serving that all models share."""

import random
import threading
from collections.abc import Callable
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.checks import check_seed
from dgm_zoo.core import averaging, calls, compiling, doors, endpoints, recipes, state, steps, training_data, vetting
from dgm_zoo.core.coefficients import Changing, Coefficient, handed
from dgm_zoo.core.endpoints import Endpoint, traced
from dgm_zoo.core.explaining import explaining
from dgm_zoo.core.formulation import Formulation
from dgm_zoo.core.modes import in_mode
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.distributions.noise import step_seed
from dgm_zoo.errors import InvalidInput, check_known


@doors.closed
class GenerativeModel(keras.Model):
    """A Keras model of one or more players, each of which ascends its own utility with its own optimizer.

    A subclass is one model. It names its parts, assigns each to a player, and implements `train_step`:

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

    * Noise is drawn in `train_step`, from `self.rng(x)`, and passed as an input: `ascend` runs a pure function,
      so it gives the same numbers with and without XLA. Noise depends on the model's seed, the number of batches
      trained on and the replica, so a resumed run draws the same noise as an uninterrupted one.
    * `ascend` takes the gradients, scales them for the number of replicas, compiles with XLA if `compile` was
      told to, and applies each player's optimizer. Under a distribution strategy only the gradients are compiled.
    * Only inside `ascend` are layers such as `BatchNormalization` and `Dropout` in training mode. The values they
      assign to their variables (moving averages, a spectral norm's vector) are outputs of the pure function: they are
      kept if the moving player owns the layer, and averaged over replicas. Every `ascend` advances the seeds of layers.
    * A weight of the objective that training may change is a `core.coefficients.Coefficient`; `terms` reads its
      current value, a tensor, as `self.now("beta")`. All other constructor arguments are fixed once it is compiled.
    * A term that is NaN or infinite stops the run with `NonFiniteLoss`, which names the step and the term.

    Args:
      seed: int32 from which all of this model's training noise is derived; drawn from Python's generator (which
        `keras.utils.set_random_seed` seeds) if None.
    """

    players: dict = {}  # player to the attributes that hold its parts
    logged: tuple = ("loss",)  # the terms that `fit` and `evaluate` report
    ascends: dict = {}  # player to the name of the term that it ascends
    phases: dict = {}  # further steps besides `ascends`, each with its own optimizer: phase to its player
    weighs: dict = {}  # ascended term to whether it is one value per example; see `takes_weights`
    compares: tuple = ()  # logged terms that compare a batch's examples with each other, so that one says nothing
    domains: tuple = ()  # names of the parts of x, for a model of several domains, such as ("source", "target")
    formulation: Formulation  # the class's place in the unified view, with its default arguments
    recipes: tuple = ()  # build the constructor's arguments in `create`; see `core.recipes`
    abilities: frozenset = frozenset()  # methods, besides the endpoints, that measures of a trained model may call
    units: dict = {}  # of logged terms that are not in nats, or whose name has another meaning elsewhere
    small: dict = {}  # arguments of `create` for a tiny instance, besides `core.registry.SMALL`
    call_endpoint: tuple | None = ("reconstruct", "x")  # and which output of it `model(x)` and `predict` return
    registered_name: str | None = None
    xla = False  # whether `ascend` is compiled with XLA

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        recipes.check_parts(cls, args, kwargs)
        model = super().__new__(cls, *args, **kwargs)
        model.__dict__["_given"] = args, kwargs  # from which `doors.get_config` knows what a subclass was built with
        return model

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        self.__dict__["coefficients"], self.__dict__["counters"] = {}, {}  # not layers: Keras must not track them
        super().__init__(**{"autocast": False, **kwargs})  # an endpoint casts what it takes
        self.seed = random.randint(0, 2**31 - 1) if seed is None else check_seed(seed)
        self.batches_trained = state.counter()
        self.built = True  # networks are passed built; heads and priors build in their constructors

    @classmethod
    def create(cls, image_shape: Any, **given: Any) -> Self:
        """Builds the model with default networks.

        Args:
          image_shape: shape of one x, such as (28, 28, 1) or (16,).
          **given: arguments of the class's recipes and constructor; `dgm-zoo describe NAME` lists it.

        Raises:
          InvalidInput: an unknown argument (with the nearest name), a missing one, or an invalid value.
        """
        return recipes.build(cls, {"image_shape": image_shape, **given})

    # ------------------------------------------------------------------------------------------ players

    def player_variables(self, player: str) -> list[keras.Variable]:
        """The trainable variables that `player` owns."""
        check_known("player", player, self.players)
        if not self.trainable:
            return []
        return [v for part in self.players[player] for v in getattr(self, part).trainable_variables]

    def steps_of(self, player: str) -> int:
        """How many steps of its optimizer `player`, or the player of a phase, takes for one batch."""
        return 1

    compile = compiling.compile
    jit_compile = compiling.jit_compile
    get_compile_config = compiling.get_compile_config
    compile_from_config = compiling.compile_from_config

    def ascend(self, objective: Callable, *inputs: Any, phase: str | None = None, when: tf.Tensor | None = None,
               moves: Callable | None = None, **ascents: str) -> dict[str, tf.Tensor]:
        """Takes one gradient ascent step for each player on its own term of `objective(*inputs)`.

        Args:
          objective: a pure function of `inputs` and the model's variables that returns a dict of terms, each
            one value per example, in nats, or a scalar.
          *inputs: tensors, or nested structures of tensors.
          phase: name of the phase whose optimizer takes the step; None for the player's own.
          when: boolean scalar, the same on all replicas; if False, neither variables nor optimizers change.
          moves: function from the terms to a dict of player to a boolean scalar; False sets the player's gradient
            to 0.
          **ascents: player to the name of the term whose mean it ascends: `theta="elbo", eta="elbo"`.

        Returns:
          The dict of terms, computed before the step.
        """
        return steps.ascend(self, objective, inputs, ascents, phase, when, moves)

    @property
    def takes_weights(self) -> bool:
        """Whether `fit` and `evaluate` take sample weights: `weighs` names all ascended terms.

        A term is True in `weighs` if it has one value per example, which sample weights multiply, and False if its
        values belong to none, as those of dreams do.
        """
        return bool(self.weighs) and set(self.ascends.values()) <= set(self.weighs)

    def _make_function(self, step_function: Callable) -> Callable:
        vetted = vetting.vetted(self, step_function, training=step_function == self.train_step)
        function = super()._make_function(vetted)
        distributed = self.distribute_strategy.num_replicas_in_sync > 1
        return explaining(steps.several(function, self) if distributed else function)

    def jitted(self, function: Callable) -> Callable:
        """Returns `function` for evaluation: compiled with XLA if `compile` asked for it, coefficients as inputs."""

        def run(coefficients, *inputs):
            with self.handed(coefficients):
                return in_mode(False, function)(*inputs)

        compiled = self.compiled_function(run)
        return lambda *inputs: compiled(self.current_coefficients(training=False), *inputs)

    def compiled_function(self, function: Callable) -> Callable:
        """Returns `function` compiled with XLA if `compile` asked for it, else unchanged."""
        compiles = self.xla and not self.run_eagerly
        return tf.function(function, jit_compile=True, autograph=False) if compiles else function

    # ------------------------------------------------------------------------------------------ coefficients

    def add_coefficients(self, given: dict[str, Any]) -> None:
        """Adds coefficients by name, each with its number or schedule; `Coefficient` attributes add themselves."""
        self.coefficients.update({name: Changing(name, value) for name, value in given.items()})

    def now(self, name: str) -> tf.Tensor:
        """The current value of coefficient `name`, a float32 scalar: in a step, the value passed to the step."""
        handed = self.__dict__.get("_handed")
        return self.coefficients[name].now(self.step) if handed is None else handed[name]

    def current_coefficients(self, training: bool = True) -> dict[str, tf.Tensor]:
        """The value of every coefficient at this step: a dict of float32 scalars; see `Changing.now`."""
        return {name: one.now(self.step, training) for name, one in self.coefficients.items()}

    handed = handed

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        if self.__dict__.get("compile_arguments") and (
            name in recipes.constructor_arguments(cls) or name in recipes.arguments(cls)
        ):
            if not isinstance(getattr(cls, name, None), (Coefficient, property)):
                raise InvalidInput(
                    f"{name} of {type(self).__name__} cannot change once it is compiled, since the compiled step would "
                    f"not see it; build another model with {name}={value!r}"
                )
        super().__setattr__(name, value)

    # ------------------------------------------------------------------------------------------ one step

    @property
    def step(self) -> tf.Variable:
        """The number of batches trained on so far, in this process and before it was resumed: an int64 variable."""
        return self.batches_trained

    def rng(self, x: tf.Tensor, training: bool = True) -> BatchNoise:
        """Returns a `BatchNoise` for the rows of `x`, independent for each batch and replica.

        Every `train_step` calls it once, before its first `ascend`, which then counts the batch. In evaluation the
        noise depends only on the batch's position, so two evaluations give the same number and evaluation does not
        affect training.
        """
        if training:
            stream, position = 0, tf.cast(self.step, tf.int32)
            self.__dict__.setdefault("_uncounted", set()).add(threading.get_ident())  # each replica has a thread
        else:
            stream, position = 1, self.batches_seen(1)
        return BatchNoise(step_seed(self.seed, stream, position), tf.shape(x)[0])

    def unpack(self, data: Any) -> tuple[Any, tuple]:
        """Returns `(x, c)`: the batch in float32, and the tuple of the model's conditions.

        If the class has `domains`, x is a tuple of one tensor for each domain.
        """
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        given = training_data.parts(self, x, y)
        found = tuple(tf.cast(given[name], tf.float32) for name in self.domains or ("x",))
        return found if self.domains else found[0], self.condition(y)

    def condition(self, y: Any) -> tuple:
        """Returns the networks' further inputs, besides x or z, for labels `y`: `()` by default."""
        return ()

    def log(self, of: dict[str, tf.Tensor] | None = None, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Updates this epoch's means over examples with values (scalars, or one per example) and returns the logs.

        As in Keras, sample weights multiply `loss` before its mean over examples, and nothing else. A batch of one
        does not count for what the class `compares`, unless there are only such batches.

        Args:
          of: weights `[batch]` by name, for values that are averaged over some examples only, such as 1 for labelled
            examples; a weight of 0 excludes an example.
          **values: the terms; those that the class does not log are ignored.
        """
        loss = next(iter(self.trackers))
        rows, weight = vetting.current_batch(self)
        values[loss] = values[loss] if weight is None else weight * values[loss]
        count = tf.cast(tf.size(values[loss]) if rows is None else rows, tf.float32)
        compared = tf.where(count > 1.0, count, 1e-6)
        for name, tracker in self.trackers.items():
            if name in (of or {}):
                tracker.update_state(values[name], sample_weight=of[name])
            else:
                share = compared if name in self.compares else count
                tracker.update_state(tf.reduce_mean(values[name]), sample_weight=share)
        logs = {name: tracker.result() for name, tracker in self.trackers.items()}
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            logs = {name: tf.reshape(value, (1,)) for name, value in logs.items()}  # Keras reduces over axis 0
        return logs

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        given = [] if self._compile_metrics is None else [self._compile_metrics]
        return [*self.trackers.values(), self.batches_seen, *given] if "trackers" in self.__dict__ else []

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        given = {} if self._compile_metrics is None else self._compile_metrics.result()
        return {**{name: tracker.result() for name, tracker in self.trackers.items()}, **given}

    # ------------------------------------------------------------------------------------------ use

    def takes(self) -> dict[str, Any]:
        """Returns the `Input`s of training data by name: `x`, and `label` for a model conditioned on labels.

        A model of several `domains` names each of them, and `<domain>_label` where it needs that domain's labels.
        """
        return {}

    def endpoints(self) -> dict[str, Endpoint]:
        """Returns the dict of endpoint name to `Endpoint`."""
        return {}

    def endpoint_function(self, name: str, compiled: bool = False) -> Callable:
        """Returns the function of named tensors that serves endpoint `name`, its noise drawn outside XLA."""
        return endpoints.endpoint_function(self, name, compiled)

    def answer(self, name: str, **arrays: Any) -> dict[str, np.ndarray]:
        """Runs endpoint `name` on arrays, in chunks of rows; returns a dict of NumPy arrays.

        Raises:
          InvalidInput: the model has no such endpoint, the endpoint has no such input, or an array does not fit.
        """
        return endpoints.answer(self, name, arrays)

    traced = traced

    def sample(self, n: int, seed: int = 0, **inputs: Any) -> np.ndarray:
        """Draws `n` samples: NumPy `[n, ...]`; the first m are the same for every n >= m.

        Args:
          n: number of samples.
          seed: int32.
          **inputs: further inputs of the model's `sample`, such as `label` (`[n]`, or one for all).

        Raises:
          InvalidInput: n is not a positive whole number, the seed is not an int32, or the model's `sample` does not
            take such an input.
        """
        return self.answer("sample", **endpoints.asked(self, n, seed, inputs))["x"]

    # ------------------------------------------------------------------------------------------ Keras

    def watchers(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks that every `fit` of this model runs, before those passed to it."""
        return []

    def check_examples(self, where: str, x: Any, y: Any) -> None:
        """Raises `InvalidInput` if training examples fail a check that `takes` cannot express."""

    def doubts(self, x: Any, y: Any) -> list[tf.Tensor]:
        """Boolean scalars of a batch, tensors x and y: whether `check_examples` must judge it. None by default."""
        return []

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
            verbose: str | int = "auto", callbacks: Any = None, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`, after validating the training and validation data: whole arrays, or a data set's first
        batch, and then every batch in its step, before it changes a variable.

        Batches may be dicts, as those of TensorFlow Datasets; see `core.training_data.batch`.

        Raises:
          InvalidInput: the data's shape, dtype or range does not suit the model, or it takes no sample weights.
          NonFiniteLoss: a term became NaN or infinite; names the step and the term.
        """
        if not self.compiled:
            raise InvalidInput(f"{type(self).__name__} is not compiled; call model.compile() before fit()")
        training_data.check_amounts(batch_size=batch_size, epochs=epochs, **kwargs)
        where, weight = f"{type(self).__name__}.fit", kwargs.get("sample_weight")
        first = training_data.check_first_batch(self, "fit", x, y, weight)
        if first:
            self.check_examples(where, *first)
        x, y, kwargs["sample_weight"] = training_data.carried(x, y, weight)
        kwargs["validation_data"] = training_data.checked_validation(self, kwargs.get("validation_data"))
        kwargs["class_weight"] = training_data.class_weights(where, self, kwargs.get("class_weight"), weight)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # otherwise Keras warns that it cannot shuffle
            kwargs["steps_per_epoch"] = training_data.steps_per_epoch(self, x, kwargs.get("steps_per_epoch"))
        callbacks = [*self.watchers(), *(keras.tree.flatten(callbacks) if callbacks else [])]
        if averaging.keeps_averages(self) and not any(isinstance(c, keras.callbacks.SwapEMAWeights) for c in callbacks):
            callbacks.append(averaging.EvaluateAverages())
        history = super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)
        if epochs > kwargs.get("initial_epoch", 0):
            averaging.finalize(self)
        return history

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: str | int = "auto",
                 sample_weight: Any = None, steps: int | None = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate`, after validating the data as `fit` does; raises `InvalidInput` as it does."""
        training_data.check_amounts(batch_size=batch_size, steps=steps)
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` has checked it
            training_data.check_amounts(batch_size=batch_size, **kwargs)
            training_data.check_first_batch(self, "evaluate", x, y, sample_weight)
            x, y, sample_weight = training_data.carried(x, y, sample_weight)
        return super().evaluate(x, y, batch_size, verbose, sample_weight, steps, *args, **kwargs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: the model is built, and Keras' symbolic build cannot take a distributed batch."""

    def take_weights(self, other: keras.Model) -> bool:
        """Copies the weights of `other` if the shapes of all weights are the same; returns whether they are."""
        same = [v.shape for v in self.weights] == [v.shape for v in other.weights]
        if same:
            self.set_weights(other.get_weights())
        return same

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        state.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(state.without(store))
        state.load(self, store)

    def build(self, input_shape: Any = None) -> None:
        """Does nothing: networks are passed built, and heads and priors are built in their constructors."""

    get_config = doors.get_config
    from_config = classmethod(doors.from_config)
    save = doors.save
    export = doors.export
    __call__ = calls.answered
    call = calls.call
    predict = calls.predict
    predict_step = calls.predict_step
    quantize = doors.quantize
