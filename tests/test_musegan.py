"""MuseGAN: who depends on which noise and on the condition, each critic's penalty, pieces of any length, commands."""

import contextlib
import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from zoo import sparing

import dgm_zoo
from dgm_zoo import training, viz
from dgm_zoo.cli.main import main
from dgm_zoo.data.tracks import BAND
from dgm_zoo.distributions import BatchNoise
from dgm_zoo.errors import InvalidInput
from dgm_zoo.networks import phrase_critics
from dgm_zoo.objectives.adversarial import Wasserstein, gradient_penalty

SHAPE, TRACKS = (2, 8, 24, 3), ["bass", "drums", "strings"]


def band(seed=0, **given):
    """A tiny MuseGAN whose logits depend visibly on what the generator is given."""
    keras.utils.set_random_seed(seed)
    model = dgm_zoo.create(
        "musegan", image_shape=SHAPE, **{"tracks": TRACKS, "width": 16, "noise_dim": 8, **given}, seed=seed
    )
    for variable in model.generator.trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(tf.random.stateless_normal(variable.shape, [seed, 1]))
    return model


def phrases(n, seed=0, density=0.2):
    return (np.random.default_rng(seed).random((n, *SHAPE)) < density).astype("float32")


def changed(model, part):
    """The tracks whose logits change with one part of z, bool `[tracks]`."""
    z = tf.random.stateless_normal([1, sum(model.sizes.values())], [0, 1]).numpy()
    other, start = z.copy(), 0
    for name, size in model.sizes.items():
        if name == part:
            other[:, start : start + size] *= -1
        start += size
    difference = np.abs(model.logits(z) - model.logits(other)) > 1e-4
    return difference.any((0, 1, 2, 3)).tolist()


# Who shares what.


def test_tracks_of_jamming_are_independent_given_their_noise_and_those_of_the_others_are_not():
    jamming, hybrid, composer = (band(composition=name) for name in ("jamming", "hybrid", "composer"))
    for i in range(3):
        alone = [j == i for j in range(3)]
        for model in (jamming, hybrid):
            assert changed(model, f"z_{i + 1}") == changed(model, f"z_{i + 1}t") == alone
    assert set(jamming.sizes) == {f"z_{i}{t}" for i in (1, 2, 3) for t in ("", "t")}
    for model in (hybrid, composer):
        assert changed(model, "z") == changed(model, "z_t") == [True] * 3
    assert set(composer.sizes) == {"z", "z_t"}


@pytest.mark.parametrize("composition", ["jamming", "composer", "hybrid"])
@pytest.mark.parametrize("condition", sparing(TRACKS, TRACKS[:1]))
def test_what_accompanies_depends_on_the_condition_which_is_kept(composition, condition):
    model, x = band(composition=composition, condition=condition), phrases(2)
    given = x[..., TRACKS.index(condition)]
    made = model.accompany(given, seed=0)
    assert made.shape == (2, *SHAPE) and set(np.unique(made)) <= {0, 1}
    np.testing.assert_array_equal(made[..., TRACKS.index(condition)], given)
    other = model.accompany(given[::-1], seed=0)
    assert (made != other)[..., [t != condition for t in TRACKS]].any()
    np.testing.assert_array_equal(model.accompany(given[0], seed=0), made[0])
    np.testing.assert_array_equal(model.perform(x, seed=0), made)


def test_a_condition_of_one_bar_does_not_reach_the_others():
    model, x = band(condition="drums"), phrases(1)
    given, other = x[..., 1], x[..., 1].copy()
    other[:, 1] = 1 - other[:, 1]
    one, two = (model.accompany(y, seed=0) for y in (given, other))
    np.testing.assert_array_equal(one[:, 0], two[:, 0])
    assert (one[:, 1][..., [0, 2]] != two[:, 1][..., [0, 2]]).any()


# The critics.


def test_the_phrase_critic_sees_the_order_of_bars():
    critic, x = phrase_critics("hybrid", *SHAPE, width=16), phrases(4)
    assert (np.abs(critic(x) - critic(x[:, ::-1])) > 1e-5).all()


def test_each_critic_of_jamming_sees_its_own_track_and_the_condition():
    x = phrases(2)
    for condition, own in ((None, [0, 1, 2]), (1, [0, 2])):
        critic = phrase_critics("jamming", *SHAPE, condition=condition, width=16)
        before = critic(x).numpy()
        assert before.shape == (2, len(own))
        for track in range(3):
            other = x.copy()
            other[..., track] = 1 - other[..., track]
            sees = (np.abs(critic(other) - before) > 1e-6).all(0)
            assert sees.tolist() == [track in (one, condition) for one in own]


