"""What Keras promises of `fit`, for one model of each distinct training step: `zoo.representatives`.

Which networks and terms a model has makes no difference here; which functions a step runs, and whose optimizers, do.
"""

import keras
import numpy as np
import pytest
from life import batches, compiled, life
from zoo import KEPT, body, examples, representatives, sparing, weights

from dgm_zoo.errors import InvalidInput
from dgm_zoo.models import list_models

REPRESENTATIVES = representatives()


def test_every_model_is_represented_by_one_with_the_same_step():
    stands_for = {name: one for one, names in REPRESENTATIVES.items() for name in names}
    assert sorted(stands_for) == list_models() and set(REPRESENTATIVES) >= KEPT
    for name, one in stands_for.items():
        assert body(name) == body(one), f"{name} does not train as {one} does"
    assert len({body(name) for name in list_models()}) == len(REPRESENTATIVES)


@pytest.mark.parametrize("name", sparing(REPRESENTATIVES, KEPT - {"ada", "bihm"}))
class TestContract:
    def test_fit_takes_arrays_as_it_takes_a_dataset(self, name):
        model = compiled(name)
        model.fit(*examples(model, 64), batch_size=16, shuffle=False, verbose=0)
        # not to the bit: in which order TensorFlow adds depends on whether it knows the size of a batch
        np.testing.assert_allclose(weights(model), life(name).after[0], rtol=0, atol=1e-4)

    def test_backup_and_restore_resumes_to_the_same_bits(self, name, tmp_path):
        for epochs in (1, 2):
            model = compiled(name)
            backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
            model.fit(batches(model), epochs=epochs, verbose=0, callbacks=[backup])
            np.testing.assert_array_equal(weights(model), life(name).after[epochs - 1])

    def test_runs_eagerly(self, name):
        model = compiled(name, run_eagerly=True)
        model.fit(batches(model), verbose=0)
        np.testing.assert_allclose(weights(model), life(name).after[0], atol=1e-4)

    def test_several_steps_in_one_execution_are_the_same_steps(self, name):
        model = compiled(name, steps_per_execution=4)
        model.fit(batches(model), verbose=0)
        np.testing.assert_allclose(weights(model), life(name).after[0], atol=1e-6)

    def test_validation_data_of_another_shape_and_lists_are_refused_before_training(self, name):
        model = compiled(name)
        if model.domains:
            pytest.skip("tests/test_domains.py has the sentences for two domains")
        x, label = np.zeros((8, 5, 5, 1), "float32"), np.zeros(8, "int32")
        with pytest.raises(InvalidInput, match=r"fit.validation_data.: x has shape \[8, 5, 5, 1\], but this model"):
            model.fit(*examples(model, 8), validation_data=(x, label), verbose=0)
        with pytest.raises(InvalidInput, match="fit: x is a list; give one array, or a tf.data.Dataset"):
            model.fit([x], label, verbose=0)
