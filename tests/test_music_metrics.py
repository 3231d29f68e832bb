"""MuseGAN's measures: bars whose values are known, real music against shuffled music, the sentence for each mistake."""

import os

import numpy as np
import pypianoroll.metrics as theirs
import pytest

from dgm_zoo import data, metrics
from dgm_zoo.data.tracks import BAND, VOICES, Track
from dgm_zoo.errors import InvalidInput
from dgm_zoo.metrics import music

C, D, E, G = 0, 2, 4, 7
BASS, DRUMS, GUITAR, LEAD, STRINGS = range(5)


def bar(*notes, steps=96):
    """One bar `[1, steps, 84]` of notes (pitch row, first step, number of steps)."""
    x = np.zeros((1, steps, 84))
    for pitch, start, length in notes:
        x[0, start : start + length, pitch] = 1
    return x


def real(split="test", bars=1000):
    """Shipped bars, `[n, 1, 96, 84, 5]`."""
    with np.load(os.path.join(os.path.dirname(data.__file__), "shipped", "freedoom_bands.npz")) as file:
        return np.unpackbits(file[split][:bars], axis=1).reshape(-1, 1, 96, 84, 5)


def test_an_empty_bar_is_empty():
    assert music.empty_bars(np.concatenate([bar(), bar((C, 0, 1))])).tolist() == [True, False]


@pytest.mark.parametrize(("notes", "folded", "v1"), [
    ([(C, 0, 8), (E, 0, 8), (G, 0, 8)], 3, 2),  # v1 counts rows 0 to 6 as one class
    ([(C, 0, 8), (E, 0, 8), (G, 0, 8), (C + 24, 0, 8), (G + 60, 40, 8)], 3, 4),
    ([(pitch, 0, 1) for pitch in range(24)], 12, 4),
    ([], 0, 0),
])
def test_pitch_classes_are_counted_without_their_octave(notes, folded, v1):
    assert music.pitch_classes(bar(*notes)) == [folded]
    assert music.pitch_classes(bar(*notes), "v1") == [v1]


@pytest.mark.parametrize(("steps", "lengths", "share"), [
    (96, [2, 3, 4, 24], 0.75), (96, [1, 2], 0.0), (96, [3], 1.0), (48, [1, 2], 0.5), (16, [1, 1, 1, 2], 0.25),
])
def test_qualified_notes_are_long_enough(steps, lengths, share):
    starts = np.cumsum([0, *[length + 1 for length in lengths[:-1]]])
    notes = [(C, start, length) for start, length in zip(starts, lengths, strict=True)]
    np.testing.assert_allclose(music.qualified_notes(bar(*notes, steps=steps)), [share])


def test_overlapping_notes_of_other_pitches_are_told_apart():
    np.testing.assert_allclose(music.qualified_notes(bar((C, 0, 1), (D, 0, 10), (E, 1, 1), (G, 90, 6))), [0.5])


def test_notes_are_cut_at_the_bar_and_an_empty_bar_has_no_share():
    assert np.isnan(music.qualified_notes(bar()))
    np.testing.assert_allclose(music.qualified_notes(bar((C, 94, 2))), [0.0])  # whatever the next bar begins with


@pytest.mark.parametrize(("hits", "value"), [
    ([0, 12, 48, 90], 1.0),  # on sixteenths
    ([3, 15, 51, 93], 1.0),  # the same, shifted
    ([0, 6, 12, 13], (3 + 0.3) / 4),
    ([0, 6, 11, 14], (2 + 0.3) / 4),
    ([0, 6, 8, 12, 18], 4 / 5),
    ([0, 1, 2, 3, 4, 5], (1 + 2 * 0.3) / 6),
])
def test_drum_hits_lie_on_sixteenths(hits, value):
    np.testing.assert_allclose(music.drum_patterns(bar(*[(step % 2, step, 1) for step in hits])), [value])


def test_drum_patterns_at_48_steps_and_at_too_few():
    hits = [(C, 0, 1), (C, 3, 1), (C, 6, 1), (D, 4, 1)]
    np.testing.assert_allclose(music.drum_patterns(bar(*hits, steps=48)), [(3 + 0.3) / 4])
    assert np.isnan(music.drum_patterns(bar()))
    with pytest.raises(InvalidInput, match="bars of 16 steps cannot show whether drum hits lie on sixteenths; give 32"):
        music.drum_patterns(bar(steps=16))


def chord(*pitches, steps=16):
    return bar(*[(pitch, 0, steps) for pitch in pitches], steps=steps)


def test_a_track_is_at_no_distance_from_itself_whatever_its_octave_and_loudness():
    c_major = chord(C, E, G)
    assert music.tonal_distances(c_major, c_major) == [0.0]
    np.testing.assert_allclose(music.tonal_distances(c_major, chord(C + 24, E + 12, G + 60)), [0.0], atol=1e-12)


