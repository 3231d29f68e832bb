"""The recipe from which `create` builds MuseGAN's parts."""

from collections.abc import Sequence
from typing import Any

from dgm_zoo import distributions
from dgm_zoo.checks import boolean, layer_size, shown
from dgm_zoo.core import recipes
from dgm_zoo.errors import InvalidInput, check_known
from dgm_zoo.networks import noise_sizes, phrase_critics, phrase_generator
from dgm_zoo.objectives import adversarial


@recipes.makes("generator", "critic", "prior", "objective", "composition", "tracks", "condition", "noise_dim")
def band(*, image_shape: Sequence[int], tracks: Sequence[str] | None = None, composition: str = "hybrid",
         condition: str | None = None, noise_dim: int = 128, width: int = 1024, critic_width: int | None = None,
         share_temporal: bool = False, generator_normalization: str = "batch", density: Sequence[float] | None = None,
         prior: Any = "StandardNormal", objective: Any = "Wasserstein") -> dict[str, Any]:
    """Returns the generator, the critic, the prior, the objective and the settings of a MuseGAN.

    Args:
      image_shape: (bars, steps, pitches, tracks) of a phrase.
      tracks: names of the tracks; None for "track 1", "track 2", ...
      composition: "jamming" (a generator and a critic per track), "composer" (one generator, one critic) or "hybrid" (a
        generator per track, one critic).
      condition: name of the given track; None to generate all tracks.
      noise_dim: size of the noise input of one bar generator; see `networks.noise_sizes`.
      width: width of the widest layer of a generator; see `networks.music`.
      critic_width: that of a critic, which keeps an eighth of it of all pitches and tracks in a step; None for `width`.
      share_temporal: whether all temporal generators share their weights, as in the released code.
      generator_normalization: "batch", or "none" as in the paper's ablation.
      density: for each track, the share of its values that are 1, to initialise the generator; None for 1/2.
      prior: see `distributions.get`.
      objective: see `objectives.adversarial`.
    """
    if len(image_shape) != 4:
        raise InvalidInput(
            f"x has shape {tuple(image_shape)}, but musegan is for phrases of music, (bars, steps, pitches, tracks); "
            "choose other data, such as freedoom_bands"
        )
    bars, steps, pitches, count = image_shape
    width = layer_size("width", width)
    critic_width = width if critic_width is None else layer_size("critic_width", critic_width)
    share_temporal = boolean("share_temporal", share_temporal)
    if tracks is not None and not (isinstance(tracks, (list, tuple)) and all(isinstance(one, str) for one in tracks)):
        raise InvalidInput(f"tracks is {shown(tracks)}; give the name of each track")
    if not isinstance(density, (list, tuple, type(None))):
        raise InvalidInput(f"density is {shown(density)}; give a share for each track")
    tracks = [f"track {i}" for i in range(1, count + 1)] if tracks is None else list(tracks)
    index = index_of(tracks, condition)
    if density is not None and len(density) != count:
        raise InvalidInput(f"density has {len(density)} values, but there are {count} tracks; give one for each")
    made = count - (index is not None)
    sizes = noise_sizes(composition, bars, made, noise_dim)
    generator = phrase_generator(
        composition, bars, steps, pitches, made, noise_dim, width, index is not None, share_temporal,
        None if density is None else [share for i, share in enumerate(density) if i != index],
        generator_normalization,
    )
    critic = phrase_critics(composition, bars, steps, pitches, count, index, critic_width)
    return {
        "generator": generator, "critic": critic,
        "prior": distributions.get(prior, (sum(sizes.values()),)), "objective": adversarial(objective),
        "composition": composition, "tracks": tracks, "condition": condition, "noise_dim": noise_dim,
    }


def index_of(tracks: list[str], name: str | None) -> int | None:
    """Returns the index of a track, or None for None; raises `InvalidInput`, with the nearest name, if unknown."""
    if name is not None:
        check_known("track", name, tracks)
    return None if name is None else tracks.index(name)
