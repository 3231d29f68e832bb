# A newcomer: an empty folder, the installed package, no data and no code of her own.

dgm-zoo --help > help.txt
dgm-zoo list > list.txt
grep -q vae_digits list.txt
did "help and list"

dgm-zoo sample --preset=vae_digits --n=16 --seed=0 --out=first.png
did "samples of a preset"

dgm-zoo train --config=vae_digits --workdir=runs/vae_digits > train.txt
grep -q "test log-likelihood" train.txt
did "the first run, 300 epochs"

dgm-zoo evaluate --workdir=runs/vae_digits > evaluate.txt
dgm-zoo sample --workdir=runs/vae_digits --n=64 --out=samples.png
dgm-zoo interpolate --workdir=runs/vae_digits --out=walk.png
did "evaluate, sample, interpolate"

dgm-zoo train --config=vae_digits --workdir=runs/vae_digits --config.train.epochs=310 --config.train.sample_every=5
test -s runs/vae_digits/progress/epoch_000305.png
did "ten more epochs"

python - <<'PYTHON'
import dgm_zoo
from dgm_zoo import training

model, config, results = training.load_run("runs/vae_digits")
assert model.sample(4, seed=0).shape == (4, 8, 8, 1) and results["epochs"] == 310
assert dgm_zoo.from_preset("vae_digits").sample(2, seed=0).shape == (2, 8, 8, 1)
PYTHON
did "the same in Python"
