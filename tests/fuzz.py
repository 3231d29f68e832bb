"""Fuzzing: a bad value in each argument of each public door gets one sentence, or a right answer.

    python tests/fuzz.py                                     # every area, a minute of each
    python tests/fuzz.py endpoints --seconds=300 --seed=1    # one area, longer, in another order

The values are tables of kinds (`fuzz_values.py`); the doors, by area, are in `fuzz_doors.py`. An input is a door with
one of its arguments replaced. It ends in

* a sentence: `InvalidInput` or `NonFiniteLoss`, of one line; on the command line exit code 2 and one line;
* a right answer: the kind says that the value may be accepted, and the door's own rule holds for the answer;
* a TRACEBACK: any other exception, or a message of several lines;
* WRONGLY ACCEPTED: an answer, to a value that cannot be right or against the door's rule.

Each of the last two is printed with its call, the shortest of its door and argument, and makes the exit code 1.
"""

import argparse
import collections
import contextlib
import io
import os
import random
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

KINDS = SENTENCE, RIGHT, TRACEBACK, ACCEPTED = "sentences", "right answers", "TRACEBACKS", "WRONGLY ACCEPTED"
MEMORY = 12 * 2**30  # bytes of address space: an input that is not refused must not take the machine with it


class Fault(NamedTuple):
    """An input that ended wrongly: `kind` is TRACEBACK or ACCEPTED, `call` how to do it again, `why` what happened."""

    kind: str
    call: str
    why: str


def outcome(door, argument, value, may):
    """What happens at a door: (kind, why).

    Args:
      door: a `fuzz_doors.Door`.
      argument: the name of one of its arguments.
      value: what it gets.
      may: whether the value can be right there.
    """
    from dgm_zoo.errors import InvalidInput, NonFiniteLoss

    given = {**door.good, argument: value}
    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    try:
        with quiet[0], quiet[1], warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = door.call(**given)
            wrong = door.rule(given, answer)
    except (InvalidInput, NonFiniteLoss) as error:
        return (TRACEBACK, f"several lines: {str(error)[:200]}") if "\n" in str(error) else (SENTENCE, str(error))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "dgm_zoo" in frame.filename] or frames
        at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        return TRACEBACK, f"{at}: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
    if wrong:
        return ACCEPTED, wrong
    return (RIGHT, "") if may else (ACCEPTED, f"returned {_short(answer)}")


def run(area, seed=0, seconds=None, groups=None, inputs=None):
    """Fuzzes one area; returns (counts by outcome, faults).

    Args:
      area: a key of `fuzz_doors.AREAS`: a dict of group to a function that returns its doors.
      seed: of the order of groups and of inputs.
      seconds: how long it may compute, shared equally among the groups; None for no limit.
      groups: how many groups, such as models; None for all.
      inputs: how many inputs of each group; None for all.
    """
    from fuzz_doors import AREAS

    order, counts, faults = random.Random(f"{seed} {area}"), collections.Counter(), {}
    names = list(AREAS[area])
    order.shuffle(names)
    end = None if seconds is None else time.process_time() + seconds
    for left, group in reversed(list(enumerate(names[:groups], 1))):
        if end is not None and time.process_time() > end:
            break
        until = None if end is None else time.process_time() + max(0.0, end - time.process_time()) / left
        cases = [(door, *case) for door in AREAS[area][group]() for case in door.cases()]
        order.shuffle(cases)
        for door, argument, label, value, may in cases[:inputs]:
            if until is not None and time.process_time() > until:
                break
            kind, why = outcome(door, argument, value, may)
            counts[kind] += 1
            if kind in (TRACEBACK, ACCEPTED):
                fault = Fault(kind, f"{door.name}({argument}={_short(value)})  [{label}]", why)
                key = kind, door.name, argument, why.partition(":")[0]
                faults[key] = min(faults.get(key, fault), fault, key=lambda one: len(one.call))
    return counts, list(faults.values())


def _short(value):
    try:
        text = " ".join(repr(value).split())
    except Exception as error:  # a loop, a tensor of a graph
        text = f"<{type(value).__name__}: {type(error).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."


def main():
    from fuzz_doors import AREAS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all if none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="of computing, of each area")
    parser.add_argument("--seed", type=int, default=0, help="of the order")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.areas) - set(AREAS)):
        parser.error(f"there is no area {unknown[0]}; take {', '.join(AREAS)}")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    bad, lines = 0, []
    for area in asked.areas or AREAS:
        counts, faults = run(area, asked.seed, asked.seconds)
        for fault in sorted(faults):
            print(f"{area}: {fault.kind}: {fault.call}\n    {fault.why}")
        found = [counts[kind] for kind in KINDS]
        lines.append(f"| {area} | {sum(found):,} | " + " | ".join(f"{count:,}" for count in found) + " |")
        print(lines[-1], flush=True)
        bad += counts[TRACEBACK] + counts[ACCEPTED]
    print("", f"| area | inputs | {' | '.join(KINDS)} |", "|---" * 6 + "|", *lines, sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
