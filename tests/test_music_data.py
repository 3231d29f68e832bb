"""Music as data: phrases of the shipped bands, chorales, a user's own MIDI files, and the sentence for each mistake."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pretty_midi
import pytest
import tensorflow as tf

from dgm_zoo import data
from dgm_zoo.data import phrases
from dgm_zoo.data.builders import freedoom_bands, jsb_chorales, pianoroll
from dgm_zoo.data.midi import read_midi
from dgm_zoo.data.tracks import BAND, LOWEST_PITCH
from dgm_zoo.errors import InvalidInput

SPLITS = ("train", "validation", "test")
BASS, DRUMS, GUITAR, LEAD, STRINGS = range(5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data_dir in which freedoom_bands prepares itself."""
    return str(tmp_path_factory.mktemp("tfds"))


def stored(split):
    """The shipped bars of a split, `[N, 96, 84, 5]`, and the bars in which pieces begin."""
    with np.load(os.path.join(os.path.dirname(data.__file__), "shipped", "freedoom_bands.npz")) as file:
        key = freedoom_bands.KEYS[split]
        return np.unpackbits(file[key], axis=1).reshape(-1, 96, 84, 5), file[f"{key}_offsets"]


def rows(dataset, count=None):
    return np.concatenate([x.numpy() for x in (dataset.take(count) if count else dataset)])


# Freedoom bands.


def test_the_shipped_file_has_its_licence_and_is_small():
    shipped = os.path.join(os.path.dirname(data.__file__), "shipped")
    assert "Redistribution and use" in open(os.path.join(shipped, "FREEDOOM_LICENSE.txt")).read()
    assert os.path.getsize(os.path.join(shipped, "freedoom_bands.npz")) < 2e6


def test_a_phrase_is_the_bars_of_one_piece(folder):
    bars, offsets = stored("test")
    x = rows(data.load("freedoom_bands", "test", 50, bars=4, steps=96, limit=100, data_dir=folder))
    first = np.concatenate([np.arange(a, b - 3, 4) for a, b in zip(offsets[:-1], offsets[1:], strict=True)])
    np.testing.assert_array_equal(x, bars[first[:100, None] + np.arange(4)])
    assert x.dtype == np.float32 and x.shape == (100, 4, 96, 84, 5)


def test_a_coarse_step_sounds_where_a_fine_one_does(folder):
    bars, _ = stored("validation")
    load = lambda steps: rows(data.load(  # noqa: E731
        "freedoom_bands", "validation", 100, bars=1, steps=steps, sounding=0, data_dir=folder
    ))[:, 0]
    np.testing.assert_array_equal(load(16), bars.reshape(-1, 16, 6, 84, 5).any(2))
    np.testing.assert_array_equal(load(48), bars.reshape(-1, 48, 2, 84, 5).any(2))


def test_info_counts_what_load_gives(folder):
    facts = data.info("freedoom_bands", folder)
    assert facts.image_shape == (4, 16, 84, 5) and facts.levels == 2 and facts.num_classes is None
    assert [track.name for track in facts.music.tracks] == ["bass", "drums", "guitar", "lead", "strings"]
    for options in ({"hop": 1, "sounding": 3}, {"bars": 2, "steps": 48}):
        facts = data.info("freedoom_bands", folder, **options)
        batches = [x.shape for x in data.load("freedoom_bands", "test", 200, data_dir=folder, **options)]
        assert sum(shape[0] for shape in batches) == facts.splits["test"] and batches[0][1:] == facts.image_shape
    # as published with the set
    assert data.info("freedoom_bands", folder, hop=1).splits == {"train": 12_535, "validation": 1_674, "test": 1_574}
    assert data.info("freedoom_bands", folder, sounding=3).splits == {"train": 2_775, "validation": 366, "test": 359}


def test_the_defaults_are_counted_without_reading(folder):
    default = data.info("freedoom_bands", folder).splits
    assert default == data.info("freedoom_bands", folder, bars=4, hop=4, steps=16, sounding=1).splits


def test_only_phrases_with_enough_sounding_tracks(folder):
    x = rows(data.load("freedoom_bands", "test", 100, sounding=4, data_dir=folder))
    assert (x.any((1, 2, 3)).sum(-1) >= 4).all()


