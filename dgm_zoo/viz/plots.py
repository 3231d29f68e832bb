"""Latent maps and training curves, drawn with matplotlib's Agg canvas and its default style."""

import math
import os

import numpy as np

from dgm_zoo.errors import InvalidInput

MOST_NAMED = 20  # labels that a legend can name; more get a colour bar


def save_latent_map(codes, labels, path):
    """Writes a scatter plot of latent codes, coloured by label.

    Two-dimensional codes are drawn as they are. Codes of more dimensions are projected on their two principal
    components, whose shares of the variance stand in the axis labels; one-dimensional ones become a histogram.

    Args:
      codes: `[N, D]`, such as the posterior means of a test split.
      labels: integers `[N]`, or None for codes without labels, which are drawn in one colour.
      path: the PNG file.

    Raises:
      InvalidInput: codes of another shape, fewer than two of them, or with NaN; another number of labels.

    Example:
      >>> save_latent_map(model.encode(x)["mean"], y, "latent_map.png")
    """
    codes = np.asarray(codes, np.float64)
    if codes.ndim != 2 or len(codes) < 2 or codes.shape[1] < 1:
        raise InvalidInput(f"codes has shape {list(codes.shape)}; give [N, D] with at least two rows")
    if not np.isfinite(codes).all():
        raise InvalidInput("codes holds NaN or infinity; check the model that made it")
    labels = None if labels is None else np.asarray(labels)
    if labels is not None and labels.shape != codes.shape[:1]:
        raise InvalidInput(f"labels has shape {list(labels.shape)}; give one for each of the {len(codes)} codes")

    with _style():
        figure = _figure(7.2, 6)
        axes = figure.add_subplot()
        points, names = _plane(codes)
        if points.shape[1] == 1:
            groups = [points] if labels is None else [points[labels == label] for label in np.unique(labels)]
            colours = None if labels is None else _colours(len(groups))
            axes.hist([group[:, 0] for group in groups], bins=60, stacked=True, color=colours)
            if labels is not None and len(groups) <= MOST_NAMED:
                axes.legend([str(label) for label in np.unique(labels)], title="label", loc="center left",
                            bbox_to_anchor=(1, 0.5), frameon=False)
        else:
            _scatter(figure, axes, points, labels)
            axes.set_aspect("equal", "datalim")
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.set_title(f"{len(codes):,} codes of {codes.shape[1]} dimension{'s' * (codes.shape[1] > 1)}")
        _save(figure, path)


def save_curves(history, path):
    """Writes one panel per term of the objective against the epoch: training and, where there is one, validation.

    Args:
      history: dict of name to one value per epoch, as `keras.callbacks.History` keeps it: `loss`, `elbo`, ... and
        `val_loss`, `val_elbo`, ...; an `epoch` entry, if there is one, gives the horizontal axis (else 1, 2, ...).
      path: the PNG file.

    Raises:
      InvalidInput: no term at all, or terms of different lengths.

    Example:
      >>> save_curves(model.fit(train, validation_data=validation, epochs=50).history, "curves.png")
    """
    values = {name: np.asarray(line, np.float64) for name, line in history.items()}
    lengths = {len(line) for line in values.values()}
    epochs = values.pop("epoch", None)
    terms = list(dict.fromkeys(name.removeprefix("val_") for name in values))
    if not terms or len(lengths) > 1 or 0 in lengths:
        raise InvalidInput(
            f"history has terms {terms or 'of no name'} of {sorted(lengths)} epochs; give each one value per epoch"
        )
    epochs = np.arange(1, lengths.pop() + 1) if epochs is None else epochs
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


def _plane(codes):
    """Returns the codes as points and the names of the axes."""
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
    rank = np.searchsorted(known, labels)
    colours = np.asarray(_colours(len(known)))
    axes.scatter(*points.T, c=colours[rank], **style)  # in the rows' order, so that no label hides the others
    for label, colour in zip(known, colours, strict=True):
        axes.scatter([], [], color=colour, s=40, label=str(label))
    axes.legend(title="label", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _colours(n):
    import matplotlib

    if n > MOST_NAMED:
        return [matplotlib.colormaps["viridis"](i / (n - 1)) for i in range(n)]
    return list(matplotlib.colormaps["tab10" if n <= 10 else "tab20"].colors[:n])


def _style():
    """matplotlib's default style, for the time of one drawing, whatever the user's own is."""
    import matplotlib.style

    return matplotlib.style.context("default")


def _figure(width, height):
    """A figure outside pyplot, inches, with a canvas of its own: no backend is chosen for anybody else."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure, path):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})
