"""Adam's update of a variable in one pass over memory.

Keras writes Adam as a dozen operations, each of which reads and writes arrays as large as the variable. On a CPU that
takes a large part of a step, half of it in small models with wide layers. TensorFlow has a kernel for all of it.
"""

import functools
from typing import Any

import keras
import tensorflow as tf


def fuse(optimizer: keras.optimizers.Optimizer) -> None:
    """Makes a Keras `Adam` or `AdamW` update its variables by TensorFlow's kernel; leaves other optimizers as they are.

    The update is the same but for rounding: schedules, clipping, weight decay, averages and accumulation are Keras'.
    Under a distribution strategy, for sparse gradients and for variables that are not float32, Keras' own is used.

    Example:
      >>> adam = keras.optimizers.Adam(1e-3)
      >>> fuse(adam)
    """
    if type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad:
        optimizer.update_step = functools.partial(_update, optimizer)


def _update(adam: Any, gradient: Any, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
    """`keras.optimizers.Adam.update_step`."""
    plain = tf.is_tensor(gradient) and not isinstance(gradient, tf.IndexedSlices) and gradient.dtype == tf.float32
    if tf.distribute.has_strategy() or not plain or variable.dtype != tf.float32:
        return type(adam).update_step(adam, gradient, variable, learning_rate)
    step, index = tf.cast(tf.convert_to_tensor(adam.iterations) + 1, tf.float32), adam._get_variable_index(variable)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle, m=adam._momentums[index].value.handle, v=adam._velocities[index].value.handle,
        beta1_power=tf.pow(adam.beta_1, step), beta2_power=tf.pow(adam.beta_2, step),
        lr=tf.cast(learning_rate, tf.float32), beta1=adam.beta_1, beta2=adam.beta_2, epsilon=adam.epsilon,
        grad=gradient,
    )