def test_training_order_is_seeded_and_resumes_to_the_bit(folder):
    load = lambda **kw: data.load("freedoom_bands", "train", 64, limit=200, data_dir=folder, **kw)  # noqa: E731
    train = load(seed=3)
    assert train.cardinality() == 3
    assert train.element_spec == tf.TensorSpec((64, 4, 16, 84, 5), tf.float32)
    epochs = [rows(train) for _ in range(3)]
    assert not np.array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(rows(load(seed=3)), epochs[0])
    np.testing.assert_array_equal(rows(load(seed=3, first_epoch=1), 6), np.concatenate(epochs[1:]))
    assert not np.array_equal(rows(load(seed=4)), epochs[0])


def test_splits_share_no_phrase(folder):
    parts = [{x.tobytes() for x in rows(data.load("freedoom_bands", s, 50, shuffle=False, data_dir=folder))}
             for s in SPLITS]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


@pytest.mark.parametrize(("options", "message"), [
    ({"bars": 0}, "bars is 0; give a whole number of at least 1"),
    ({"hop": 0}, "hop is 0; give a whole number of at least 1"),
    ({"steps": 20}, "steps=20 does not suit 'freedoom_bands'; give one of 4, 8, 12, 16, 24, 32, 48, 96"),
    ({"sounding": 6}, "sounding=6 is more than the 5 tracks of 'freedoom_bands'; lower it"),
    ({"bars": 10_000}, "split 'test' of 'freedoom_bands' has no phrase with bars=10000 and sounding=1; lower them"),
    ({"labels": True}, "labels=True, but 'freedoom_bands' has no labels; leave labels out"),
    ({"labelled_rows": 3}, "labelled_rows=3, but 'freedoom_bands' has no labels; leave it out"),
    ({"binarize": "fixed"}, "binarize='fixed' is for images, but 'freedoom_bands' holds piano-rolls; leave it out"),
    ({"limit": 1_000}, "limit=1000 does not fit split 'test'; give 1 to 410"),
])
def test_an_option_that_does_not_fit(folder, options, message):
    with pytest.raises(InvalidInput) as raised:
        data.load("freedoom_bands", "test", 8, data_dir=folder, **options)
    assert str(raised.value) == message


def test_phrases_are_for_music():
    with pytest.raises(InvalidInput, match="bars=4 is for music, which 'digits' is not; leave it out"):
        data.load("digits", "train", 8, bars=4)
    with pytest.raises(InvalidInput, match="hop=1 is for music, which 'mnist' is not; leave it out"):
        data.info("mnist", hop=1)


def test_beginnings_stay_within_a_piece():
    pieces, sounds = np.array([0, 0, 0, 0, 0, 1, 1, 2]), np.ones((8, 2), bool)
    sounds[2:4, 0] = False
    assert phrases.beginnings(pieces, sounds, 2, 1, 1).tolist() == [0, 1, 2, 3, 5]
    assert phrases.beginnings(pieces, sounds, 2, 2, 1).tolist() == [0, 2, 5]
    assert phrases.beginnings(pieces, sounds, 2, 1, 2).tolist() == [0, 1, 3, 5]
    assert phrases.beginnings(pieces, sounds, 6, 1, 0).tolist() == []


# Chorales.


@pytest.fixture
def chorales(tmp_path):
    """A file as the chorales' own: three pieces of each split, the first with an upbeat of one beat."""
    arrays = {}
    for i, key in enumerate(("train", "valid", "test")):
        pieces = [np.full((n, 4), [72, 67, 60, 48 + i], np.int8) for n in (36, 32, 64)]
        pieces[0][:4] = -1
        pieces[0][4:8, 3] = 50
        arrays[key], arrays[f"{key}_offsets"] = np.concatenate(pieces), np.cumsum([0, 36, 32, 64]).astype(np.int32)
    np.savez(tmp_path / "jsb_chorales_16th.npz", **arrays)
    return tmp_path


