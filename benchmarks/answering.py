"""The loop of a process that answers another's requests: one JSON request per line on stdin, one answer on stdout.

A worker's script names a function for each request, whose arguments are the request's other keys and whose result, a
dict, is the answer:

    answering.serve(hello=answering.hello_torch, build=build, train=train)

    {"do": "hello", "threads": 2}        -> {"python": ..., "torch": ...}
    {"do": "train", "data": "x.npy"}     -> {"seconds": ...}

Everything else that the process prints goes to stderr. Needs nothing but the standard library, so that a worker may run
in an environment without dgm_zoo.
"""

import json
import os
import platform
import sys


def serve(**requests):
    """Answers requests by the functions of their names until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        if do not in requests:
            raise ValueError(f"unknown request {do!r}; one of {sorted(requests)}")
        print(json.dumps(requests[do](**request)), file=answers, flush=True)


def hello_torch(threads):
    """Gives PyTorch so many threads; returns its versions."""
    import torch

    torch.set_num_threads(threads)
    return {"python": platform.python_version(), "torch": torch.__version__, "torch_threads": torch.get_num_threads()}
