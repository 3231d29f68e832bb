"""What an optimised HLO program computes, moves and launches, read from its text; needs Python alone.

XLA's own cost analysis is empty for GPUs, so the text that XLA prints of a compiled program is read instead:

* FLOPs are those of matrix products and convolutions, 2 for each multiplication and addition, wherever they are: in a
  fusion, by themselves, or in a call of cuBLAS or cuDNN. Zeros that XLA pads operands with count, since the program
  multiplies them; elementwise functions and random numbers do not count.
* Bytes are those of the operands and results of each kernel, as if none stayed in a cache, and as if a kernel read all
  of an operand that it slices. So a small model moves fewer.
* Kernels are fusions, library calls and all other instructions that run by themselves. XLA may split one into several.

What a loop does counts as often as the loop runs, or once if XLA does not know how often; of branches the largest
counts.
"""

import collections
import math
import re
from typing import NamedTuple

BITS = {"pred": 8, "bf16": 16, "c64": 64, "c128": 128}  # of others the digits of the name say
FREE = {  # instructions that run nothing
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id", "replica-id",
    "opt-barrier", "add-dependency", "domain",
}
HOST = re.compile(r"callback|infeed|outfeed|py_?func|\bsend\b|\brecv\b|host", re.IGNORECASE)
SHAPE = re.compile(r"\b(pred|bf16|[sufc]\d+\w*)\[([\d,<=]*)\]")
INSTRUCTION = re.compile(r"^\s+(?:ROOT )?(%[\w.\-]+) = (.+)$")


class Instruction(NamedTuple):
    """One line of a computation: its name, the shapes of its result, its opcode, its operands, and the line's rest."""

    name: str
    shapes: list
    opcode: str
    operands: list
    rest: str


def work(text):
    """What the program of an HLO text does: a dict.

    Returns:
      A dict of `flops` (by the dtype of the operands), `bytes`, `kernels`, `kinds` (kernels by kind), `loops` of
      unknown length and `branches`, at each of which the host waits for a value from the device, and `host`: the
      instructions that call the host.

    Example:
      >>> work('''ENTRY %main (x: f32[8,4], w: f32[4,2]) -> f32[8,2] {
      ...   %x = f32[8,4]{1,0} parameter(0)
      ...   %w = f32[4,2]{1,0} parameter(1)
      ...   ROOT %y = f32[8,2]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}
      ... }''')["flops"]
      {'f32': 128}
    """
    computations, entry = parsed(text)
    total = _Total(computations)
    total.run(entry, 1)
    return {
        "flops": dict(total.flops), "bytes": total.bytes, "kernels": sum(total.kinds.values()),
        "kinds": dict(total.kinds.most_common()), "loops": total.loops, "branches": total.branches,
        "host": sorted(total.host),
    }


def parsed(text):
    """The computations of an HLO text, a dict of name to a list of `Instruction`, and the name of the entry."""
    computations, current, entry = {}, None, None
    for line in text.splitlines():
        if current is None:
            if head := re.match(r"^(ENTRY )?(%[\w.\-]+) \(.*\{\s*$", line):
                current = computations.setdefault(head[2], [])
                entry = head[2] if head[1] else entry
        elif line.startswith("}"):
            current = None
        elif found := INSTRUCTION.match(line):
            current.append(_instruction(*found.groups()))
    if entry is None:
        raise ValueError("the text has no ENTRY computation")
    return computations, entry


def _instruction(name, line):
    depth, end = 0, 0
    while depth or line[end] != " ":  # the result's type, which has blanks only inside parentheses
        depth += {"(": 1, ")": -1}.get(line[end], 0)
        end += 1
    opcode, rest = line[end + 1 :].split("(", 1)
    depth, close = 1, 0
    while depth:
        depth += {"(": 1, ")": -1}.get(rest[close], 0)
        close += 1
    return Instruction(
        name, shapes(line[:end]), opcode, re.findall(r"%[\w.\-]+", rest[: close - 1]), rest[close:]
    )


def shapes(text):
    """The arrays of an HLO type, `(dtype, dimensions)` each.

    Example:
      >>> shapes("(f32[8,2]{1,0}, s64[])")
      [('f32', [8, 2]), ('s64', [])]
    """
    return [(dtype, [int(re.sub(r"\D", "", n)) for n in sizes.split(",") if n]) for dtype, sizes in SHAPE.findall(text)]


def size(arrays):
    """Bytes of arrays as `shapes` returns them."""
    return sum(math.prod(sizes) * BITS.get(dtype, int(re.sub(r"\D.*", "", dtype[1:]) or 8)) // 8
               for dtype, sizes in arrays)