def test_chorales_are_four_tracks_that_begin_on_a_downbeat(chorales, tmp_path):
    data.prepare("jsb_chorales", str(tmp_path / "sets"), str(chorales))
    load = lambda **kw: rows(data.load(  # noqa: E731
        "jsb_chorales", "test", 8, data_dir=str(tmp_path / "sets"), **kw
    ))
    x = load(bars=2)
    assert x.shape == (1 + 1 + 2, 2, 16, 84, 4)
    assert np.flatnonzero(x[0, 0, 0, :, 3]) == [50 - LOWEST_PITCH] and np.flatnonzero(x[0, 0, 5, :, 3]) == [50 - 24]
    assert (x.sum(3) == 1).all()  # each voice sings one pitch at a time
    assert np.flatnonzero(x[1, 0, 0, :, 0]) == [72 - LOWEST_PITCH]
    with pytest.raises(InvalidInput, match="steps=48 does not suit 'jsb_chorales'; give one of 4, 8, 16"):
        load(steps=48)


def test_chorales_that_cannot_be_read(tmp_path):
    with pytest.raises(InvalidInput, match="'jsb_chorales' is read from jsb_chorales_16th.npz, which is not in"):
        data.prepare("jsb_chorales", str(tmp_path / "sets"), str(tmp_path))
    (tmp_path / "jsb_chorales_16th.npz").write_bytes(b"none")
    with pytest.raises(InvalidInput, match=r"jsb_chorales_16th.npz' cannot be read"):
        data.prepare("jsb_chorales", str(tmp_path / "sets"), str(tmp_path))
    with pytest.raises(InvalidInput, match="a chorale has pitches from 20 to 60; give MIDI pitches from 24 to 107"):
        jsb_chorales.bars_of(np.full((16, 4), [20, 60, 60, 60], np.int8))


def test_the_real_chorales_have_the_stated_sizes(tfds_data_dir):
    if not data.info("jsb_chorales", tfds_data_dir).prepared:
        pytest.skip(f"jsb_chorales is not prepared in {tfds_data_dir}")
    facts = data.info("jsb_chorales", tfds_data_dir)
    assert data.info("jsb_chorales", tfds_data_dir, hop=4).splits == facts.splits


# A user's own MIDI files.


