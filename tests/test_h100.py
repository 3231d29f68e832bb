"""What the benchmark for an H100 reads from compiled programs and from graphs; no compiler for GPUs is needed."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import zoo

from dgm_zoo.core import steps
from dgm_zoo.core.explaining import explaining
from dgm_zoo.errors import NonFiniteLoss
from dgm_zoo.models import list_models

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

WINDOW = "window={size=5x5 stride=2x2 pad=2_1x2_1}, dim_labels=b01f_01io->b01f, custom_call_target="
PROGRAM = """HloModule example, is_scheduled=true

%fused_dot (p.0: bf16[8,4], p.1: bf16[4,16]) -> bf16[8,16] {
  %p.0 = bf16[8,4]{1,0} parameter(0)
  %p.1 = bf16[4,16]{1,0} parameter(1)
  ROOT %dot.1 = bf16[8,16]{1,0} dot(%p.0, %p.1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}

%body (s: (s32[], f32[8,16])) -> (s32[], f32[8,16]) {
  %s = (s32[], f32[8,16]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%s), index=0
  %y = f32[8,16]{1,0} get-tuple-element(%s), index=1
  %copy.1 = f32[8,16]{0,1} copy(%y)
  ROOT %next = (s32[], f32[8,16]{0,1}) tuple(%i, %copy.1)
}

%condition (s.1: (s32[], f32[8,16])) -> pred[] {
  %s.1 = (s32[], f32[8,16]{1,0}) parameter(0)
  ROOT %more = pred[] constant(true)
}

ENTRY %main (a: bf16[8,4], b: bf16[4,16], x: f32[2,14,14,3], k: f32[5,5,3,6], s.2: (s32[], f32[8,16])) -> f32[] {
  %a = bf16[8,4]{1,0} parameter(0)
  %b = bf16[4,16]{1,0} parameter(1)
  %x = f32[2,14,14,3]{3,2,1,0} parameter(2)
  %k = f32[5,5,3,6]{3,2,1,0} parameter(3)
  %s.2 = (s32[], f32[8,16]{1,0}) parameter(4)
  %product = bf16[8,16]{1,0} fusion(%a, %b), kind=kCustom, calls=%fused_dot, backend_config={"kind":"__triton_gemm"}
  %conv = (f32[2,7,7,6]{3,2,1,0}, u8[0]{0}) custom-call(%x, %k), WINDOW"__cudnn$convForward", metadata={op_name="a(b"}
  %y.1 = f32[2,7,7,6]{3,2,1,0} get-tuple-element(%conv), index=0
  %dx = (f32[2,14,14,3]{3,2,1,0}, u8[0]{0}) custom-call(%y.1, %k), WINDOW"__cudnn$convBackwardInput"
  %dk = (f32[5,5,3,6]{3,2,1,0}, u8[0]{0}) custom-call(%x, %y.1), WINDOW"__cudnn$convBackwardFilter"
  LOOP
  ROOT %told = f32[] custom-call(%y.1), custom_call_target="xla_ffi_python_gpu_callback"
}
""".replace("WINDOW", WINDOW)
LOOP = '%loop = (s32[], f32[8,16]{1,0}) while(%s.2), condition=%condition, body=%body'
KNOWN = ', backend_config={"known_trip_count":{"n":"7"},"known_init_step":{"init":"0","step":"1"}}'


@pytest.fixture
def h100(monkeypatch):
    """The benchmark, importable as it is from its folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import h100

    return h100


@pytest.fixture
def work(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import h100_hlo

    return h100_hlo.work


def test_flops_are_those_of_products_and_convolutions_by_their_operands_dtype(work):
    found = work(PROGRAM.replace("LOOP", LOOP + KNOWN))
    convolution = 2 * (2 * 7 * 7 * 6) * (5 * 5 * 3)  # of it and of both its gradients: the same products
    assert found["flops"] == {"bf16": 2 * 8 * 4 * 16, "f32": 3 * convolution}


def test_kernels_and_bytes_count_as_often_as_a_loop_runs(work):
    once, often = work(PROGRAM.replace("LOOP", LOOP)), work(PROGRAM.replace("LOOP", LOOP + KNOWN))
    assert once["kinds"]["copy"] == 1 and often["kinds"]["copy"] == 7
    assert often["bytes"] - once["bytes"] == 6 * 2 * 4 * 8 * 16
    assert (once["loops"], often["loops"]) == (1, 0)
    assert once["kinds"]["product fusion"] == 1 and once["kernels"] == 6
    x, k, y = 4 * 2 * 14 * 14 * 3, 4 * 5 * 5 * 3 * 6, 4 * 2 * 7 * 7 * 6
    product = 2 * (8 * 4 + 4 * 16 + 8 * 16)
    assert once["bytes"] == product + 3 * (x + k + y) + 2 * 4 * 8 * 16 + y + 4


def test_calls_of_the_host_are_found(work):
    assert work(PROGRAM.replace("LOOP", LOOP))["host"] == ["xla_ffi_python_gpu_callback"]


def test_a_branch_counts_as_its_largest(work):
    text = PROGRAM.replace(
        "LOOP", "%either = (s32[], f32[8,16]{1,0}) conditional(%a, %s.2, %s.2), true_computation=%body, "
        "false_computation=%condition")
    found = work(text)
    assert found["branches"] == 1 and found["kinds"]["copy"] == 1


def test_the_roofline_is_the_larger_of_compute_and_memory(h100):
    times = h100.roofline({"f32": 67e9, "bf16": 989.4e9}, 3.35e9)
    assert times["flops_without_tf32"] == pytest.approx(2.0) and times["bytes"] == pytest.approx(1.0)
    assert times["at_least"] == pytest.approx(1.0 + 67 / 494.7)
    with pytest.raises(ValueError, match="f8e4m3"):
        h100.roofline({"f8e4m3": 1.0}, 1.0)


def test_what_the_host_does_in_a_graph_is_listed(h100):
    @tf.function
    def step(x):
        with tf.device("CPU:0"):
            fine = tf.reduce_all(x < 1.0)
            checked = tf.cond(fine, lambda: True, lambda: tf.numpy_function(lambda: np.True_, [], tf.bool))
        tf.debugging.Assert(tf.reduce_sum(x) > 0.0, ["x"])
        tf.cond(tf.reduce_sum(x) < 9.0, tf.no_op, lambda: tf.debugging.Assert(False, ["y"]))
        return checked

    with h100.host_calls() as calls:
        graph = step.get_concrete_function(tf.TensorSpec([4])).graph.as_graph_def()
    assert [branch for _, branch in calls] == [True]
    found = h100.on_host(graph)
    assert found["decisions"] == {"CPU": 1, "any": 1}
    assert found["operations"] == ["Assert", "Assert (only if a check fails)"]


@pytest.mark.parametrize("name", zoo.sparing(list_models(), {"vae"}))
def test_a_whole_training_step_is_one_program_without_the_host(h100, name):
    """Every operation of it has a kernel for XLA: the step, the check of its batch, of its terms, and the metrics."""
    model = zoo.tiny(name)
    model.compile("adam", jit_compile=True)
    function, arguments = h100.training_step(model, 4, classes=zoo.CLASSES)
    program, found = h100.lowered(function, arguments)
    assert program
    assert all("only if a check fails" in one for one in found["operations"])


def test_an_endpoint_is_one_program_of_as_many_rows_as_it_answers_at_once(h100):
    model = zoo.tiny("vae")
    function, arguments, rows = h100.endpoint(model, "sample", 3)
    program, found = h100.lowered(function, arguments)
    assert program and rows == 3 and arguments[0].shape == [3]
    assert found["operations"] == []
    assert h100.endpoint(model, "sample", 10**6)[2] == model.endpoints()["sample"].rows


def test_the_check_of_terms_names_the_first_broken_one_and_compiles():
    def check(a, b, c):
        steps.check_finite({"a": a, "b": b, "c": c}, tf.constant(3, tf.int64))
        return a

    fine, broken = tf.ones([2]), tf.constant([1.0, np.nan])
    tf.function(check, jit_compile=True)(fine, fine, fine)
    tf.function(check)(fine, fine, 3e38 * fine)  # the sum is infinite, and no term is
    with pytest.raises(NonFiniteLoss, match="term 'b' became NaN or infinite at step 3"):
        explaining(tf.function(check))(fine, broken, broken)


def test_the_results_say_that_nothing_was_run_on_a_gpu():
    report = json.loads((BENCHMARKS / "results" / "h100.json").read_text())
    assert report["nothing_was_run_on_a_gpu"] and not report["quick"]
    told = [*report["results"], *report["failures"], *report["not_compiled_yet"]]
    assert {one.split(", ")[0] for one in told} == set(list_models())
    hand = report["vae_by_hand"]
    assert hand["flops"] <= hand["counted"] <= 1.05 * hand["flops"]
    assert "**Nothing here was run or timed on a GPU.**" in (BENCHMARKS / "h100.md").read_text()
