"""What is measured of a trained model, and drawn."""

from pathlib import Path

import keras
import numpy as np

from dgm_zoo import data, metrics, viz
from dgm_zoo.core.endpoints import Endpoint
from dgm_zoo.distributions import row_seeds
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving.presets import from_preset
from dgm_zoo.training.build import dataset
from dgm_zoo.training.config import resolve

CHAIN = (10, 100)  # sweeps of a Gibbs chain that pictures show
LIMIT = 300  # steps of the chain between encoder and decoder whose last images are shown, and judged
DREAMS = 1000  # x of the model, and at most so many of the data, on which encoder and decoder are compared
Z_SAMPLES = 100  # times as many samples of p for log Z as of q for each image
RENDERED = 5  # images of each mask in a picture
CLASSES, COLUMNS = 10, 10  # at most so many classes, and so many styles or images, in a picture of classes
NOTHING = Endpoint({}, None)
OTHER = {"test": "validation", "validation": "train"}  # the split on which categories are matched with classes


def evaluate(model, config, split="test", verbose=1):
    """Measures a trained model on held-out data: every metric that it has, each with its protocol.

    Args:
      model: a trained model.
      config: the resolved config of its run.
      split: "test", or "validation".
      verbose: 1 shows progress.

    Returns:
      dict of metric name to `value`, `stderr` (None where it has none) and `protocol`.
    """
    held_out, table = dataset(config, model, split), model.endpoints()
    found = {f"{split}_{name}": value for name, value in metrics.bound_terms(model, held_out).items()}
    if hasattr(model, "weight_moments"):
        found.update(_helmholtz(model, held_out, config, split, verbose))
    elif "log_likelihood" in table:
        found[f"{split}_log_likelihood"] = metrics.log_likelihood(
            model, held_out, config.evaluate.num_samples, config.evaluate.repetitions, config.train.seed, verbose
        )
    if hasattr(model, "limiting_samples") and "log_likelihood" in table:
        found.update(_consistency(model, held_out, config, split))
    if "segment" in table and _has_masks(config):
        found[f"{split}_iou"] = metrics.segmentation_iou(model, _with(config, model, split, pairs=0))
    if "encode" in table and metrics.factorised(model):
        found["active_units"] = metrics.active_units(model, held_out)
    if "encode" in table and hasattr(model, "prior_samples"):
        found[f"{split}_aggregate_posterior"] = metrics.aggregate_posterior(model, held_out, config.train.seed)
    if _has_categories(config, model):
        found[f"{split}_code_error"] = metrics.code_error(
            *_categories(model, config, split), _categories(model, config, OTHER[split]),
            data.info(config.data.name).num_classes,
        )
    if _judges_samples(config, model):
        x, label = samples(model, config, _rows(config, split), config.train.seed)
        quality = _quality(x, label, model, config, split)
        found.update({f"{split}_{name}": value for name, value in quality.items()})
        if hasattr(model, "limiting_samples"):
            limit = model.limiting_samples(_rows(config, split), LIMIT, config.train.seed)
            distance = _quality(limit, None, model, config, split)["frechet_distance"]
            protocol = f"{distance['protocol']}; samples after {LIMIT} steps of the chain x -> z ~ q -> x ~ p"
            found[f"{split}_limiting_frechet_distance"] = {**distance, "protocol": protocol}
    return found


def _helmholtz(model, held_out, config, split, verbose):
    """What is measured of a Helmholtz machine in place of the log-likelihood alone; log Z where it has p*."""
    k, seed, found, log_z = config.evaluate.num_samples, config.train.seed, {}, None
    if hasattr(model, "z_moments"):
        log_z = found["log_z"] = metrics.log_partition(model, Z_SAMPLES * k, inner=10, seed=seed)
        found["log_z_by_pairs"] = metrics.log_partition(model, Z_SAMPLES * k, inner=1, seed=seed)
    evidence = metrics.helmholtz_evidence(model, held_out, k, seed, log_z, verbose)
    names = evidence if log_z else ("log_likelihood", "ess_p")  # without p* its bound is nobody's
    return {**found, **{f"{split}_{name}": evidence[name] for name in names}}


