"""What music is shown by: pictures, MIDI and sound files."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from dgm_zoo import viz
from dgm_zoo.data.midi import read_midi
from dgm_zoo.data.tracks import BAND, LOWEST_PITCH, VOICES
from dgm_zoo.errors import InvalidInput

BASS, DRUMS, GUITAR, LEAD = range(4)


def random_phrase(steps, bars=2, density=0.2, seed=0):
    """A phrase of all tracks that sounds in its first and last bar, `[bars, steps, 84, 5]`."""
    x = np.random.RandomState(seed).uniform(size=(bars, steps, 84, 5)) < density
    x[[0, -1], 0, 0, 0] = True
    return x.astype("float32")


# MIDI and sound.


@pytest.mark.parametrize("steps", [4, 12, 16, 48, 96])
@pytest.mark.parametrize("tempo", [120.0, 97.3])
def test_a_roll_comes_back_from_its_midi_file(tmp_path, steps, tempo):
    x = random_phrase(steps)
    viz.save_midi(x, BAND, str(tmp_path / "new" / "a.mid"), tempo=tempo)
    np.testing.assert_array_equal(read_midi(tmp_path / "new" / "a.mid", steps=steps, articulate=False), x)


def test_a_midi_file_has_an_instrument_for_each_track(tmp_path):
    import pretty_midi

    x = np.zeros((1, 16, 84, 5))
    x[0, 2:6, 36 - LOWEST_PITCH, BASS] = x[0, 4:6, 38 - LOWEST_PITCH, DRUMS] = x[0, 8, 60 - LOWEST_PITCH, LEAD] = 1
    viz.save_midi(x, BAND, str(tmp_path / "a.mid"), tempo=60)
    song = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid"))
    found = {one.name: one for one in song.instruments}
    assert (found["bass"].program, found["bass"].is_drum, found["drums"].is_drum) == (33, False, True)
    (held,) = found["bass"].notes
    assert (held.pitch, held.start, held.end) == (36, 0.5, 1.5)  # four sixteenths at 60 beats a minute
    assert [(hit.pitch, hit.start) for hit in found["drums"].notes] == [(38, 1.0), (38, 1.25)]
    assert song.get_tempo_changes()[1].tolist() == [60.0]


def spectrum(path):
    """The rate, the samples and the loudest frequency of a sound file."""
    rate, sound = wavfile.read(path)
    power = np.abs(np.fft.rfft(sound.astype(float)))
    return rate, sound, power.argmax() * rate / len(sound)


def test_a_sound_file_has_the_pitch_and_the_length(tmp_path):
    x = np.zeros((1, 16, 84, 4))
    x[0, :, 69 - LOWEST_PITCH, 0] = 1  # concert pitch
    path = str(tmp_path / "a.wav")
    viz.save_wav(x, VOICES, path, tempo=120)
    rate, sound, loudest = spectrum(path)
    assert sound.dtype == np.int16 and len(sound) / rate == pytest.approx(2.5, abs=1e-3)
    assert loudest == pytest.approx(440, abs=1)
    viz.save_wav(x, VOICES, path, tempo=60)
    assert len(wavfile.read(path)[1]) / rate == pytest.approx(4.5, abs=1e-3)


def test_drums_are_heard_when_they_are_hit_and_kicks_are_low(tmp_path):
    path, energy = str(tmp_path / "a.wav"), {}
    for key in (36, 42):
        x = np.zeros((1, 16, 84, 5))
        x[0, 8, key - LOWEST_PITCH, DRUMS] = 1
        viz.save_wav(x, BAND, path, tempo=120)
        rate, sound, energy[key] = spectrum(path)
        assert not sound[: rate - 1].any() and sound[rate : rate + 500].any()
    assert energy[36] < 120 < 2000 < energy[42]


def test_a_silent_phrase_is_a_silent_file_and_bytes_repeat(tmp_path):
    viz.save_wav(np.zeros((1, 16, 84, 5)), BAND, str(tmp_path / "a.wav"))
    assert not wavfile.read(tmp_path / "a.wav")[1].any()
    for name in "bc":
        viz.save_wav(random_phrase(16), BAND, str(tmp_path / f"{name}.wav"))
    assert (tmp_path / "b.wav").read_bytes() == (tmp_path / "c.wav").read_bytes()


@pytest.mark.parametrize(("phrase", "tempo", "message"), [
    (np.zeros((16, 84, 5)), 120, "phrase has shape [16, 84, 5]; give [bars, steps, pitches, 5]"),
    (np.zeros((1, 16, 108, 5)), 120, "phrase has 108 pitches from MIDI 24 on, but MIDI ends at 127; give at most 104, "
                                     "such as 84"),
    (np.full((1, 16, 84, 5), 0.4), 120, "phrase holds 0.4; give zeros and ones, such as those above a threshold"),
    (np.zeros((1, 16, 84, 5)), 0, "tempo=0; give 4 to 10,000 beats per minute, such as 120"),
])
def test_a_phrase_that_cannot_be_written(phrase, tempo, message):
    with pytest.raises(InvalidInput) as raised:
        viz.to_midi(phrase, BAND, tempo)
    assert str(raised.value) == message


# Pictures.


def test_a_picture_shows_every_track_in_its_colour(tmp_path):
    x = random_phrase(16, density=0.5)[None]
    viz.save_pianoroll(np.concatenate([x, x]), BAND, str(tmp_path / "a.png"))
    viz.save_pianoroll(np.concatenate([x, x]), BAND, str(tmp_path / "b.png"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3)
    for colour in [(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189)]:
        assert (pixels == colour).all(1).sum() > 1000


def test_more_phrases_make_a_wider_picture_and_more_octaves_a_higher_one(tmp_path):
    def size(x):
        viz.save_pianoroll(x, BAND, str(tmp_path / "a.png"))
        return Image.open(tmp_path / "a.png").size

    one = np.zeros((1, 2, 16, 84, 5))
    high = one.copy()
    high[..., 0, 0] = high[..., 83, 0] = 1
    assert size(np.concatenate([one] * 3))[0] > 2 * size(one)[0]
    assert size(high)[1] > size(one)[1]


@pytest.mark.parametrize(("phrases", "message"), [
    (np.zeros((2, 16, 84, 5)), "phrases has shape [2, 16, 84, 5]; give [n, bars, steps, pitches, 5] with at least one "
                               "phrase"),
    (np.full((1, 1, 16, 84, 5), 1.5), "phrases has values from 1.5 to 1.5; give values from 0 to 1"),
    (np.full((1, 1, 16, 84, 5), np.nan), "phrases has values from nan to nan; give values from 0 to 1"),
])
def test_phrases_that_cannot_be_drawn(tmp_path, phrases, message):
    with pytest.raises(InvalidInput) as raised:
        viz.save_pianoroll(phrases, BAND, str(tmp_path / "a.png"))
    assert str(raised.value) == message
