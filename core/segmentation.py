"""What the chain makes of a photograph."""

from dataclasses import dataclass

from core.inference.device import Precision
from core.inference.predictor import InferenceOptions
from core.model_card import ModelCard
from core.types import FieldOfView, FundusImage, ProbabilityMap, VesselMask


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The vessels of a photograph, with all that is needed to know how they were found and to find them again.

    Parameters
    ----------
    image, fov : what was given or found. ``probability`` and ``mask`` are on the photograph's own grid.
    card, model_sha256 : the network.
    options : how it was run, with every choice made (none of them "auto").
    device, precision : what really computed, in words, and in which number format.
    tiles : 1 where the photograph was run whole.
    scale : network pixels for each pixel of the photograph.
    seconds : from the photograph in memory to the mask.
    notes : sentences for the user about what went otherwise than asked.
    """

    image: FundusImage
    fov: FieldOfView
    probability: ProbabilityMap
    mask: VesselMask
    card: ModelCard
    model_sha256: str
    options: InferenceOptions
    device: str
    precision: Precision
    tiles: int
    scale: float
    seconds: float
    notes: tuple[str, ...] = ()
