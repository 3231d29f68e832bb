"""`python -m dgm_zoo.training.child WORKDIR THREADS`: one run of a sweep in a process of its own.

Reads the resolved config from stdin as JSON. Ends with 0, or with 1 and one sentence on stderr.
"""

import json
import sys

import tensorflow as tf


def main(workdir: str, threads: int) -> int:
    """Trains the config on stdin in `workdir` with at most `threads` threads; 0 leaves them to TensorFlow."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    from dgm_zoo import training
    from dgm_zoo.errors import InvalidInput, NonFiniteLoss

    try:
        training.train(json.load(sys.stdin), workdir, verbose=0)
    except (InvalidInput, NonFiniteLoss) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