def test_the_penalty_of_several_critics_is_that_of_each():
    """Critics w_i . x_i have the gradients w_i, wherever x lies."""
    w = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.5]], "float32").T  # norms 5, 1, 1/2 of three tracks of two values
    x = tf.random.stateless_normal([4, 2, 3], [0, 1])
    found = gradient_penalty(lambda x: tf.einsum("btm,tm->bm", x, w), x, x + 1, tf.ones(4) / 3)
    np.testing.assert_allclose(found, np.tile([16.0, 0.0, 0.25], (4, 1)), rtol=1e-5, atol=1e-9)
    whole = gradient_penalty(lambda x: tf.einsum("btm,tm->b", x, w), x, x + 1, tf.ones(4) / 3)
    np.testing.assert_allclose(whole, np.full(4, (26.25**0.5 - 1) ** 2), rtol=1e-5)


def test_phi_s_utility_is_the_wasserstein_objective_of_its_critics():
    model, x = band(composition="jamming"), tf.constant(phrases(4))
    (noise, mix), *_ = model.noise(BatchNoise([0, 0], 4))[0]
    terms = model.phi_terms(x, (), (noise, mix))
    fake = tf.sigmoid(model.logits(noise[0]))
    wanted = sum(
        tf.reduce_mean(
            model.critic(x)[:, i] - model.critic(fake)[:, i]
            - 10 * gradient_penalty(lambda some, i=i: model.critic(some)[:, i], x, fake, mix)
        )
        for i in range(3)
    )
    assert isinstance(model.objective, Wasserstein)
    np.testing.assert_allclose(tf.reduce_mean(terms["discriminator"]), wanted, rtol=1e-4)
    assert terms["discriminator"].shape == terms["accuracy_real"].shape == (4,)


def test_bits_that_critics_are_shown_carry_a_gradient_to_theta():
    for straight in (True, False):
        model = band(straight_through=straight, binarisation="bernoulli")
        noise = model.dream_noise(BatchNoise([0, 0], 4))
        with tf.GradientTape() as tape:
            shown = model.shown(model.logits(noise[0]), noise[1])
            value = tf.reduce_mean(model.values(shown))
        assert (set(np.unique(shown)) == {0, 1}) == straight
        slopes = tape.gradient(value, model.player_variables("theta"))
        assert all(np.any(slope) for slope in slopes)


def test_the_critic_may_be_wider_than_the_generator():
    model, wide = band(), band(critic_width=32)
    assert wide.generator.count_params() == model.generator.count_params()
    assert wide.critic.count_params() > 2 * model.critic.count_params()


# Samples.


def test_samples_are_bits_and_a_monophonic_track_sounds_one_pitch():
    for binarisation in ("threshold", "bernoulli"):
        x = band(binarisation=binarisation, monophonic=["bass"]).sample(8, seed=0)
        assert set(np.unique(x)) == {0, 1}
        assert x[..., 0].sum(3).max() == 1 and x[..., 1].sum(3).max() > 1


def test_the_first_samples_have_the_density_of_the_data():
    keras.utils.set_random_seed(0)
    model = dgm_zoo.create(
        "musegan", image_shape=SHAPE, width=16, noise_dim=8, density=[0.02, 0.3, 0.1], binarisation="bernoulli"
    )
    np.testing.assert_allclose(model.sample(200, seed=0).mean((0, 1, 2, 3)), [0.02, 0.3, 0.1], atol=0.02)


@pytest.mark.parametrize("binarisation", sparing(["threshold", "bernoulli"], ["bernoulli"]))
def test_a_piece_goes_on_with_the_noise_that_all_bars_share(binarisation):
    model = band(binarisation=binarisation)
    piece = model.compose(3, seed=5)
    assert piece.shape == (6, *SHAPE[1:])
    np.testing.assert_array_equal(model.compose(1, seed=5), model.sample(1, seed=5)[0])
    np.testing.assert_array_equal(piece[:2], model.compose(1, seed=5))
    assert (piece[:2] != piece[2:4]).any()


def test_a_condition_of_any_length_is_accompanied_to_its_end():
    model = band(condition="strings")
    given = phrases(2)[..., 2].reshape(-1, *SHAPE[1:-1])[:3]
    piece = model.compose(seed=0, condition=given)
    np.testing.assert_array_equal(piece[..., 2], given)
    assert piece.shape == (3, *SHAPE[1:])


