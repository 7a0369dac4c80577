"""A network's result as files of a zip: what made it, its probabilities to the last bit, and its field of view.

The photograph itself is not among them. Whoever reads a result gives the photograph, and it has to be the one that the
result was made of.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from core.errors import InputError
from core.session.fields import path_from, rule_from, seconds_from, text_from, whole_from
from core.session.packing import packed_bits, packed_floats, unpacked_bits, unpacked_floats
from core.strict import Malformed, finite_number, parse_json
from core.types import Doubt, DoubtKind, FieldOfView, FovOrigin, FundusImage, ProbabilityMap

if TYPE_CHECKING:  # it knows torch, and the window is there before that
    from core.segmentation import Segmentation

ABOUT: Final = "result.json"
PROBABILITY: Final = "probability.zlib"
INSIDE: Final = "result_field.zlib"
MEMBERS: Final = (ABOUT, PROBABILITY, INSIDE)


@dataclass(frozen=True, slots=True, eq=False)
class KeptResult:
    """A result that was read again, and the weights file that made it."""

    segmentation: "Segmentation"
    model_path: Path


def result_members(found: "Segmentation", model_path: Path) -> dict[str, bytes]:
    """The files of a result by name."""
    about: dict[str, Any] = {
        "photograph": {
            "sha256": found.image.sha256,
            "height": found.image.shape[0],
            "width": found.image.shape[1],
            "bit_depth": found.image.bit_depth,
        },
        "card": found.card.to_dict(),
        "model_sha256": found.model_sha256,
        "model_file": str(model_path),
        "options": found.options.to_dict(),
        "device": found.device,
        "precision": found.precision,
        "tiles": found.tiles,
        "scale": found.scale,
        "seconds": found.seconds,
        "notes": list(found.notes),
        "doubts": [asdict(doubt) for doubt in found.doubts],
        "rule": found.mask.rule.to_values(),
        "field_of_view": {
            "origin": found.fov.origin,
            "file": None if found.fov.source is None else str(found.fov.source),
            "doubts": [asdict(doubt) for doubt in found.fov.doubts],
        },
    }
    return {
        ABOUT: json.dumps(about, indent=1).encode(),
        PROBABILITY: packed_floats(found.probability.values),
        INSIDE: packed_bits(found.fov.inside),
    }


def about_result(members: Mapping[str, bytes]) -> dict[str, Any]:
    """What ``result.json`` says. Raises Malformed."""
    about = parse_json(members.get(ABOUT, b""), surrogates=True)
    if not isinstance(about, dict) or not isinstance(about.get("photograph"), dict):
        raise Malformed("it says nothing about its result")
    return about


def result_from(members: Mapping[str, bytes], image: FundusImage) -> KeptResult:
    """The result with its photograph.

    Raises
    ------
    InputError : the photograph is not the one that the result was made of.
    Malformed : a file is missing or damaged.
    """
    about = about_result(members)
    try:
        photo = about["photograph"]
        if photo["sha256"] != image.sha256 or (photo["height"], photo["width"]) != image.shape:
            raise InputError("The photograph is not the one that this result was made of.")
        return KeptResult(_segmentation(about, members, image), path_from(about["model_file"]))
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"its result cannot be used ({str(error)[:80]})") from None


def _segmentation(about: dict[str, Any], members: Mapping[str, bytes], image: FundusImage) -> "Segmentation":
    from core.inference.options import InferenceOptions
    from core.masks.threshold import apply_threshold
    from core.models.model_card import ModelCard
    from core.segmentation import Segmentation

    field = about["field_of_view"]
    if field["origin"] not in get_args(FovOrigin) or about["precision"] not in ("fp32", "bf16", "fp16"):
        raise ValueError("field of view or number format")
    inside = unpacked_bits(members[INSIDE], image.shape)
    values = unpacked_floats(members[PROBABILITY], image.shape)
    if not np.isfinite(values).all():
        raise Malformed("its probabilities are not numbers")
    source = None if field["file"] is None else path_from(field["file"])
    fov = FieldOfView(inside, field["origin"], source, _doubts(field["doubts"]))
    if not isinstance(about["options"], dict) or not isinstance(about["notes"], list):
        raise TypeError("options or notes")
    options = InferenceOptions.from_dict(about["options"])
    text_from(options.device)
    probability = ProbabilityMap(values)
    return Segmentation(
        image=image,
        fov=fov,
        probability=probability,
        mask=apply_threshold(probability, rule_from(about["rule"])),
        card=ModelCard.from_dict(about["card"]),
        model_sha256=text_from(about["model_sha256"]),
        options=options,
        device=text_from(about["device"]),
        precision=about["precision"],
        tiles=whole_from(about["tiles"], 0, 1 << 40),
        scale=finite_number(about["scale"]),
        seconds=seconds_from(about["seconds"]),
        notes=tuple(map(text_from, about["notes"])),
        doubts=_doubts(about["doubts"]),
    )


def _doubts(listed: Any) -> tuple[Doubt, ...]:
    return tuple(Doubt(one["kind"], text_from(one["text"])) for one in listed if one["kind"] in get_args(DoubtKind))
