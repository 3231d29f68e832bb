"""Latent maps, scatter plots and training curves, drawn with matplotlib's Agg canvas and default style."""

import math
import os

import numpy as np

from dgm_zoo.checks import real_array, shown, whole_number
from dgm_zoo.errors import InvalidInput
from dgm_zoo.files import whole

MOST_NAMED = 20  # maximum number of labels in a legend; more labels get a colour bar


def save_latent_map(codes: np.ndarray, labels: np.ndarray | None, path: str | os.PathLike) -> None:
    """Writes a scatter plot of latent codes, coloured by label.

    Two-dimensional codes are drawn directly. Codes with more dimensions are projected onto their first two principal
    components, and the axis labels state the explained variance. One-dimensional codes are drawn as a histogram.

    Args:
      codes: `[N, D]`, such as the posterior means of a test split.
      labels: integers `[N]`; None to draw all codes in one colour.
      path: the PNG file.

    Raises:
      InvalidInput: codes with another shape, fewer than two codes, or NaN; a different number of labels.

    Example:
      >>> save_latent_map(model.encode(x)["mean"], y, "latent_map.png")
    """
    codes = real_array("codes", codes).astype(np.float64)
    if codes.ndim != 2 or len(codes) < 2 or codes.shape[1] < 1:
        raise InvalidInput(f"codes has shape {list(codes.shape)}; give [N, D] with at least two rows")
    if not np.isfinite(codes).all():
        raise InvalidInput("codes holds NaN or infinity; check the model that made it")
    labels = None if labels is None else _labels(labels)
    if labels is not None and labels.shape != codes.shape[:1]:
        raise InvalidInput(f"labels has shape {list(labels.shape)}; give one label for each of the {len(codes)} codes")

    with _style():
        figure = _figure(7.2, 6)
        axes = figure.add_subplot()
        points, names = _plane(codes)
        if points.shape[1] == 1:
            _histogram(axes, points[:, 0], labels)
        else:
            _scatter(figure, axes, points, labels)
            axes.set_aspect("equal", "datalim")
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.set_title(f"{len(codes):,} codes of {codes.shape[1]} dimension{'s' * (codes.shape[1] > 1)}")
        _save(figure, path)


def save_points(panels: dict[str, np.ndarray], path: str | os.PathLike, columns: int | None = None) -> None:
    """Writes one scatter plot of points in the plane per panel, with the same axis limits for all panels.

    The limits include all points of the first panel. For the other panels the title states how many points lie outside
    the limits.

    Args:
      panels: dict of title to points `[N, 2]`; the first, such as the data, sets the axis limits.
      path: the PNG file.
      columns: panels per row; None for all in one row.

    Raises:
      InvalidInput: no panel, points with another shape, no points, or NaN.

    Example:
      >>> save_points({"data": x, "GAN": gan.sample(2000, seed=0)}, "points.png")
    """
    if not isinstance(panels, dict) or not panels:
        raise InvalidInput(f"panels is {shown(panels)}; give a dict of title to points, at least one")
    panels = {title: real_array(f"panel '{title}'", points).astype(np.float64) for title, points in panels.items()}
    for title, points in panels.items():
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise InvalidInput(f"panel '{title}' has shape {list(points.shape)}; give points [N, 2]")
        if not np.isfinite(points).all():
            raise InvalidInput(f"panel '{title}' holds NaN or infinity; check the model that made it")
    first = next(iter(panels.values()))
    middle, reach = (first.max(0) + first.min(0)) / 2, 0.65 * max(np.ptp(first, axis=0).max(), 1e-6)
    columns = len(panels) if columns is None else min(whole_number("columns", columns), len(panels))

    with _style():
        lines = math.ceil(len(panels) / columns)
        figure = _figure(3.2 * columns, 3.4 * lines)
        for i, (title, points) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(lines, columns, i)
            axes.scatter(*points.T, s=float(np.clip(6_000 / len(points), 2, 16)), alpha=0.5, linewidths=0)
            axes.set_xlim(middle[0] - reach, middle[0] + reach)
            axes.set_ylim(middle[1] - reach, middle[1] + reach)
            axes.set_aspect("equal")
            outside = int((np.abs(points - middle) > reach).any(1).sum())
            axes.set_title(f"{title} ({outside:,} outside)" if outside else title)
        _save(figure, path)


def save_curves(history: dict[str, list[float]] | list[dict[str, float]], path: str | os.PathLike) -> None:
    """Plots each term of the objective over the epochs: training and, if present, validation.

    Args:
      history: dict of name to one value per epoch, as in `keras.callbacks.History`: `loss`, `elbo`, ... and
        `val_loss`, `val_elbo`, ...; or a list of one dict per epoch, as in a run's checkpoints.
      path: the PNG file.

    Raises:
      InvalidInput: no epochs, no terms, or terms of different lengths.

    Example:
      >>> save_curves(model.fit(train, validation_data=validation, epochs=50).history, "curves.png")
    """
    if isinstance(history, (list, tuple)) and all(isinstance(logs, dict) for logs in history):
        history = {name: [logs[name] for logs in history if name in logs] for name in (history[0] if history else {})}
    if not isinstance(history, dict) or not all(isinstance(name, str) for name in history):
        raise InvalidInput(f"history is {shown(history)}; give a dict of name to values, one for each epoch")
    values = {name: real_array(name, line).astype(np.float64) for name, line in history.items()}
    lengths = {name: len(line) if line.ndim == 1 else 0 for name, line in values.items()}
    if not values or 0 in lengths.values() or len(set(lengths.values())) > 1:
        raise InvalidInput(f"history has different or empty lengths {lengths}; give each term one value per epoch")
    terms = list(dict.fromkeys(name.removeprefix("val_") for name in values))
    epochs = np.arange(1, len(next(iter(values.values()))) + 1)
    marker = "o" if len(epochs) < 10 else None

    with _style():
        columns = math.ceil(math.sqrt(len(terms)))
        lines = math.ceil(len(terms) / columns)
        figure = _figure(4.2 * columns, 3.2 * lines)
        for i, term in enumerate(terms, 1):
            axes = figure.add_subplot(lines, columns, i)
            for key, name in {term: "train", f"val_{term}": "validation"}.items():
                if key in values:
                    axes.plot(epochs, values[key], label=name, marker=marker, markersize=3, linewidth=1.4)
            axes.set_title(term)
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False)
        _save(figure, path)


