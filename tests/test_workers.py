"""Several workers: what is refused before they meet, how rows are divided, and two processes, one of them killed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict
from zoo import examples, tiny, two_cpus

from dgm_zoo import data
from dgm_zoo.cli.main import main
from dgm_zoo.errors import InvalidInput, LostWorker
from dgm_zoo.training import cluster

SCRIPT = Path(__file__).with_name("workers.py")
TWO = "a:1,b:2"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers=a,b", "--index=0"], "workers is ['a', 'b']; give addresses host:port"),
        (["--workers=a:1,a:1", "--index=0"], "workers names an address twice: a:1, a:1"),
        ([f"--workers={TWO}"], "index is None; give this worker's position in workers, 0 to 1"),
        ([f"--workers={TWO}", "--index=2"], "index is 2; give this worker's position in workers, 0 to 1"),
        (["--index=0"], "index is 0 without workers; give the addresses of all workers"),
    ],
)
def test_addresses_that_do_not_fit_are_refused(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main(["train", "--config=vae_digits", f"--workdir={tmp_path / 'run'}", *words]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "TF_CONFIG is broken (JSONDecodeError"),
        ("{}", "TF_CONFIG is broken (KeyError: 'cluster')"),
        (json.dumps({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "ps", "index": 0}}), "makes this a 'ps'"),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}), "index is 3"),
    ],
)
def test_a_broken_environment_is_refused(text, sentence, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        cluster.join()


def test_the_environment_names_the_workers_and_this_one(monkeypatch):
    given = {"cluster": {"chief": ["a:1"], "worker": ["b:2", "c:3"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(given))
    assert cluster._given(None, None) == (["a:1", "b:2", "c:3"], 2)
    monkeypatch.delenv("TF_CONFIG")
    assert cluster._given(None, None) == ([], 0) and cluster.join().count == 1


def test_batches_are_divided_evenly_or_refused():
    cluster.check_batch_size(96, 3)
    with pytest.raises(InvalidInput, match="batch_size is 100, which 3 replicas cannot share evenly; give 99 or 102"):
        cluster.check_batch_size(100, 3)
    with pytest.raises(InvalidInput, match="batch_size is 2, which 3 replicas cannot share evenly; give 3"):
        cluster.check_batch_size(2, 3)


@pytest.mark.parametrize("replicas", [2, 3, 5, 8])
def test_no_replica_is_without_rows_in_the_last_batch(replicas):
    for rows in range(64, 700, 7):
        size = cluster.evaluation_batch(rows, 100, replicas)
        assert size % replicas == 0 and (rows % size == 0 or rows % size > (replicas - 1) * size // replicas)
    assert cluster.evaluation_batch(5000, 500, replicas) in range(480, 521)
    with pytest.raises(InvalidInput, match="1 rows cannot be shared by"):
        cluster.evaluation_batch(1, 100, replicas)


class Mean:
    """Stands for the strategy of one worker of two: the other one's part of a sum is 0."""

    num_replicas_in_sync = 2


def test_what_the_first_worker_finds_or_refuses_reaches_all(monkeypatch):
    sent = []
    first, other = (cluster.Cluster(Mean(), index, 2) for index in (0, 1))
    monkeypatch.setattr(cluster.Cluster, "_sum", lambda self, values: sent.append(values) or values)
    said = first.of_first(lambda: {"epochs": [0.1, 3], "text": "ä" * 5000})
    monkeypatch.setattr(cluster.Cluster, "_sum", lambda self, values: values + sent.pop(0))
    assert other.of_first(pytest.fail) == said == {"epochs": [0.1, 3], "text": "ä" * 5000}
    monkeypatch.setattr(cluster.Cluster, "_sum", lambda self, values: sent.append(values) or values)

    def refuse():
        raise InvalidInput("no such run")

    with pytest.raises(InvalidInput, match="no such run"):
        first.of_first(refuse)
    monkeypatch.setattr(cluster.Cluster, "_sum", lambda self, values: values + sent.pop(0))
    with pytest.raises(InvalidInput, match="no such run"):
        other.check_same(ConfigDict().to_dict())


def test_a_lost_worker_is_one_sentence_and_another_error_is_itself():
    with pytest.raises(LostWorker, match="worker 1 lost another worker .Collective ops is aborted.; start all"):
        with cluster.Cluster(Mean(), 1, 2).watched():
            raise tf.errors.InternalError(None, None, "Graph error:\nCollective ops is aborted\nand more")
    with pytest.raises(tf.errors.InternalError), cluster.Cluster(Mean(), 1, 2).watched():
        raise tf.errors.InternalError(None, None, "a fault of another kind")
    with pytest.raises(tf.errors.UnavailableError), cluster.Cluster(Mean()).watched():
        raise tf.errors.UnavailableError(None, None, "gone")


@pytest.mark.exhaustive
def test_several_steps_in_one_call_on_two_replicas_take_the_steps_of_single_calls():
    import keras

    found = []
    for steps in (1, 3):
        with two_cpus().scope():
            model = tiny("ae")
            model.compile(keras.optimizers.SGD(0.05), steps_per_execution=steps)
        x, = examples(model, 8 * 7)
        batches, held_out = (data.from_arrays(x, split=split, batch_size=8) for split in ("train", "test"))
        history = model.fit(batches, epochs=2, validation_data=held_out, verbose=0)
        found.append((np.concatenate([w.ravel() for w in model.get_weights()]), history.history))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1] and model.step.numpy() == 14


@pytest.mark.slow  # seven processes in three runs
@pytest.mark.parametrize("model", ["ae", "vae"])
def test_two_processes_end_as_one_does_and_after_a_kill_with_the_same_bits(model):
    ran = subprocess.run([sys.executable, SCRIPT, f"--model={model}"], capture_output=True, text=True, timeout=3600)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    found = json.loads(ran.stdout)
    assert found["bits_differ"] == [] and not found["logs_differ"]
    assert -9 in found["killed"]["codes"][1] and "lost another worker" in "".join(found["killed"]["messages"][0])
    assert found["through"]["codes"] == [[0], [0]]