def test_an_interpolation_leads_from_one_sample_to_another():
    model = band()
    path = model.interpolate(3, 4, 5)
    np.testing.assert_array_equal(path[0], model.sample(1, seed=3)[0])
    np.testing.assert_array_equal(path[-1], model.sample(1, seed=4)[0])
    assert (path[1:] != path[:-1]).any((1, 2, 3, 4)).all()


def test_one_bar_is_a_phrase_without_time():
    model = dgm_zoo.create("musegan", image_shape=(1, *SHAPE[1:]), width=16, noise_dim=8)
    assert set(model.sizes) == {"z", "z_1", "z_2", "z_3"} and model.sample(2, seed=0).shape == (2, 1, *SHAPE[1:])


def test_nearest_neighbours_are_counted():
    x = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    training_phrases = np.packbits([[1, 1, 0, 0], [0, 0, 1, 1]], 1)
    np.testing.assert_allclose(dgm_zoo.metrics.nearest_distances(x, training_phrases), [0, 0.5, 1])


# Mistakes.


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"condition": "string"}, "unknown track 'string'; did you mean 'strings'?"),
        ({"monophonic": ["bas"]}, "unknown track 'bas'; did you mean 'bass'?"),
        ({"composition": "jaming"}, "unknown composition 'jaming'; did you mean 'jamming'?"),
        ({"binarisation": "treshold"}, "unknown binarisation 'treshold'; did you mean 'threshold'?"),
        ({"tracks": ["bass", "drums"]}, r"tracks' names .*2.* tracks of the critic's input .*3"),
        ({"density": [0.1]}, "density has 1 values, but there are 3 tracks; give one for each"),
        ({"image_shape": (28, 28, 1)}, "musegan is for phrases of music, .bars, steps, pitches, tracks."),
        ({"image_shape": (0, 8, 24, 3)}, "image_shape is .0, 8, 24, 3.; give the shape of one x"),
        ({"image_shape": (2, 10, 24, 3)}, "steps=10 is not supported by the music networks; give 8, 12, 16"),
        ({"image_shape": (2, 8, 25, 3)}, "pitches=25 is not a whole number of octaves"),
        ({"critic_width": 40}, "width=40 is not supported by the music networks; give a multiple of 16"),
        ({"critic_width": 0}, "critic_width is 0; give"),
        ({"generator_normalization": "bacth"}, "unknown normalization 'bacth'; did you mean 'batch'?"),
        ({"noise_dim": 7}, "noise=7 cannot be cut into 4 equal parts; give a multiple of 4"),
    ],
)
def test_a_mistake_is_one_sentence(given, sentence):
    with pytest.raises(InvalidInput, match=sentence) as raised:
        dgm_zoo.create("musegan", **{
            "image_shape": SHAPE, "tracks": TRACKS, "width": 16, "noise_dim": 8, **given,
        })
    assert "\n" not in str(raised.value)


def test_what_is_asked_of_a_trained_model_is_checked():
    free, bound, silent = band(), band(condition="strings"), np.zeros(SHAPE[:-1])
    for call, sentence in (
        (lambda: bound.accompany(silent), "the condition, track 'strings', has no note; give a track with notes"),
        (lambda: bound.compose(2), "the condition, track 'strings', has no note"),
        (lambda: bound.compose(condition=np.ones((2, 8, 84))), r"condition has shape \[2, 8, 84\], but this model"),
        (lambda: bound.sample(2), "MuseGAN has no 'sample'; it answers accompany, decode"),
        (lambda: free.accompany(1 - silent), "this musegan generates from scratch; train one with a condition"),
        (lambda: free.compose(0), "phrases is 0; give a whole number of at least 1"),
        (lambda: free.interpolate(0, 1, 1), "n is 1; give a whole number of at least 2"),
    ):
        with pytest.raises(InvalidInput, match=sentence):
            call()


# Runs and commands.