@pytest.mark.parametrize(("interval", "distance"), [
    # |2 r sin(angle / 2)| on the circles of fifths (7/6 pi a semitone), minor thirds (3/2 pi) and major thirds (2/3 pi)
    (7, [np.pi / 6, np.pi / 2, 2 * np.pi / 3]), (1, [7 * np.pi / 6, 3 * np.pi / 2, 2 * np.pi / 3]),
    (6, [np.pi, np.pi, 0]),
])
def test_the_distance_of_two_pitches_is_that_of_harte_s_circles(interval, distance):
    expected = np.linalg.norm(2 * np.array([1, 1, 0.5]) * np.sin(np.array(distance) / 2))
    np.testing.assert_allclose(music.tonal_distances(chord(C), chord(C + interval)), [expected])


def test_a_fifth_is_nearer_than_a_tritone():
    fifth, tritone = (music.tonal_distances(chord(C), chord(C + interval)) for interval in (7, 6))
    assert fifth < tritone


def test_a_bar_with_a_silent_beat_has_no_distance():
    three_beats = bar((C, 0, 12), steps=16)
    assert np.isnan(music.tonal_distances(three_beats, chord(C)))


def test_real_tracks_are_nearer_than_tracks_of_other_bars():
    x = real()
    shuffled = x.copy()
    for track in range(1, 5):
        shuffled[..., track] = np.roll(x[..., track], 200 * track, axis=0)
    near, far = (music.music_quality(phrases, BAND)["TD"] for phrases in (x, shuffled))
    for pair in near:
        assert near[pair]["value"] + 4 * near[pair]["stderr"] < far[pair]["value"] - 4 * far[pair]["stderr"]


