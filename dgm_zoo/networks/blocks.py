"""Convolutions of windows that do not overlap, computed as one matrix product."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("dgm_zoo")
class BlockConv2D(keras.layers.Conv2D):
    """`Conv2D` with `strides` equal to the kernel's size: each output is a dense layer of its own block of the input.

    On a CPU its gradients take a fraction of the time of the general convolution's; weights and outputs are the same.

    Args:
      filters: number of output channels.
      kernel_size: (height, width) of a block, one of them 1. The input's sides are multiples of it, and a block higher
        than 1 needs an input of width 1.
      **kwargs: see `keras.layers.Conv2D`.

    Example:
      >>> BlockConv2D(8, (1, 12))(tf.zeros([2, 16, 84, 5])).shape
      TensorShape([2, 16, 7, 8])
    """

    def __init__(self, filters: int, kernel_size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **{**kwargs, "strides": kernel_size, "padding": "valid"})

    def call(self, inputs: Any) -> Any:
        (rows, columns), (height, width, channels) = self.kernel_size, inputs.shape[1:]
        blocks = keras.ops.reshape(inputs, (-1, height // rows, width // columns, rows * columns * channels))
        found = keras.ops.matmul(blocks, keras.ops.reshape(self.kernel, (-1, self.filters)))
        return self.activation(found + self.bias if self.use_bias else found)


@keras.saving.register_keras_serializable("dgm_zoo")
class BlockConv2DTranspose(keras.layers.Conv2DTranspose):
    """`Conv2DTranspose` with `strides` equal to the kernel's size: each input is mapped to its own block of the output.

    Args:
      filters, kernel_size, **kwargs: see `BlockConv2D`.

    Example:
      >>> BlockConv2DTranspose(5, (1, 12))(tf.zeros([2, 16, 7, 8])).shape
      TensorShape([2, 16, 84, 5])
    """

    def __init__(self, filters: int, kernel_size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **{**kwargs, "strides": kernel_size, "padding": "valid"})

    def call(self, inputs: Any) -> Any:
        (rows, columns), (height, width, channels) = self.kernel_size, inputs.shape[1:]
        kernel = keras.ops.reshape(self.kernel, (-1, channels))  # [rows * columns * filters, channels]
        blocks = keras.ops.matmul(inputs, keras.ops.transpose(kernel))
        found = keras.ops.reshape(blocks, (-1, height * rows, width * columns, self.filters))
        return self.activation(found + self.bias if self.use_bias else found)