CONFIG = {
    "model": {"name": "musegan", "width": 16, "noise_dim": 8, "critic_steps": 1, "condition": "strings",
              "composition": "composer", "binarisation": "bernoulli"},
    "data": {"name": "freedoom_bands", "batch_size": 16, "bars": 2, "steps": 8, "limit": 32, "sounding": 3},
    "train": {"epochs": 1, "steps_per_execution": 1},
    "evaluate": {"batch_size": 20, "limit": 40},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("band")
    training.train(CONFIG, folder / "run", verbose=0)
    return folder


def said(*words):
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        code = main([*map(str, words)])
    return code, out.getvalue() or error.getvalue()


@pytest.mark.exhaustive
def test_a_run_counts_draws_and_sounds(run):
    results = json.loads((run / "run" / "results.json").read_text())["metrics"]
    assert {"test_EB_bass", "test_EB_bass_real", "test_UPC_lead_real", "test_nearest_training"} <= set(results)
    assert {"test_EB_bass_training", "test_nearest_training_real"} <= set(results)
    assert "test_phrase_distance" not in results  # 40 phrases have a singular covariance
    assert results["test_EB_strings"]["value"] == results["test_EB_strings_real"]["value"]  # it is given
    for name in ("samples.png", "samples.mid", "samples.wav", "test_phrases.png", "test_phrases.wav"):
        assert (run / "run" / name).stat().st_size > 100
    model = training.load_run(run / "run").model
    assert model.tracks == [track.name for track in BAND] and model.x_shape == (2, 8, 84, 5)


@pytest.mark.exhaustive
def test_accompany_keeps_the_track_of_a_midi_file(run):
    song = np.zeros((3, 96, 84, 5), bool)
    song[:, :60, 40, 4] = song[0, :48, 30, 3] = True  # strings, lead
    viz.save_midi(song, BAND, str(run / "mine.mid"))
    code, _ = said("accompany", f"--workdir={run / 'run'}", f"--midi={run / 'mine.mid'}", f"--out={run / 'x.npy'}")
    x = np.load(run / "x.npy")
    assert code == 0 and x.shape == (3, 8, 84, 5)
    np.testing.assert_array_equal(np.argwhere(x[0, :, :, 4]), [[step, 40] for step in range(5)])
    for ending in ("mid", "wav", "png"):
        code, text = said("accompany", f"--workdir={run / 'run'}", f"--midi={run / 'mine.mid'}", "--track=lead",
                          f"--out={run / 'full.'}{ending}")
        assert code == 0 and text.startswith("wrote 3 bars around the track 'lead' to ")
        assert (run / f"full.{ending}").stat().st_size > 100


@pytest.mark.exhaustive
def test_commands_say_what_is_wrong_with_a_midi_file(run):
    drums = np.zeros((1, 96, 84, 5), bool)
    drums[0, 0, 12, 1] = True
    viz.save_midi(drums, BAND, str(run / "drums.mid"))
    viz.save_midi(np.zeros_like(drums), BAND, str(run / "none.mid"))
    work = f"--workdir={run / 'run'}"
    for words, sentence in (
        ([work], "accompany needs --midi"),
        ([work, f"--midi={run / 'drums.mid'}"], "has no note for the track 'strings', only for drums; give --track"),
        ([work, f"--midi={run / 'none.mid'}"], "has no notes between C1 and B7"),
        ([work, f"--midi={run / 'missing.mid'}"], "missing.mid'; correct the path"),
        ([work, f"--midi={run / 'drums.mid'}", "--track=drum"], "unknown track 'drum'; did you mean 'drums'?"),
        ([work, f"--midi={run / 'drums.mid'}", "--out=x.mp3"], "unknown ending of --out '.mp3'"),
    ):
        code, text = said("accompany", *words)
        assert code == 2 and sentence in text and text.count("\n") == 1
    code, text = said("sample", work, "--out=x.mid")
    assert code == 2 and "has no 'sample'; it has accompany, decode" in text


@pytest.mark.slow
def test_sample_writes_a_piece(tmp_path):
    config = {**CONFIG, "model": {**CONFIG["model"], "condition": None}}
    training.train(config, tmp_path / "run", verbose=0)
    for ending in ("mid", "wav", "png", "npy"):
        assert said("sample", f"--workdir={tmp_path / 'run'}", "--n=3", f"--out={tmp_path / 'band.'}{ending}")[0] == 0
    assert np.load(tmp_path / "band.npy").shape == (6, 8, 84, 5)
    code, text = said("sample", f"--workdir={tmp_path / 'run'}", "--out=x.jpg")
    assert code == 2 and text.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "digits", "batch_size": 16}, "musegan needs music, but data set 'digits' is another kind"),
        ({**CONFIG["data"], "steps": 10}, "steps=10 does not suit 'freedoom_bands'"),
        ({**CONFIG["data"], "bars": 0}, "bars is 0; give a whole number of at least 1"),
    ],
)
def test_data_that_do_not_suit_are_refused(data, sentence, tmp_path):
    with pytest.raises(InvalidInput, match=sentence):
        training.train({**CONFIG, "data": data}, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", sparing(["musegan_bands", "musegan_bands_paper"], ["musegan_bands"]))
def test_configs_are_valid(name, pytestconfig):
    config = training.load_config(pytestconfig.rootpath / "configs" / f"{name}.py")
    assert training.arguments.image_of(config)[0] == (4, config.data.steps, 84, 5)
