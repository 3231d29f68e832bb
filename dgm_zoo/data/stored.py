"""Files that TensorFlow Datasets has prepared: reading them, and one sentence for those that are damaged."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from dgm_zoo.errors import InvalidInput, is_refused, unreadable


@contextlib.contextmanager
def stored_files(name: str, folder: str | os.PathLike) -> Iterator[None]:
    """Context in which what TFDS raises for damaged files in `folder`, of many kinds, becomes one sentence.

    Raises:
      InvalidInput: a file is damaged or missing; or the system refuses it, and it may be whole.
    """
    import tensorflow as tf

    try:
        yield
    except (InvalidInput, MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except (PermissionError, tf.errors.PermissionDeniedError):
        raise InvalidInput(f"'{folder}' cannot be read; correct the permissions of its files") from None
    except Exception as error:
        if is_refused(error):
            raise unreadable(folder, error) from None
        reason = re.sub(r"\{\{.*?\}\} ?|\[Op:.*", "", str(error).partition("\n")[0])[:200].strip(" .")
        raise InvalidInput(
            f"'{folder}', where data set '{name}' is stored, is damaged ({reason}); delete it and prepare the set again"
        ) from None


def blocks(name: str, folder: str | os.PathLike, **options: Any) -> Iterator[Any]:
    """Yields the examples, or batches of them, of a prepared set as NumPy arrays, in their order.

    Args:
      name: of the set, for messages.
      folder: its folder.
      **options: of `as_dataset` of its builder, such as `split` and `batch_size`.

    Raises:
      InvalidInput: see `stored_files`.
    """
    import tensorflow_datasets as tfds

    with stored_files(name, folder):
        found = tfds.builder_from_directory(os.fspath(folder)).as_dataset(shuffle_files=False, **options)
        left = iter(tfds.as_numpy(found))
    while True:
        with stored_files(name, folder):
            block = next(left, None)
        if block is None:
            return
        yield block
