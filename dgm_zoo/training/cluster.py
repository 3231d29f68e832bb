"""Several workers, each a process of its own, perhaps on another machine, that train one model together.

Every worker runs the same command. Each has the whole model and computes the gradients of its own rows of every batch;
`tf.distribute.MultiWorkerMirroredStrategy` adds the gradients, so that all weights stay the same. Worker 0 alone reads
and writes the workdir: what it finds there, such as a checkpoint, it shares with the others. After the loss of a worker
all others end; started again, all go on from the last checkpoint.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from dgm_zoo.errors import InvalidInput, LostWorker
from dgm_zoo.training.checkpoints import state

LOSS = r"[Cc]ollective|incarnation|heartbeat|/job:worker"  # in TensorFlow's messages about lost workers
ADDRESS = r"[^\s:/]+:\d{1,5}"
BLOCK = 1024  # numbers; what is shared is padded to whole blocks, so that few shapes are traced


class Cluster(NamedTuple):
    """The workers of this run.

    Attributes:
      strategy: the strategy that builds and trains the model.
      index: number of this worker, from 0.
      count: number of workers.
    """

    strategy: tf.distribute.Strategy
    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is worker 0, which alone reads and writes the workdir."""
        return self.index == 0

    def of_first(self, function: Callable) -> Any:
        """Returns what `function()`, run by worker 0 alone, returns there; all workers must call this together.

        Args:
          function: returns a value that JSON can hold.

        Raises:
          InvalidInput: on every worker, if `function` raises it.
          LostWorker: a worker has ended.
        """
        if self.count == 1:
            return function()
        answer = {}
        if self.first:
            try:
                answer = {"value": function()}
            except InvalidInput as error:
                answer = {"refused": str(error)}
        answer = json.loads(self.share(json.dumps(answer).encode()))
        if "refused" in answer:
            raise InvalidInput(answer["refused"])
        return answer["value"]

    def share(self, content: bytes) -> bytes:
        """Returns the bytes of worker 0; see `of_first`."""
        with self.watched():
            length, = self._sum(np.array([len(content) if self.first else 0], np.int32))
            padded = np.zeros(-(-int(length) // (4 * BLOCK)) * BLOCK, np.int32)
            if self.first:
                padded.view(np.uint8)[:length] = np.frombuffer(content, np.uint8)
            return self._sum(padded).tobytes()[:length]

    def share_state(self, model: keras.Model) -> None:
        """Gives the variables of `model`, its optimizers' too, the values that they have on worker 0."""
        if self.count == 1:
            return
        variables = [variable for _, variable in state(model)]
        values = [variable.numpy() for variable in variables]
        content = self.share(b"".join(np.ascontiguousarray(value).tobytes() for value in values))
        for variable, value in zip(variables, values, strict=True):
            own, content = content[: value.nbytes], content[value.nbytes :]
            variable.assign(np.frombuffer(own, value.dtype).reshape(value.shape))

    def check_same(self, config: dict) -> None:
        """Raises `InvalidInput` on every worker whose config is another than that of worker 0."""
        if self.of_first(lambda: config) != json.loads(json.dumps(config)):
            raise InvalidInput(f"worker {self.index} has another config than worker 0; give all the same command")

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Context in which the failure of another worker becomes `LostWorker`."""
        try:
            yield
        except tf.errors.OpError as error:
            lines = [line for line in str(error.message).splitlines() if not line.startswith("Detected at")]
            said = [line for line in lines if re.search(LOSS, line)]
            if self.count == 1 or not (said or isinstance(error, tf.errors.UnavailableError)):
                raise
            reason = said[0].strip()[:120] if said else "it is not available"
            raise LostWorker(
                f"worker {self.index} lost another worker ({reason}); start all workers again to go on from the last "
                "checkpoint"
            ) from None

    def _sum(self, values):
        replicas = self.strategy.num_replicas_in_sync // self.count  # of this worker, of which the first counts
        given = [values, *(np.zeros_like(values) for _ in range(replicas - 1))]
        each = self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(given[context.replica_id_in_sync_group % replicas])
        )
        total = self.strategy.run(_add, (each,))
        return self.strategy.experimental_local_results(total)[0].numpy()


@tf.function(autograph=False)
def _add(values):
    here = tf.identity(values)  # on the replica's device, which an argument of the graph lacks
    return tf.distribute.get_replica_context().all_reduce("sum", here)


_joined: list[Cluster] = []  # at most one: TensorFlow allows a process to join once


def join(workers: list[str] | None = None, index: int | None = None) -> Cluster:
    """Joins the workers of this run, and waits until all are there; to be called before anything else uses TensorFlow.

    Args:
      workers: addresses `host:port` of all workers, in the same order everywhere; None for the environment variable
        TF_CONFIG, and without it for a run of this process alone.
      index: position of this worker's own address in them.

    Returns:
      The `Cluster`, which `train` then uses. Without several workers its strategy uses all GPUs of this machine.

    Raises:
      InvalidInput: the addresses or the index do not fit, or TF_CONFIG is not such a configuration; the address of this
        worker is taken; or TensorFlow has already computed something.

    Example:
      >>> join(["10.0.0.1:2222", "10.0.0.2:2222"], index=0).count
      2
    """
    if _joined:
        return _joined[0]
    workers, index = _given(workers, index)
    if len(workers) > 1:
        task = {"type": "worker", "index": index}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (RuntimeError, tf.errors.OpError) as error:
            reason = (str(error).strip().splitlines() or [""])[0][:150]
            raise InvalidInput(
                f"worker {index} cannot join at {workers[index]} ({reason}); give an address of this machine with a "
                "free port, and join before anything else"
            ) from None
        _joined.append(Cluster(strategy, index, len(workers)))
        return _joined[0]
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return Cluster(tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy())


def _given(workers, index):
    """Returns the checked addresses and index, from the arguments or from TF_CONFIG."""
    if workers is None and index is not None:
        raise InvalidInput(f"index is {index!r} without workers; give the addresses of all workers, host:port,...")
    if workers is None:
        return _of_environment(os.environ.get("TF_CONFIG"))
    listed = isinstance(workers, (list, tuple)) and len(workers) > 0
    if not listed or not all(isinstance(one, str) and re.fullmatch(ADDRESS, one) for one in workers):
        raise InvalidInput(f"workers is {workers!r}; give addresses host:port, such as 10.0.0.1:2222,10.0.0.2:2222")
    if len(set(workers)) < len(workers):
        raise InvalidInput(f"workers names an address twice: {', '.join(workers)}; each worker needs its own")
    if type(index) is not int or not 0 <= index < len(workers):
        raise InvalidInput(f"index is {index!r}; give this worker's position in workers, 0 to {len(workers) - 1}")
    return list(workers), index


def _of_environment(text):
    if not text:
        return [], 0
    try:
        given = json.loads(text)
        cluster, task = given["cluster"], given["task"]
        chief, others = list(cluster.get("chief", [])), list(cluster.get("worker", []))
        kind, index = task["type"], int(task["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"TF_CONFIG is broken ({type(error).__name__}: {error}); give it a cluster of workers and this task"
        ) from None
    if kind not in ("chief", "worker"):
        raise InvalidInput(f"TF_CONFIG makes this a {kind!r}; only workers train, give it the type 'worker'")
    return _given([*chief, *others], index + (len(chief) if kind == "worker" else 0))


def check_batch_size(batch_size: int, replicas: int) -> None:
    """Raises `InvalidInput` unless a batch can be divided evenly, so that every replica's gradient counts the same."""
    if batch_size % replicas:
        lower = batch_size // replicas * replicas
        near = f"{lower} or {lower + replicas}" if lower else f"{replicas}"
        shared = f"config.data.batch_size is {batch_size}, which {replicas} replicas cannot share evenly"
        raise InvalidInput(f"{shared}; give {near}")


def evaluation_batch(rows: int, batch_size: int, replicas: int) -> int:
    """Returns a batch size near `batch_size` with which no replica's part of the last batch is empty.

    A batch is divided into parts of `batch_size / replicas` rows, of which a smaller last batch fills only the first.

    Args:
      rows: number of rows, at least 1.
      batch_size: the wanted size.
      replicas: number of replicas.

    Raises:
      InvalidInput: there are too few rows.

    Example:
      >>> evaluation_batch(144, 100, 3)
      84
    """
    most = -(-rows // replicas)
    sizes = sorted(range(1, most + 1), key=lambda part: abs(part * replicas - batch_size))
    for part in sizes:
        last = rows % (part * replicas)
        if last == 0 or last > (replicas - 1) * part:
            return part * replicas
    raise InvalidInput(f"{rows} rows cannot be shared by {replicas} replicas; use fewer of these, or more rows")
