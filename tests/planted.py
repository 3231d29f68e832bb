"""Plants ten faults, one after another, in a copy of the package, and says which tests find them.

    python tests/planted.py                # all of them
    python tests/planted.py kl_swapped     # some of them, by name

A fault is a text of a module and what stands in its place. A text that is not found, or found twice, ends the command:
the module has changed, and the fault must be stated anew. First the tests run on the copy as it is, where they must
pass. All of them are of the default selection. Exits with 1 if a fault was found by no test.
"""

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One mistake.

    Attributes:
      what: it, in words.
      module: path of the module below the package.
      old, new: a text that the module holds once, and what it becomes.
      tests: the tests that should find it, as pytest takes them.
    """

    what: str
    module: str
    old: str
    new: str
    tests: tuple


CONFORMANCE, RELOADED = (f"tests/test_conformance.py::{one}::" for one in ("TestConformance", "TestReloaded"))
FAULTS = {
    "sign_of_the_bound": Fault(
        "the evidence bound adds the KL", "objectives/evidence.py",
        "return log_likelihood - beta * kl", "return log_likelihood + beta * kl",
        ("tests/test_objectives.py", "tests/test_exact.py"),
    ),
    "lost_stop_gradient": Fault(
        "importance weights carry a gradient", "objectives/evidence.py",
        "return tf.stop_gradient(tf.nn.softmax(log_w, axis=0))", "return tf.nn.softmax(log_w, axis=0)",
        ("tests/test_objectives.py", "tests/test_helmholtz.py"),
    ),
    "wrong_player": Fault(
        "the generator's step moves the discriminator", "core/rounds.py",
        'self.ascend(self.theta_terms, x, c, for_theta, theta=self.ascends["theta"])',
        'self.ascend(self.theta_terms, x, c, for_theta, phi=self.ascends["theta"])',
        (f"{RELOADED}test_a_player_moves_only_what_it_owns[gan]",
         "tests/test_formulation.py::test_a_declaration_is_what_a_training_step_does[gan]"),
    ),
    "stale_noise": Fault(
        "every training step draws the same noise", "core/model.py",
        "stream, position = 0, tf.cast(self.step, tf.int32)", "stream, position = 0, tf.constant(0)",
        (f"{RELOADED}test_each_step_draws_its_own_noise[vae]",),
    ),
    "sum_over_replicas": Fault(
        "gradients are added over replicas, not averaged", "core/steps.py",
        "                    / replicas\n", "",
        ("tests/test_replicas.py::test_two_replicas_train_a_noiseless_model_as_one_does[False]",
         "tests/test_replicas.py::test_with_the_noise_fixed_per_row_the_step_is_that_of_one_replica[cvae]"),
    ),
    "lost_slots": Fault(
        "the optimizers are where Keras does not look for what it saves", "core/compiling.py",
        "        optimizers=optimizers,\n", "        optimizers=__import__('types').MappingProxyType(optimizers),\n",
        (f"{RELOADED}test_saves_and_loads_with_optimizers[vae]",
         f"{RELOADED}test_resumes_to_the_same_bits_and_validation_changes_none[vae]"),
    ),
    "weights_over_the_wrong_axis": Fault(
        "importance weights sum to one over the batch", "objectives/evidence.py",
        "tf.nn.softmax(log_w, axis=0)", "tf.nn.softmax(log_w, axis=-1)",
        ("tests/test_objectives.py", "tests/test_exact.py"),
    ),
    "evaluation_at_random": Fault(
        "evaluation draws other noise each time", "core/model.py",
        "stream, position = 1, self.batches_seen(1)",
        "stream, position = 1, self.batches_seen(1) + tf.random.uniform([], 0, 2**20, tf.int32)",
        (f"{CONFORMANCE}test_evaluate_repeats_itself_and_leaves_training_alone[vae]",),
    ),
    "row_of_its_batch": Fault(
        "an answer depends on how many rows were asked with it", "distributions/noise.py",
        "lambda s: sampler(shape, tf.random.fold_in(s, draw))",
        "lambda s: sampler(shape, tf.random.fold_in(s, draw + tf.shape(self.seed)[0]))",
        ("tests/test_noise.py",
         f"{RELOADED}test_endpoints_agree_with_their_xla_twins_and_do_not_depend_on_the_batch[vae]"),
    ),
    "kl_swapped": Fault(
        "KL(p || q) for KL(q || p)", "distributions/divergences.py",
        "        return tfd.kl_divergence(q, p)\n", "        return tfd.kl_divergence(p, q)\n",
        ("tests/test_distributions.py", "tests/test_exact.py"),
    ),
}


def planted(fault, text):
    """The text of a module with the fault in it; ends the command if its place is not there, once."""
    if text.count(fault.old) != 1:
        raise SystemExit(f"{fault.module} holds {fault.old!r} {text.count(fault.old)} times, not once; state it anew")
    return text.replace(fault.old, fault.new)


def copy(folder):
    """Copies what the tests need; returns the package's folder."""
    for name in ("dgm_zoo", "tests", "configs", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "saved_models").symlink_to(ROOT / "saved_models")
    return folder / "dgm_zoo"


def failures(folder, tests):
    """The names of the tests that fail in a copy, the first five."""
    options = ["-n0", "-q", "-rfE", "--maxfail=5", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    found = re.findall(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
    if ran.returncode not in (0, 1) or bool(ran.returncode) != bool(found):
        raise SystemExit(f"pytest ended with code {ran.returncode}:\n{ran.stdout[-2000:]}{ran.stderr[-500:]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}; all if none is given")
    chosen = parser.parse_args().names or list(FAULTS)
    if unknown := sorted(set(chosen) - set(FAULTS)):
        parser.error(f"no fault is called {unknown[0]}")
    escaped = []
    with tempfile.TemporaryDirectory(prefix="planted_") as folder:
        package = copy(Path(folder))
        whole = {FAULTS[name].module: (package / FAULTS[name].module).read_text() for name in chosen}
        texts = {name: planted(FAULTS[name], whole[FAULTS[name].module]) for name in chosen}
        if broken := failures(folder, sorted({one for name in chosen for one in FAULTS[name].tests})):
            raise SystemExit(f"without any fault fail: {', '.join(broken)}")
        for name in chosen:
            place = package / FAULTS[name].module
            place.write_text(texts[name])
            found = failures(folder, FAULTS[name].tests)
            place.write_text(whole[FAULTS[name].module])
            escaped += [] if found else [name]
            print(f"{name} ({FAULTS[name].what}): {', '.join(found) or 'FOUND BY NO TEST'}", flush=True)
    print(f"{len(chosen) - len(escaped)} of {len(chosen)} faults found")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
