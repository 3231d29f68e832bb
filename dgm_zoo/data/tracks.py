"""The tracks of a piano-roll: their names and General MIDI programs.

A piano-roll x `[..., steps, pitches, tracks]` is 1 if a track sounds a pitch in a time step. All sets of the zoo
have the 84 pitches C1 to B7 (MIDI 24 to 107), as in MuseGAN (Dong et al., 2018), and four beats per bar.
"""

import dataclasses
from typing import Any

from dgm_zoo.checks import shown
from dgm_zoo.errors import InvalidInput

LOWEST_PITCH = 24  # the MIDI number of row 0
PITCHES = 84
BEATS = 4  # per bar
FINEST = 96  # steps per bar in which notes are stored: 24 per beat, as in MuseGAN


@dataclasses.dataclass(frozen=True)
class Track:
    """One track of a piano-roll.

    Attributes:
      name: its name in pictures and MIDI files.
      program: General MIDI program, 0 to 127, with which the track is written.
      drum: whether it uses the percussion channel, in which each pitch is an instrument.
      programs: the programs of a MIDI file that are read into this track; ignored for a drum track.
    """

    name: str
    program: int
    drum: bool = False
    programs: tuple = ()


# Keyboards, organs, brass, reeds, pipes and synthesiser leads share a track; bowed strings, choirs and pads another.
# Programs 112 to 127 (percussion and sound effects) have none.
BAND = (
    Track("bass", 33, programs=tuple(range(32, 40))),
    Track("drums", 0, drum=True),
    Track("guitar", 29, programs=tuple(range(24, 32))),
    Track("lead", 4, programs=(*range(24), *range(56, 88), *range(104, 112))),
    Track("strings", 48, programs=(*range(40, 56), *range(88, 104))),
)

def check_tracks(tracks: Any) -> None:
    """Raises `InvalidInput` unless `tracks` is a list or tuple of `Track`s."""
    if not (isinstance(tracks, (list, tuple)) and tracks and all(isinstance(one, Track) for one in tracks)):
        raise InvalidInput(f"tracks is {shown(tracks)}; give those of the data, as data.info(name).music.tracks")


VOICES = tuple(Track(name, 52) for name in ("soprano", "alto", "tenor", "bass"))
