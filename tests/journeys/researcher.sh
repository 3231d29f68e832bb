# A researcher: two models of her own in modules of her own, a sweep, a table; the files are those of examples/.

python shapes.py
dgm-zoo describe tcvae --imports=tcvae > describe.txt
dgm-zoo compare vae tcvae --imports=tcvae > compare.txt
did "her pictures; her model described and compared"

dgm-zoo train --config=wae_shapes.py --workdir=runs/wae --config.train.epochs=20 > wae.txt
dgm-zoo train --config=tcvae_shapes.py --workdir=runs/tcvae --config.train.epochs=20 > tcvae.txt
test -s runs/wae/progress/epoch_000020.png
did "two runs of 20 epochs"

dgm-zoo evaluate --workdir=runs/tcvae > evaluate.txt
grep -q total_correlation evaluate.txt
dgm-zoo export --workdir=runs/tcvae --out=saved_models > export.txt
dgm-zoo sample --preset=tcvae_shapes --n=16 --out=samples.png
did "evaluate, export, sample the preset"

dgm-zoo sweep --config=tcvae_shapes.py --workdir=runs/sweep --grid model.beta=1,6 --seeds=2 \
  --config.train.epochs=5 --config.train.sample_every=None > sweep.txt
grep -q "model.beta=6" runs/sweep/comparison.md
dgm-zoo compare-runs runs/wae runs/tcvae runs/sweep/* --metric=test_reconstruction --out=runs/compared > compared.txt
test -s runs/compared/comparison.png
did "a sweep of four runs, and a table of all"
