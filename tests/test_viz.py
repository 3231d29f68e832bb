"""Pictures: their size, their pixels, the same bytes each time, and what cannot be drawn."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dgm_zoo import viz
from dgm_zoo.errors import InvalidInput
from dgm_zoo.viz.grids import BACKGROUND, GAP, STRIP


def read(path):
    return np.asarray(Image.open(path))


def digits(n, seed=0, shape=(8, 8, 1)):
    return np.random.default_rng(seed).random((n, *shape))


def test_grid_shows_each_image_as_a_readable_tile(tmp_path):
    images = digits(6)
    viz.save_grid(images, tmp_path / "new" / "grid.png", columns=4)
    picture = read(tmp_path / "new" / "grid.png")
    tile = 56  # an 8x8 digit, seven times enlarged
    assert picture.shape == (2 * (tile + GAP) + GAP, 4 * (tile + GAP) + GAP, 3)
    assert (picture[:GAP] == BACKGROUND).all() and (picture[:, :GAP] == BACKGROUND).all()
    for i, image in enumerate(images):
        top, left = GAP + i // 4 * (tile + GAP), GAP + i % 4 * (tile + GAP)
        shown = picture[top : top + tile, left : left + tile]
        assert np.array_equal(shown[::7, ::7, 0], np.rint(image[..., 0] * 255).astype(np.uint8))
        assert np.array_equal(shown, shown[::7, ::7].repeat(7, 0).repeat(7, 1))  # nearest neighbour
    assert (picture[-tile - GAP :, -2 * (tile + GAP) :] == BACKGROUND).all()  # the two empty places


def test_rows_stand_under_their_names_in_order(tmp_path):
    rows = {"first": digits(3), "second": digits(3, seed=1)}
    viz.save_rows(rows, tmp_path / "rows.png")
    picture = read(tmp_path / "rows.png")
    height = STRIP + GAP + 56 + GAP
    assert picture.shape == (2 * height, 3 * (56 + GAP) + GAP, 3)
    for i, images in enumerate(rows.values()):
        shown = picture[i * height + STRIP + GAP :][:56:7, GAP : GAP + 56 : 7, 0]
        assert np.array_equal(shown, np.rint(images[0, ..., 0] * 255).astype(np.uint8))


@pytest.mark.parametrize(("n", "across", "down"), [(1, 1, 1), (5, 3, 2), (64, 8, 8)])
def test_grid_is_nearly_square_without_columns(tmp_path, n, across, down):
    viz.save_grid(digits(n, shape=(64, 64, 3)), tmp_path / "grid.png")
    assert read(tmp_path / "grid.png").shape == (down * 66 + 2, across * 66 + 2, 3)


def test_values_outside_the_unit_interval_are_drawn_as_its_ends(tmp_path):
    images = np.stack([np.full((64, 64, 1), value) for value in (-0.5, 1.5)])
    viz.save_grid(images, tmp_path / "grid.png", columns=2)
    picture = read(tmp_path / "grid.png")
    assert (picture[2:66, 2:66] == 0).all() and (picture[2:66, 68:132] == 255).all()


def test_pairs_put_each_original_above_its_reconstruction(tmp_path):
    x, reconstruction = np.zeros((3, 28, 28, 1)), np.ones((3, 28, 28, 1))
    viz.save_pairs(x, reconstruction, tmp_path / "pairs.png")
    picture = read(tmp_path / "pairs.png")
    band = STRIP + 2 * GAP + 56
    assert picture.shape == (2 * band, 3 * 58 + 2, 3)
    assert (picture[STRIP + GAP : band - GAP, GAP : GAP + 56] == 0).all()
    assert (picture[band + STRIP + GAP : -GAP, GAP : GAP + 56] == 255).all()
    for top in (0, band):  # black letters on white
        label = picture[top : top + STRIP]
        assert (label == 255).mean() > 0.5 and (label < 100).any()


def test_many_pairs_break_into_lines_of_sixteen(tmp_path):
    x = digits(20)
    viz.save_pairs(x, x, tmp_path / "pairs.png")
    assert read(tmp_path / "pairs.png").shape == (4 * (STRIP + 2 * GAP + 56), 16 * 58 + 2, 3)


def test_interpolation_has_a_path_per_row(tmp_path):
    rows = digits(6).reshape(2, 3, 8, 8, 1)
    viz.save_interpolation(rows, tmp_path / "a.png")
    viz.save_grid(rows.reshape(6, 8, 8, 1), tmp_path / "b.png", columns=3)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def draw_everything(folder):
    rng = np.random.default_rng(0)
    images, labels = digits(4), np.arange(40) % 10
    viz.save_grid(images, folder / "grid.png")
    viz.save_pairs(images, 1 - images, folder / "pairs.png")
    viz.save_latent_map(rng.normal(size=(40, 8)), labels, folder / "map.png")
    viz.save_points({"data": images[0, :, :2, 0]}, folder / "points.png")
    viz.save_curves({"loss": [3, 2, 1], "val_loss": [3, 2.5, 2.4], "kl": [0, 1, 2]}, folder / "curves.png")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_input_gives_the_same_bytes_whatever_the_users_style(tmp_path):
    import matplotlib

    first = draw_everything(tmp_path)
    with matplotlib.rc_context({"axes.facecolor": "black", "figure.dpi": 30, "font.size": 30}):
        mine = dict(matplotlib.rcParams)
        assert draw_everything(tmp_path) == first
        assert dict(matplotlib.rcParams) == mine


def test_no_backend_is_chosen_for_the_user():
    code = (
        "import sys, tempfile, pathlib\n"
        "from dgm_zoo import viz\n"
        "viz.save_curves({'loss': [2, 1]}, pathlib.Path(tempfile.mkdtemp()) / 'c.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("classes", [None, 10, 30])
def test_latent_maps_of_any_size_are_drawn(tmp_path, size, classes):
    labels = None if classes is None else np.arange(60) % classes
    viz.save_latent_map(np.random.default_rng(0).normal(size=(60, size)), labels, tmp_path / "map.png")
    picture = read(tmp_path / "map.png")
    coloured = picture[..., :3].max(-1).astype(int) - picture[..., :3].min(-1) > 60
    assert picture.shape[1] > 500 and coloured.any()


def test_latent_map_of_a_collapsed_posterior_is_drawn(tmp_path):
    viz.save_latent_map(np.ones((5, 4)), None, tmp_path / "map.png")
    assert read(tmp_path / "map.png").shape[1] > 500


def test_latent_map_projects_on_the_directions_of_largest_variance():
    from dgm_zoo.viz import plots

    rng = np.random.default_rng(0)
    plane = rng.normal(size=(500, 2)) * [10, 5]
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    points, names = plots._plane(plane @ basis[:2])
    centred = plane - plane.mean(0)
    distances = np.linalg.norm(centred, axis=1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), distances, rtol=1e-6)
    share = points[:, 0].var() / centred.var(0).sum()
    assert f"({share:.0%} of the variance)" in names[0] and 0.7 < share < 0.9


def test_curves_take_keras_history_or_one_dict_per_epoch(tmp_path):
    viz.save_curves({"loss": [3, 2], "val_loss": [4, 3]}, tmp_path / "a.png")
    viz.save_curves([{"loss": 3, "val_loss": 4}, {"loss": 2, "val_loss": 3}], tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_points_are_drawn_where_they_lie_and_those_outside_are_counted(tmp_path):
    from dgm_zoo.viz import plots

    figures = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "_save", lambda figure, path: figures.append(figure))
        square = np.array([[-1.0, -1.0], [1.0, 1.0], [0.25, 0.0]])
        viz.save_points({"data": square, "model": square * 3.0}, tmp_path / "points.png")
    data, model = figures[0].axes
    assert (data.get_title(), model.get_title()) == ("data", "model (2 outside)")
    assert data.get_xlim() == model.get_xlim() == data.get_ylim() and data.get_xlim()[0] < -1
    np.testing.assert_array_equal(model.collections[0].get_offsets(), square * 3.0)


def test_panels_of_points_break_into_columns(tmp_path):
    sizes = []
    for columns in (1, 2, None):
        viz.save_points({name: np.eye(2) for name in "abcd"}, tmp_path / "points.png", columns)
        sizes.append(Image.open(tmp_path / "points.png").size)
    assert sizes[0][0] * 2 == sizes[1][0] and sizes[1][0] * 2 == sizes[2][0]
    assert sizes[0][1] == 2 * sizes[1][1] == 4 * sizes[2][1]


@pytest.mark.parametrize(
    ("draw", "names"),
    [
        (lambda path: viz.save_grid(np.zeros((3, 8, 8)), path), r"\[3, 8, 8\]"),
        (lambda path: viz.save_grid(np.zeros((3, 8, 8, 2)), path), r"\[3, 8, 8, 2\]"),
        (lambda path: viz.save_grid(np.zeros((0, 8, 8, 1)), path), r"\[0, 8, 8, 1\]"),
        (lambda path: viz.save_grid(np.full((1, 8, 8, 1), np.nan), path), "NaN"),
        (lambda path: viz.save_grid(np.zeros((3, 8, 8, 1)), path, columns=0), "columns is 0"),
        (lambda path: viz.save_pairs(np.zeros((3, 8, 8, 1)), np.zeros((2, 8, 8, 1)), path), r"\[2, 8, 8, 1\]"),
        (lambda path: viz.save_interpolation(np.zeros((3, 8, 8, 1)), path), r"\[3, 8, 8, 1\]"),
        (lambda path: viz.save_latent_map(np.zeros(3), None, path), r"\[3\]"),
        (lambda path: viz.save_latent_map(np.zeros((3, 2)), [1, 2], path), "each of the 3 codes"),
        (lambda path: viz.save_latent_map(np.full((3, 2), np.inf), None, path), "infinity"),
        (lambda path: viz.save_rows({}, path), "at least one row"),
        (lambda path: viz.save_rows({"a": digits(3), "b": digits(2)}, path), "rows of equal shape"),
        (lambda path: viz.save_points({}, path), "give a dict of title to points, at least one"),
        (lambda path: viz.save_points({"data": np.zeros((3, 3))}, path), r"'data' has shape \[3, 3\]"),
        (lambda path: viz.save_points({"data": np.zeros((0, 2))}, path), r"\[0, 2\]"),
        (lambda path: viz.save_points({"data": np.full((3, 2), np.nan)}, path), "'data' holds NaN"),
        (lambda path: viz.save_curves({}, path), "history"),
        (lambda path: viz.save_curves([], path), "history"),
        (lambda path: viz.save_curves({"loss": []}, path), "history"),
        (lambda path: viz.save_curves({"loss": [1], "kl": [1, 2]}, path), "'kl': 2"),
    ],
)
def test_what_cannot_be_drawn_is_named_and_nothing_is_written(tmp_path, draw, names):
    with pytest.raises(InvalidInput, match=names):
        draw(tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()
