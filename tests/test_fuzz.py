"""A small part of `python tests/fuzz.py`, the same each time; and that it notices what it is for."""

import fuzz
import pytest
from fuzz_doors import AREAS, Door
from fuzz_values import COUNT
from zoo import sparing

from dgm_zoo.checks import whole_number

INPUTS = {  # of each group of an area, of which create, endpoints and constructors have one for each model
    "config": 400, "serving": 150, "data": 150, "metrics": 150, "viz": 60, "training": 30, "create": 15,
    "endpoints": 15, "constructors": 15, "cli": 12,
}


@pytest.mark.parametrize("area", sparing(INPUTS, ["config", "serving", "data", "metrics", "viz"]))
def test_a_bad_value_gets_a_sentence_or_a_right_answer(area, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some values name files that are then written
    counts, faults = fuzz.run(area, inputs=INPUTS[area])
    assert faults == []
    assert counts[fuzz.SENTENCE] > counts[fuzz.RIGHT]


def test_every_area_has_doors_by_group():
    assert set(INPUTS) == set(AREAS)
    assert all(AREAS.values())


@pytest.mark.parametrize("call, kinds", [
    (lambda n: whole_number("n", n), {fuzz.SENTENCE, fuzz.RIGHT}),
    (lambda n: int(n), {fuzz.TRACEBACK, fuzz.RIGHT, fuzz.ACCEPTED}),
    (lambda n: None, {fuzz.RIGHT, fuzz.ACCEPTED}),
], ids=["checked", "unchecked", "ignored"])
def test_a_fault_is_counted_and_named_with_its_call(call, kinds, monkeypatch):
    monkeypatch.setitem(AREAS, "planted", {"": lambda: [Door("planted", call, {"n": 1}, {"n": COUNT})]})
    counts, faults = fuzz.run("planted")
    assert set(counts) == kinds and sum(counts.values()) == len(COUNT.values)
    assert {fault.kind for fault in faults} == kinds & {fuzz.TRACEBACK, fuzz.ACCEPTED}
    assert all(fault.call.startswith("planted(n=") for fault in faults)