def song(notes, signature=None, tempo=120):
    """A MIDI file's content: notes (program or None for drums, pitch, start, end), in beats."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=tempo, resolution=480)
    if signature:
        midi.time_signature_changes.append(pretty_midi.TimeSignature(*signature, 0))
    for program in dict.fromkeys(note[0] for note in notes):
        instrument = pretty_midi.Instrument(program or 0, is_drum=program is None)
        instrument.notes = [pretty_midi.Note(90, pitch, start * 60 / tempo, end * 60 / tempo)
                            for of, pitch, start, end in notes if of == program]
        midi.instruments.append(instrument)
    return midi


def test_notes_become_steps(tmp_path):
    notes = [(33, 36, 4, 5), (None, 38, 4.5, 6), (30, 60, 5, 5.5), (0, 72, 4, 8), (48, 64, 6, 8), (120, 70, 4, 8),
             (33, 20, 4, 5)]
    song(notes, tempo=93).write(str(tmp_path / "a.mid"))
    x = read_midi(tmp_path / "a.mid", steps=16, articulate=False)
    assert x.shape == (1, 16, 84, 5)  # the empty first bar is left out
    expected = np.zeros_like(x)
    expected[0, 0:4, 36 - 24, BASS] = expected[0, 2, 38 - 24, DRUMS] = expected[0, 4:6, 60 - 24, GUITAR] = True
    expected[0, :, 72 - 24, LEAD] = expected[0, 8:, 64 - 24, STRINGS] = True
    np.testing.assert_array_equal(x, expected)


def test_articulated_notes_end_a_step_early_and_short_ones_are_dropped(tmp_path):
    step = 1 / 24
    notes = [(33, 36, 0, 1), (33, 36, 1, 2), (33, 40, 2, 2 + step), (0, 72, 0, 2), (0, 72, 1, 3)]
    song(notes).write(str(tmp_path / "a.mid"))
    x = read_midi(tmp_path / "a.mid")
    assert np.flatnonzero(~x[0, :48, 36 - 24, BASS]).tolist() == [23, 47]
    assert not x[:, :, 40 - 24].any()
    assert np.flatnonzero(~x[0, :48, 72 - 24, LEAD])[0] == 23  # struck again while it sounds


@pytest.fixture
def midi_folder(tmp_path):
    """Twelve songs of two bars, one of them twice, some in a folder of their own and with other endings."""
    place = tmp_path / "songs" / "more"
    place.mkdir(parents=True)
    for i in range(12):
        path = (place if i % 2 else place.parent) / f"song{i}{('.mid', '.MIDI')[i % 3 == 0]}"
        song([(33, 36 + i, 0, 4), (None, 38, 4, 5), (30, 60, 7, 8)]).write(str(path))
    song([(33, 36, 0, 4), (None, 38, 4, 5), (30, 60, 7, 8)]).write(str(place / "copy.mid"))
    return tmp_path / "songs"


def test_a_folder_of_midi_files_is_a_data_set(midi_folder, tmp_path):
    place = str(tmp_path / "sets")
    assert data.info("pianoroll", place).splits == {"train": 0, "validation": 0, "test": 0}
    data.prepare("pianoroll", place, str(midi_folder))
    load = lambda split: rows(data.load(  # noqa: E731
        "pianoroll", split, 2, bars=2, shuffle=False, data_dir=place
    ))
    basses = [int(x[0, 0, :, BASS].argmax()) for split in SPLITS for x in load(split)]
    assert sorted(basses) == [12 + i for i in range(12)]  # each once, the copy counting as one
    assert data.info("pianoroll", place, bars=2).splits == {"train": 10, "validation": 1, "test": 1}
    with pytest.raises(InvalidInput, match="has no phrase with bars=4"):
        data.load("pianoroll", "test", 2, data_dir=place)
    assert data.prepare("pianoroll", place).startswith(place)
    with pytest.raises(InvalidInput, match="'pianoroll' is prepared in .* already, perhaps from other files"):
        data.prepare("pianoroll", place, str(midi_folder))


@pytest.mark.parametrize(("content", "message"), [
    (b"MThd\0\0", r"bad.mid' cannot be read as a MIDI file \(it ends too early\); correct or remove it"),
    (b"", r"bad.mid' cannot be read as a MIDI file"),
    (song([(33, 40, 0, 1)], (3, 4)), "bad.mid' has the time signature 3/4, but bars have four quarter notes"),
    (song([(120, 40, 0, 1)]), "bad.mid' has no notes between C1 and B7 for the tracks bass, drums, guitar, lead, str"),
    (song([(33, 12, 0, 1)]), "bad.mid' has no notes between C1 and B7"),
])
def test_a_file_that_does_not_suit_is_named(midi_folder, tmp_path, content, message):
    path = midi_folder / "bad.mid"
    path.write_bytes(content) if isinstance(content, bytes) else content.write(str(path))
    with pytest.raises(InvalidInput, match=message) as raised:
        data.prepare("pianoroll", str(tmp_path / "sets"), str(midi_folder))
    assert "\n" not in str(raised.value)
    (midi_folder / "worse.mid").write_bytes(b"")
    with pytest.raises(InvalidInput, match=message + r".* \(and 1 more file has faults\)"):
        data.prepare("pianoroll", str(tmp_path / "sets"), str(midi_folder))


def test_too_few_pieces_and_a_folder_without_any(tmp_path):
    with pytest.raises(InvalidInput, match="the folder has 2 different pieces; give at least 3, one for each split"):
        pianoroll.divide([np.zeros((1, 3)), np.ones((1, 3)), np.zeros((1, 3))])
    with pytest.raises(InvalidInput, match="'pianoroll' is read from .*your own MIDI files"):
        data.prepare("pianoroll", str(tmp_path / "sets"), str(tmp_path))


def test_every_program_belongs_to_at_most_one_track():
    programs = [program for track in BAND for program in track.programs]
    assert sorted(programs) == list(range(112))


def test_a_build_of_the_package_holds_the_shipped_files(tmp_path):
    root = pathlib.Path(data.__file__).parents[2]
    if not (root / "setup.py").exists():
        pytest.skip("the package is installed: there is no source to build from")
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    built, source = (folder / "dgm_zoo" / "data" / "shipped" for folder in (tmp_path, root))
    names = {path.name for path in built.iterdir()}
    assert names == {path.name for path in source.iterdir()} >= {"freedoom_bands.npz", "FREEDOOM_LICENSE.txt"}