@pytest.mark.parametrize("steps", [96, 48, 16])
def test_pypianoroll_measures_the_same_where_it_has_the_same_measure(steps):
    """Its chroma takes ten neighbouring rows for a pitch class, so that it is given each class in ten rows of its own.

    Its note rate pairs the ends of notes in time, which is right for one voice only, with lengths in rows of all
    pitches; its `tonal_distance` fails on every piano-roll, so that its basis alone is compared. The others are other
    measures: `empty_beat_rate` is the share of beats that sound, `drum_in_pattern_rate` counts steps instead of hits,
    on a grid that does not shift.
    """
    x = real(bars=60)[:, 0, :: 96 // steps]
    classes = np.zeros((60, steps, 12, 10, 5), bool)
    classes[:, :, :, :7] = x.reshape(60, steps, 7, 12, 5).swapaxes(2, 3)
    rows = np.pad(classes.reshape(60, steps, 120, 5), [(0, 0), (0, 0), (0, 8), (0, 0)])
    for track in (BASS, GUITAR, LEAD, STRINGS):
        expected = [theirs.n_pitch_classes_used(bar) for bar in rows[..., track]]
        np.testing.assert_array_equal(music.pitch_classes(x[..., track]), expected)
    voice = x[..., BASS] * (np.cumsum(x[..., BASS], -1) == 1)  # the lowest note
    sounding = voice[voice.any((1, 2))]
    expected = [theirs.qualified_note_rate(bar.astype(int), 84 * max(2, 3 * steps // 96)) for bar in sounding]
    np.testing.assert_allclose(music.qualified_notes(sounding), expected)
    np.testing.assert_allclose(music.tonal_centroids(np.eye(12)).T, theirs._get_tonal_matrix(*music.RADII), atol=1e-12)


def test_the_measures_of_the_test_split_are_those_published_with_it():
    found = music.music_quality(real(bars=None), BAND)
    for measure, values in {
        "EB": [24.8, 13.6, 36.9, 46.0, 35.7], "UPC": [2.60, 3.79, 3.85, 3.09], "QN": [98.6, 99.6, 98.4, 99.7],
        "DP": [97.1], "TD": [0.95, 1.04, 1.13, 0.80, 0.87, 0.97],
    }.items():
        np.testing.assert_allclose([one["value"] for one in found[measure].values()], values, atol=0.06)
    assert list(found["TD"]) == [
        "bass-guitar", "bass-lead", "bass-strings", "guitar-lead", "guitar-strings", "lead-strings"
    ]
    assert "1,649 bars of 96 steps, folded chroma" in found["protocol"]


def test_empty_bars_count_in_eb_only():
    x = np.zeros((1, 4, 48, 84, 5))
    x[0, 0, :, [C, E], BASS] = x[0, 1, :, G, BASS] = x[0, 0, :, C, GUITAR] = 1
    found = music.music_quality(x, BAND)
    assert found["EB"]["bass"]["value"] == 50 and found["EB"]["drums"] == {"value": 100.0, "stderr": 0.0, "bars": 4}
    assert found["UPC"]["bass"] == {"value": 1.5, "stderr": 0.5, "bars": 2} and "drums" not in found["UPC"]
    assert found["UPC"]["guitar"] == {"value": 1.0, "stderr": None, "bars": 1}
    assert found["DP"]["drums"] == found["TD"]["bass-lead"] == {"value": None, "stderr": None, "bars": 0}
    assert found["TD"]["bass-guitar"]["bars"] == 1


def test_chorales_have_no_drums_and_sixteen_steps_no_pattern():
    found = music.music_quality(np.ones((1, 2, 16, 84, 4)), VOICES)
    assert found["DP"] == {} and len(found["TD"]) == 6 and len(found["EB"]) == 4
    assert music.music_quality(np.ones((1, 2, 16, 84, 5)), BAND)["DP"] == {}


@pytest.mark.parametrize(("phrases", "options", "message"), [
    (np.ones((2, 1, 16, 84, 5)), {"chroma": "fold"}, "unknown chroma 'fold'; did you mean 'folded'? (known: folded, "
                                                     "v1)"),
    (np.ones((2, 16, 84, 5)), {}, "phrases has shape [2, 16, 84, 5]; give [n, bars, steps, pitches, 5] with at least "
                                  "one bar"),
    (np.full((1, 1, 16, 84, 5), 0.5), {}, "phrases holds 0.5; give zeros and ones"),
    (np.ones((1, 1, 16, 85, 5)), {}, "bars of 16 steps and 85 pitches do not divide into beats and octaves; give a "
                                     "multiple of 4 steps and of 12 pitches"),
])
def test_what_does_not_suit(phrases, options, message):
    with pytest.raises(InvalidInput) as raised:
        music.music_quality(phrases, BAND, **options)
    assert str(raised.value) == message


def test_two_drum_tracks_have_a_pattern_each():
    found = music.music_quality(np.ones((1, 1, 96, 84, 2)), (Track("low", 0, drum=True), Track("high", 0, drum=True)))
    assert set(found["DP"]) == {"low", "high"} and found["TD"] == {}


# Phrases as sets.


def phrases(n=40, steps=16, bars=2, seed=0):
    return (np.random.default_rng(seed).random((n, bars, steps, 84, 5)) < 0.02).astype("float32")


def test_features_of_a_phrase_have_known_values():
    x = np.zeros((1, 2, 16, 84, 5))
    x[0, :, 4:8, C + 12, BASS] = 1  # the same note in both bars
    x[0, 0, 0, E, DRUMS] = 1
    found, one = metrics.phrase_features(x, BAND)[0], 16 + 7 + 12 + 2
    bass, drums, guitar = found[:one], found[one : one + 25], found[one + 25 : 2 * one + 25]
    assert len(found) == 4 * one + 25
    assert np.flatnonzero(bass).tolist() == [4, 16 + 1, 16 + 7 + C, one - 1]
    np.testing.assert_allclose(bass[[4, 17, 23, -1]], [1, 0.25, 0.25, 1])  # notes, octave, pitch class, repetition
    assert np.flatnonzero(drums).tolist() == [0, 16, 23]  # half of the bars are empty, none is repeated
    np.testing.assert_allclose(drums[[0, 16, 23]], [0.5, 1 / 32, 0.5])
    assert np.flatnonzero(guitar).tolist() == [one - 2] and guitar[-2] == 1


@pytest.mark.parametrize(("steps", "grid"), [(8, 8), (24, 8), (48, 16), (96, 16)])
def test_features_count_notes_on_the_grid_that_steps_and_sixteenths_share(steps, grid):
    found = metrics.phrase_features(phrases(3, steps), BAND)
    assert found.shape == (3, 5 * (grid + 9) + 4 * 12) and np.isfinite(found).all()


def test_another_rhythm_is_farther_than_other_phrases_of_the_same_kind():
    late = np.roll(phrases(400, bars=1, seed=2), 1, 3)
    late[:, :, ::2] = 0
    of = lambda x: metrics.phrase_features(x, BAND)  # noqa: E731
    near = metrics.frechet_distance(of(phrases(400, bars=1)), of(phrases(400, bars=1, seed=1)))["value"]
    assert near < metrics.frechet_distance(of(phrases(400, bars=1)), of(late))["value"] / 2


def test_shuffled_tracks_keep_their_bars():
    x = phrases(20)
    apart = metrics.shuffled_tracks(x, seed=3)
    np.testing.assert_array_equal(apart, metrics.shuffled_tracks(x, seed=3))
    for track in range(5):
        one, other = (sorted(map(bytes, bars[..., track].reshape(40, -1).astype("uint8"))) for bars in (x, apart))
        assert one == other
    assert (apart != x).any() and (metrics.shuffled_tracks(x, seed=4) != apart).any()


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda x: metrics.phrase_features(x[..., :80, :], BAND), "phrases of 80 pitches do not divide into octaves; give"),
    (lambda x: metrics.phrase_features(x[..., :4], BAND), "phrases has shape .40, 2, 16, 84, 4.; give .n, bars,"),
    (lambda x: metrics.shuffled_tracks(x[0]), "phrases has shape .2, 16, 84, 5.; give .n, bars, steps"),
    (lambda x: metrics.nearest_distances(x, np.zeros((3, 7), np.uint8)),
     "others is uint8 of shape .3, 7., but x has 13440 values per phrase; give uint8 .m, 1680."),
])
def test_sets_that_cannot_be_compared(call, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        call(phrases())