def _consistency(model, held_out, config, split):
    """The KL divergences between q(z|x) and p(z|x), on dreams and on the first images of a split."""
    few = min(DREAMS, _rows(config, split))
    first = held_out.take(-(-few // config.evaluate.batch_size))
    found = metrics.consistency(model, first, config.evaluate.num_samples, few, config.train.seed)
    return {f"{split}_consistency_{phase}": value for phase, value in found.items()}


def _with(config, model, split, evaluate=None, **options):
    """The batches of a split, whose x come with what `options` ask for, `labels` or `pairs`, and not what training has.

    Args:
      evaluate: the section of that name; None for the config's own.
    """
    wanted = {
        "data": {**config.data.to_dict(), "labels": False, "pairs": None, **options},
        "evaluate": config.evaluate.to_dict() if evaluate is None else evaluate,
    }
    return dataset(resolve({**config.to_dict(), **wanted}), model, split)


def _has_categories(config, model):
    """Whether the model infers a category of x that can be held against the data's classes."""
    labelled = data.info(config.data.name).num_classes is not None
    return labelled and "category" in model.endpoints().get("sample_code", NOTHING).inputs


def _categories(model, config, split):
    """The category that the model infers of each image of a split, and the image's class."""
    batches = _with(config, model, split, labels=True)
    found = [(model.encode(x)["logits"].argmax(-1), label.numpy()) for x, label in batches]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _judges_samples(config, model):
    """Whether the quality of the model's samples is measured: of points always, of images if a classifier is named."""
    return "sample" in model.endpoints() and bool(config.evaluate.classifier or holds_points(config))


def _quality(x, label, model, config, split):
    """Every measure of the quality of samples x, by name."""
    return metrics.sample_quality(
        x, config.data.name, _classifier(config, model), label=label, split=split,
        limit=config.evaluate.limit if split == "test" else None, image_size=config.data.get("image_size"),
        threshold=config.data.get("binarize") == "threshold", data_dir=config.data.get("data_dir"),
    )


def check_quality(config, model):
    """Raises `InvalidInput` if the quality of samples is to be measured and cannot be."""
    _classifier(config, model)
    least, rows = metrics.least_samples(config.data.name), _rows(config, "test")
    if _judges_samples(config, model) and rows < least:
        raise InvalidInput(
            f"config.evaluate.limit is {rows}, too few samples to judge their quality; set it to at least {least}, or "
            "to None"
        )


def _classifier(config, model):
    """The `metrics.Extractor` of the classifier that the config names, None if it names none.

    Raises:
      InvalidInput: no such preset, or one that classifies nothing or other images.
    """
    name = config.evaluate.classifier
    if name is None:
        return None
    found, wanted = from_preset(name), model.takes()["x"].shape
    if "classify" not in found.endpoints():
        raise InvalidInput(f"preset '{name}' is no classifier; set config.evaluate.classifier to one, or to None")
    if found.takes()["x"].shape != wanted:
        raise InvalidInput(
            f"classifier '{name}' sees images of shape {found.takes()['x'].shape}, but the model's have {wanted}; "
            "set config.evaluate.classifier to another, or to None"
        )
    return metrics.extractor(found, Path(name).name)


def holds_points(config):
    """Whether the data are points in the plane."""
    return data.info(config.data.name).levels is None


def holds_images(config):
    """Whether the data are images, neither points nor vectors of bits."""
    return len(data.info(config.data.name).image_shape) == 3


def _has_masks(config):
    """Whether the data's images come with masks."""
    return data.info(config.data.name).latents == "mask"


def _rows(config, split):
    """Number of examples of a held-out split that are evaluated."""
    return (config.evaluate.limit if split == "test" else None) or data.info(config.data.name).splits[split]


def samples(model, config, n, seed):
    """n samples, and the classes that they were asked to have: all alike often; None for a model without labels.

    Points are draws x ~ p(x|z) where the model has such a likelihood, images its mean.
    """
    label = np.arange(n) % model.num_classes if "label" in model.endpoints()["sample"].inputs else None
    draw = model.draw if holds_points(config) and hasattr(model, "draw") else model.sample
    return draw(n, seed=seed, **({} if label is None else {"label": label})), label


def pictures(model, config, workdir, history, count=64, rows=500):
    """Writes as PNG what the model can show: samples, those in the limit of its chain, these by class and style,
    traversals of its code, reconstructions of test images, these with a half drawn again, or in their style as every
    class, their masks, and the masks as other images, their codes, those beside the prior, and the learning curves."""
    table, labelled = model.endpoints(), data.info(config.data.name).num_classes is not None
    batches = _with(config, model, "test", {"batch_size": rows}, labels=labelled)
    x, labels, _ = keras.utils.unpack_x_y_sample_weight(next(iter(batches)))
    given = {"label": labels.numpy()} if "label" in model.takes() else {}
    viz.save_curves(history, workdir / "curves.png")
    if "sample" in table and holds_points(config):
        viz.save_points({"data": x.numpy(), "samples": samples(model, config, len(x), 0)[0]}, workdir / "samples.png")
    elif "sample" in table and holds_images(config):
        viz.save_grid(samples(model, config, count, 0)[0], workdir / "samples.png")
    if hasattr(model, "limiting_samples") and holds_images(config):
        viz.save_grid(model.limiting_samples(count, LIMIT, 0), workdir / "limiting.png")
    if "segment" in table and _has_masks(config):
        x_and_masks = next(iter(_with(config, model, "test", {"batch_size": COLUMNS}, pairs=0)))
        for name, images in _masks(model, *(one.numpy() for one in x_and_masks)).items():
            viz.save_rows(images, workdir / f"{name}.png")
    if "sample_code" in table and holds_images(config):
        for name, images in _traversals(model).items():
            viz.save_interpolation(images, workdir / f"traversal_{name}.png")
    if "reconstruct" in table and holds_images(config):
        few = {key: value[:16] for key, value in given.items()}
        viz.save_pairs(x[:16].numpy(), model.reconstruct(x[:16], **few), workdir / "reconstructions.png")
    if "label" in table.get("sample", NOTHING).inputs and holds_images(config):
        viz.save_grid(_classes(model), workdir / "classes.png", columns=COLUMNS)
    if "encode" in table and "label" in table.get("decode", NOTHING).inputs and holds_images(config):
        few = {key: value[:COLUMNS] for key, value in given.items()}
        styles = _styles(model, x[:COLUMNS].numpy(), few)
        viz.save_grid(styles, workdir / "style_transfer.png", columns=len(styles) // COLUMNS)
    if "inpaint" in table and holds_images(config):
        chain = {f"p*, {steps} sweeps": model.gibbs(16, steps, seed=0) for steps in CHAIN}
        of_p = {"p, ancestral": model.gibbs(16, 0, seed=0), "p*, resampled": model.resample(16, seed=0)}
        viz.save_rows({**of_p, **chain}, workdir / "gibbs.png")
        viz.save_rows(_inpainted(model, x[:16].numpy()), workdir / "inpainting.png")
    if "encode" in table:
        codes = next(iter(model.encode(x, **given).values()))
        viz.save_latent_map(codes, labels.numpy() if labelled else None, workdir / "latent_map.png")
    if "encode" in table and hasattr(model, "prior_samples"):
        codes, prior = metrics.codes_and_prior(model, batches.take(4))
        plane = lambda some: np.pad(some, [(0, 0), (0, 1)])[:, :2]  # noqa: E731
        viz.save_points({"prior": plane(prior), "aggregate posterior": plane(codes)}, workdir / "codes.png")


def _masks(model, x, flat):
    """Rows of images by name, in both directions: x and masks of it, the true one and the model's, and renderings."""
    masks = flat.reshape(len(x), *model.endpoints()["render"].inputs["z"].shape)
    of_x, shape = model.segment(x), x.shape
    shown = {name: np.broadcast_to(value, shape) for name, value in {"true mask": masks, **of_x}.items()}
    rendered = {f"rendered, seed {seed}": model.render(masks, seed) for seed in range(RENDERED)}
    return {
        "segmentation": {"test image": x, **shown},
        "rendering": {"mask": shown["true mask"], **rendered},
    }


def _inpainted(model, x):
    """Rows of images by name: x, the half of it that is known (left, then upper), and two completions."""
    mask, half = np.zeros_like(x), len(x) // 2
    mask[:half, :, : x.shape[2] // 2] = 1
    mask[half:, : x.shape[1] // 2] = 1
    completed = {f"completed, seed {seed}": model.inpaint(x, mask, CHAIN[-1], seed) for seed in (0, 1)}
    return {"test image": x, "known half": mask * x + (1 - mask) * 0.5, **completed}


def _classes(model):
    """Samples, one class in each row of `COLUMNS` and one style, the same noise, in each column."""
    label, column = (index.ravel() for index in np.indices((min(model.num_classes, CLASSES), COLUMNS)))
    return model.answer("sample", seed=row_seeds(0, COLUMNS)[column], label=label.astype("int32"))["x"]


def _styles(model, x, given):
    """Each image of x, and after it what its code decodes to as every class."""
    z = next(iter(model.encode(x, **given).values()))
    classes = range(min(model.num_classes, CLASSES))
    found = np.stack([x, *(model.decode(z, np.full(len(x), c, "int32")) for c in classes)], 1)
    return found.reshape(-1, *x.shape[1:])


def _traversals(model, columns=10):
    """Images `[R, columns, ...]` by the name of what changes along a row: the noise, or one continuous value.

    Each category has a row; without categories a row is other noise.
    """
    wanted, parts = model.code_inputs(), {}
    rows = wanted["category"].range[1] + 1 if "category" in wanted else 10
    size = wanted["continuous"].shape[0] if "continuous" in wanted else 0
    row, column = (index.ravel() for index in np.indices((rows, columns)))
    if "category" in wanted:
        parts["noise"] = (column, np.zeros((len(row), size)))
    for i in range(size):
        sweep = np.zeros((len(row), size))
        sweep[:, i] = np.linspace(-1, 1, columns)[column]
        parts[f"value_{i + 1}"] = (np.zeros_like(row) if "category" in wanted else row, sweep)
    found = {}
    for name, (seed, values) in parts.items():
        given = {"seed": seed.astype("int32"), "category": row.astype("int32"), "continuous": values.astype("float32")}
        x = model.answer("sample_code", **{key: given[key] for key in ("seed", *wanted)})["x"]
        found[name] = x.reshape(rows, columns, *x.shape[1:])
    return found