def save_comparison(curves: dict[str, list], path: str | os.PathLike, title: str) -> None:
    """Plots one term of several runs over their epochs, the runs of one label in one colour.

    The vertical axis leaves out what is above all values of the later nine tenths of each curve.

    Args:
      curves: dict of label to curves, one for each seed, each a list of one value per epoch.
      path: the PNG file.
      title: the term.

    Raises:
      InvalidInput: no curve, or one that is empty or not finite.

    Example:
      >>> save_comparison({"z8": [[9.0, 7.0]], "z16": [[8.0, 6.5]]}, "comparison.png", "validation loss")
    """
    lines = {label: [real_array(label, one).astype(np.float64) for one in some] for label, some in curves.items()}
    every = [one for some in lines.values() for one in some]
    if not every or any(one.ndim != 1 or not len(one) or not np.isfinite(one).all() for one in every):
        raise InvalidInput("curves are empty or not finite; give at least one, with a number for each epoch")
    late = np.concatenate([one[len(one) // 10 :] for one in every])
    margin = 0.05 * max(np.ptp(late), 1e-6)

    with _style():
        figure = _figure(8, 5)
        axes = figure.add_subplot()
        for (label, some), colour in zip(lines.items(), _cycle(len(lines)), strict=True):
            for i, one in enumerate(some):
                marker = "o" if len(one) < 10 else None
                name = label if i == 0 else None
                axes.plot(np.arange(1, len(one) + 1), one, color=colour, label=name, marker=marker, markersize=3)
        axes.set_ylim(late.min() - margin, late.max() + margin)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
        _save(figure, path)


def _cycle(n):
    """Returns n colours, distinct up to `MOST_NAMED`."""
    colours = _colours(min(n, MOST_NAMED))
    return [colours[i % len(colours)] for i in range(n)]


def _labels(labels):
    """Returns labels as an array of numbers or text, without NaN."""
    text = isinstance(labels, (list, tuple, np.ndarray)) and np.asarray(labels, object).size and all(
        isinstance(one, str) for one in np.asarray(labels, object).ravel()
    )
    labels = np.asarray(labels, str) if text else real_array("labels", labels, "a number or a word for each code")
    if not text and not np.isfinite(labels).all():
        raise InvalidInput("labels holds NaN or infinity; give a number for each code")
    return labels


def _plane(codes):
    """Returns the codes as points in the plane, or on a line, and the names of the axes."""
    if codes.shape[1] == 1:
        return codes, ("$z_1$", "codes")
    if codes.shape[1] == 2:
        return codes, ("$z_1$", "$z_2$")
    from sklearn.decomposition import PCA

    if not codes.std(0).any():  # a collapsed posterior has no components
        return codes[:, :2], ("$z_1$", "$z_2$")
    pca = PCA(2, svd_solver="full").fit(codes)
    names = [f"principal component {i} ({share:.0%} of the variance)"
             for i, share in enumerate(pca.explained_variance_ratio_, 1)]
    return pca.transform(codes), names


def _histogram(axes, values, labels):
    known = [] if labels is None else np.unique(labels)
    if not 0 < len(known) <= MOST_NAMED:
        axes.hist(values, bins=60)
        return
    groups = [values[labels == label] for label in known]
    axes.hist(groups, bins=60, stacked=True, color=_colours(len(known)), label=[str(label) for label in known])
    _legend(axes)


def _scatter(figure, axes, points, labels):
    style = {"s": float(np.clip(20_000 / len(points), 3, 24)), "alpha": 0.75, "linewidths": 0}
    if labels is None:
        axes.scatter(*points.T, **style)
        return
    known = np.unique(labels)
    if len(known) > MOST_NAMED:
        mappable = axes.scatter(*points.T, c=labels, cmap="viridis", **style)
        figure.colorbar(mappable, label="label")
        return
    colours = np.asarray(_colours(len(known)))
    ranks = np.searchsorted(known, labels)
    axes.scatter(*points.T, c=colours[ranks], **style)  # in the rows' order, so that no label hides the others
    for label, colour in zip(known, colours, strict=True):
        axes.scatter([], [], color=colour, s=40, label=str(label))
    _legend(axes)


def _legend(axes):
    axes.legend(title="label", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _colours(n):
    """Returns n distinct colours, n at most `MOST_NAMED`."""
    import matplotlib

    return matplotlib.colormaps["tab10" if n <= 10 else "tab20"].colors[:n]


def _style():
    """Returns a context in which matplotlib's default style replaces the user's."""
    import matplotlib.style

    return matplotlib.style.context("default")


def _figure(width, height):
    """Returns a figure (size in inches) with its own canvas, outside pyplot, so the global backend is unchanged."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure, path):
    with whole(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
