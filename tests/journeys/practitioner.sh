# A Keras practitioner: her own pictures in folders by class, and her own training loop.

python - <<'PYTHON'
from pathlib import Path

import numpy as np
from PIL import Image

rng, grid = np.random.default_rng(0), np.mgrid[:40, :40]
for label, power in (("disc", 2), ("square", 20)):
    Path("pictures", label).mkdir(parents=True)
    for i in range(150):
        centre, radius = rng.uniform(12, 28, (2, 1, 1)), rng.uniform(4, 10)
        inside = (np.abs(grid - centre) ** power).sum(0) < radius**power
        colour = rng.integers(60, 256, 3)
        Image.fromarray((inside[..., None] * colour).astype("uint8")).save(f"pictures/{label}/{i:03d}.jpg")
PYTHON
dgm-zoo data describe folder:pictures --image_size=16,16 > describe.txt
grep -q "16" describe.txt
did "look at the folder"

dgm-zoo train --config=vae_folder --config.data.path=pictures --config.data.image_size=16,16 --workdir=runs/shapes \
  --config.train.epochs=5 --config.train.decay=None > train.txt
dgm-zoo train --config=vae_folder --config.data.path=pictures --config.data.image_size=16,16 --workdir=runs/shapes \
  --config.train.epochs=8 --config.train.decay=None > more.txt
dgm-zoo sample --workdir=runs/shapes --n=16 --out=samples.png
did "a run on the folder, and three more epochs"

python - <<'PYTHON'
import keras

import dgm_zoo
from dgm_zoo import data

train = data.load("folder:pictures", "train", 40, image_size=(16, 16), labels=True, seed=0)
held_out = data.load("folder:pictures", "validation", 40, image_size=(16, 16), labels=True)
model = dgm_zoo.create("cvae", image_shape=(16, 16, 3), num_classes=2, latent_dim=4, likelihood="IndependentNormal")
model.compile(keras.optimizers.Adam(1e-3))
stop = keras.callbacks.EarlyStopping(patience=2)
losses = model.fit(train, validation_data=held_out, epochs=4, callbacks=[stop], verbose=0).history["loss"]
assert losses[-1] < losses[0]
model.save("cvae.keras")
again = keras.saving.load_model("cvae.keras")
assert again.sample(2, seed=0, label=[0, 1]).shape == (2, 16, 16, 3)
PYTHON
did "a conditional VAE in her own loop, saved and loaded"

dgm-zoo export --workdir=runs/shapes --out=served --name=shapes > export.txt
python - <<'PYTHON'
import tensorflow as tf

served = tf.saved_model.load("served/shapes/1")
assert served.signatures["sample"](seed=tf.constant([0, 1, 2]))["x"].shape == (3, 16, 16, 3)
PYTHON
did "an export that TensorFlow alone reads"
