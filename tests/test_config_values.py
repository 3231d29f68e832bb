"""Every key of a config with values of every wrong kind: one sentence, or a value that a run can use."""

import copy
import inspect
import math

import numpy as np
import pytest

from dgm_zoo import data
from dgm_zoo.errors import InvalidInput
from dgm_zoo.training import load_config, resolve
from dgm_zoo.training.config import EVALUATE, TRAIN, make_optimizers

LOOP = {}
LOOP["itself"] = LOOP
VALUES = {
    "None": None, "[]": [], "{}": {}, "a": "a", "empty": "", "zero byte": "a\0b", "nan": math.nan, "inf": math.inf,
    "-1": -1, "0": 0, "2.5": 2.5, "10**30": 10**30, "True": True, "loop": LOOP, "[[1]]": [[1]], "set": {1},
    "object": object(), "bytes": b"a", "complex": 1j, "section": {"name": 3}, "256 characters": "a" * 256,
}
BASE = {"model": {"name": "vae", "latent_dim": 2}, "data": {"name": "digits", "batch_size": 100}}
OPTIMIZER = {  # setting: the values of VALUES that it takes
    "learning_rate": {"2.5", "10**30"}, "beta_1": {"0"}, "epsilon": {"2.5", "10**30"},
    "clipnorm": {"None", "2.5", "10**30"}, "weight_decay": {"None", "0", "2.5", "10**30"}, "use_ema": {"True"},
    "ema_momentum": {"0"}, "gradient_accumulation_steps": {"None"}, "players": {"{}"}, "name": set(), "momentum": set(),
}
PATHS = {"None", "a", "256 characters"}
TAKEN = {
    "data.batch_size": set(), "data.data_dir": PATHS, "data.limit": {"None"},
    "data.dequantize": {"None", "True"}, "data.labels": {"None", "True"}, "data.name": set(), "data.target": {"None"},
    "train.epochs": set(), "train.seed": {"-1", "0"}, "train.optimizer": {"{}"}, "train.decay": {"None"},
    "train.jit_compile": {"True"}, "train.steps_per_execution": set(), "train.precision": set(),
    "train.start_from": PATHS, "train.patience": {"None"}, "train.checkpoint_seconds": {"0", "2.5", "10**30"},
    "train.sample_every": {"None"},
    "evaluate.batch_size": set(), "evaluate.num_samples": set(), "evaluate.repetitions": set(),
    "evaluate.limit": {"None"}, "evaluate.classifier": PATHS,
    "model.name": set(), "model": set(), "data": set(), "train": {"{}"}, "evaluate": {"{}"}, "modle": set(),
    **{f"train.optimizer.{key}": taken for key, taken in OPTIMIZER.items()},
    "train.optimizer.players.theta": {"{}"}, "train.optimizer.players.theta.learning_rate": {"2.5", "10**30"},
    "train.optimizer.players.phi": set(),
}


@pytest.mark.parametrize("key", TAKEN)
def test_a_key_takes_what_it_can_be_and_refuses_the_rest_in_one_sentence(key):
    taken = set()
    for name, value in VALUES.items():
        config = copy.deepcopy(BASE)
        *sections, leaf = key.split(".")
        node = config
        for section in sections:
            node = node.setdefault(section, {})
        node[leaf] = value
        try:
            resolve(config)
        except InvalidInput as error:
            assert "\n" not in str(error), (name, error)
        else:
            taken.add(name)
    assert taken == TAKEN[key]


def test_the_table_names_every_key():
    options = {"batch_size", "data_dir", "dequantize", "labels", "limit", "name"}
    assert options <= set(inspect.signature(data.load).parameters)  # the others are checked when data are loaded
    assert {f"train.{key}" for key in TRAIN} | {f"evaluate.{key}" for key in EVALUATE} <= set(TAKEN)


TEXTS = {"deep": "[" * 100_000, "deep sections": '{"a": ' * 100_000, "half": '"a', "zero": "\x00", "empty": ""}


@pytest.mark.parametrize("text", [*TEXTS.values(), "{}", "[]", "null", "3", '{"model": 3}'], ids=lambda text: text[:9])
def test_a_config_file_of_anything_is_refused_in_one_sentence(text, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InvalidInput) as error:
        load_config(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["-" * 100_000 + "1", "9" * 5000, "\0"], ids=["deep", "long", "zero byte"])
def test_an_override_that_python_cannot_read_is_refused(value, tmp_path):
    (tmp_path / "config.py").write_text(f"def get_config():\n    return {BASE!r}\n")
    with pytest.raises(InvalidInput, match="config.train.epochs is "):
        load_config(tmp_path / "config.py", [f"train.epochs={value}"])


def test_a_learning_rate_may_be_a_whole_number():
    train = resolve({**BASE, "train": {"optimizer": {"name": "sgd", "learning_rate": 2}}}).train.to_dict()
    assert float(make_optimizers(train, ["eta"])["eta"].learning_rate) == 2.0


def test_stages_change_the_learning_rate_at_their_share_of_the_steps():
    """The eight stages of the IWAE's authors: 3^i epochs at 10^(-i/7) times the first rate."""
    stages = [[(3**i - 1) / 2 / 3280, 10 ** (-i / 7)] for i in range(1, 8)]
    train = resolve({**BASE, "train": {"decay": stages, "optimizer": {"learning_rate": 1e-3}}}).train.to_dict()
    rate = make_optimizers(train, ["eta"], lambda player: 3280 * 10)["eta"]._learning_rate
    found = [float(rate(step)) for step in (0, 9, 10, 39, 40, 3280 * 10 - 1)]
    wanted = 1e-3 * 10 ** (-np.array([0, 0, 1, 1, 2, 7]) / 7)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("stages", ["linear", [], [0.5], [[0.5]], [[0.5, 0]], [[1.0, 0.1]], [[0, 0.1]],
                                    [[0.5, 0.1], [0.5, 0.01]], [[0.5, 0.1], [0.2, 0.01]], [[0.5, "a"]], [[0.5, True]]])
def test_stages_that_are_none_are_refused(stages):
    with pytest.raises(InvalidInput, match=r"config.train.decay is .*; give None, 'cosine', or stages such as \[\[0.5"):
        resolve({**BASE, "train": {"decay": stages}})
