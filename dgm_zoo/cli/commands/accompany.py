"""Generate the other tracks of a band around one track of a MIDI file.

The model must be trained with a condition, such as `config.model.condition="strings"`. The notes of that track (or of
--track) are kept, and all other tracks are generated, for every bar of the file. The ending of --out sets the format:
.mid, .wav, a .png of the first phrases, or a .npy array [bars, steps, pitches, tracks].
"""

from absl import flags as absl_flags

from dgm_zoo.cli import music, source
from dgm_zoo.cli.parsing import Call
from dgm_zoo.errors import InvalidInput

ARGUMENTS = 0
USAGE = f"{source.USAGE} --midi=FILE [--track=NAME] [--seed=0] [--tempo=120] [--out=full.mid] [flags]"
EXAMPLES = ("dgm-zoo accompany --workdir=runs/band --midi=mine.mid --out=full.mid",)


def define(flags: absl_flags.FlagValues) -> None:
    source.define(flags)
    absl_flags.DEFINE_string("midi", None, "MIDI file in 4/4 that holds the condition", flag_values=flags)
    absl_flags.DEFINE_string(
        "track", None, "track of the file to use as the condition; by default the model's own", flag_values=flags
    )
    absl_flags.DEFINE_integer("seed", 0, "int32 that determines the result", flag_values=flags)
    absl_flags.DEFINE_float("tempo", 120.0, "beats per minute of --out", flag_values=flags)
    absl_flags.DEFINE_string("out", "full.mid", "file to write: .mid, .wav, .png or .npy", flag_values=flags)


def run(call: Call) -> dict:
    flags = call.flags
    if not flags.midi:
        raise InvalidInput(f"accompany needs --midi; for example {EXAMPLES[0]}")
    music.check_out(flags.out)
    trained = source.open_source(flags)
    source.need(trained, "accompany")

    from dgm_zoo import data
    from dgm_zoo.data.midi import read_track

    model, tracks = trained.model, music.tracks_of(trained)
    bars, steps = model.x_shape[:2]
    name = flags.track or model.given
    condition = read_track(flags.midi, data.info(trained.config.data.name).music, name, steps)
    piece = model.compose(seed=flags.seed, condition=condition)
    music.write(flags.out, piece, tracks, bars, flags.tempo)
    return {"out": flags.out, "bars": len(piece), "track": name, "seed": flags.seed, "shape": list(piece.shape)}


def show(result: dict) -> str:
    return f"wrote {result['bars']} bars around the track '{result['track']}' to {result['out']}"
