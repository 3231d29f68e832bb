"""Imports TensorFlow without its log on the terminal."""

import contextlib
import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow silently, unless TF_CPP_MIN_LOG_LEVEL is 0 or 1, with which a user asks for its log.

    A command calls this before it imports a package that needs TensorFlow. Setting the variable is not enough:
    TensorFlow 2.21 writes some lines to stderr before it reads the variable.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") in ("0", "1") or "tensorflow" in sys.modules:
        return
    from absl import logging

    logging.set_verbosity(logging.ERROR)
    with _held_back_stderr():
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")  # its Python logger warns about each new trace


@contextlib.contextmanager
def _held_back_stderr():
    """Buffers all output to file descriptor 2, including that of native code; writes it out if there is an error."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # not after Ctrl-C
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