class _Total:
    def __init__(self, computations):
        self.computations = computations
        self.flops, self.kinds, self.host = collections.Counter(), collections.Counter(), set()
        self.bytes = self.loops = self.branches = 0

    def run(self, computation, times):
        """Adds what a computation that runs by itself does, `times` times."""
        known = {one.name: one for one in self.computations[computation]}
        for one in self.computations[computation]:
            called = re.findall(r"(?:body|to_apply|calls|called_computation)=(%[\w.\-]+)", one.rest)
            if one.opcode in FREE or one.opcode.endswith(("-done", "-update")):
                continue
            if HOST.search(one.opcode) or (one.opcode == "custom-call" and HOST.search(target(one))):
                self.host.add(target(one) or one.opcode)
            if one.opcode == "while":
                length = re.search(r'known_trip_count[^}]*?"n"\s*:\s*"(\d+)"', one.rest)
                self.loops += 0 if length else times
                self.run(called[0], times * (int(length[1]) if length else 1))
            elif one.opcode == "conditional":
                self.branches += times
                self._largest(one, times)
            elif one.opcode in ("call", "async-start"):
                self.run(called[0], times)
            else:
                self._kernel(one, known, called, times)

    def _largest(self, one, times):
        found = re.search(r"branch_computations=\{([^}]*)\}", one.rest)
        names = re.findall(r"%[\w.\-]+", found[1]) if found else re.findall(
            r"(?:true|false)_computation=(%[\w.\-]+)", one.rest)
        totals = []
        for name in names:
            totals.append(_Total(self.computations))
            totals[-1].run(name, times)
        most = max(totals, key=lambda it: (sum(it.flops.values()), it.bytes))
        self.flops.update(most.flops)
        self.kinds.update(most.kinds)
        self.bytes, self.loops, self.branches = (
            self.bytes + most.bytes, self.loops + most.loops, self.branches + most.branches)
        self.host |= set().union(*(it.host for it in totals))

    def _kernel(self, one, known, called, times):
        self.kinds[kind(one)] += times
        operands = {name: known[name].shapes for name in one.operands if name in known}
        self.bytes += times * (sum(map(size, operands.values())) + size(one.shapes))
        if one.opcode == "fusion":
            for name in called:
                self._inside(name, times)
        else:
            self._count(one, known, times)

    def _inside(self, computation, times):
        """Adds the products of a fused computation."""
        known = {one.name: one for one in self.computations[computation]}
        for one in self.computations[computation]:
            if one.opcode == "fusion":
                for name in re.findall(r"calls=(%[\w.\-]+)", one.rest):
                    self._inside(name, times)
            else:
                self._count(one, known, times)

    def _count(self, one, known, times):
        if one.opcode == "dot" or "gemm" in target(one) or "matmul" in target(one):
            self.flops[known[one.operands[0]].shapes[0][0]] += times * product_flops(one, known)
        elif one.opcode == "convolution" or "$conv" in target(one):
            self.flops[known[one.operands[0]].shapes[0][0]] += times * convolution_flops(one, known)


def target(one):
    """What a custom call calls; an empty string for other instructions."""
    found = re.search(r'custom_call_target="([^"]*)"', one.rest) if one.opcode.startswith("custom-call") else None
    return found[1] if found else ""


def kind(one):
    """How a kernel is counted: as "product fusion", "fusion", a library call by its name, or its opcode."""
    if one.opcode == "fusion":
        product = re.search(r'"kind":"__(triton\w*gemm|cublas|cudnn\$fusion)', one.rest)
        return "product fusion" if product else "fusion"
    return target(one) or one.opcode


def product_flops(one, known):
    """2 for each multiplication and addition of a `dot`, or of a cuBLAS call."""
    dims = re.search(r'lhs_contracting_dims=\{([\d,]*)\}|"lhs_contracting_dimensions":\[([^\]]*)\]', one.rest)
    contracted = [int(n) for n in re.findall(r"\d+", dims[1] or dims[2] or "")]
    left = known[one.operands[0]].shapes[0][1]
    return 2 * math.prod(one.shapes[0][1]) * math.prod(left[i] for i in contracted)


def convolution_flops(one, known):
    """2 for each multiplication and addition of a convolution, those with the padding around the image included.

    A cuDNN call is one of three products of the same numbers: of each output of the convolution that it is, or whose
    gradient it is, with a kernel. Of the gradients, that output is the first operand (by the input) or the second (by
    the kernel). XLA's own `convolution` is forward, and zeros between the elements of a dilated input do not count.
    """
    labels = re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", one.rest)
    left, right, result = known[one.operands[0]].shapes[0][1], known[one.operands[1]].shapes[0][1], one.shapes[0][1]
    name = target(one)
    if "BackwardInput" in name:
        output, kernel = left, right
    elif "BackwardFilter" in name:
        output, kernel = right, result
    else:
        output, kernel = result, right
    features = kernel[labels[2].index("o")]  # all sizes of a kernel but this one meet each output
    dilated = re.search(r"lhs_dilate=([\dx]+)", one.rest)
    zeros = math.prod(int(n) for n in dilated[1].split("x")) if dilated else 1
    return 2 * math.prod(output) * math.prod(kernel) // features // zeros
