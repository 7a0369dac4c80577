"""The files of a result: mask, probability map, overlay picture, and the side-car that says how they were made.

All files of a result are put in place together, the side-car ``<stem>.serr.json`` last, so where it stands, its result
is complete. Its fields are described in ``docs/formats.md``.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from core import __version__
from core.errors import InputError
from core.files import file_sha256, shown, write_together
from core.types import (
    BoolArray,
    ByteArray,
    FieldOfView,
    FovOrigin,
    FundusImage,
    ProbabilityMap,
    ThresholdOrigin,
    ThresholdRule,
    VesselMask,
)

if TYPE_CHECKING:  # it knows torch, and choosing files must not wait for that
    from core.segmentation import Segmentation

Kind = Literal["mask", "probability", "overlay", "sidecar"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

FORMAT_VERSION: Final = 1
MASK_COLOUR: Final = (0, 229, 255)
"""Cyan: far from the reds of a fundus in hue and in lightness, so that colour-blind eyes see it too."""

_MASK_OPACITY = 0.7
_PROBABILITY_SCALE = 65535


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What is written. ``float_probability`` writes the map as float32 TIFF instead of 16-bit PNG.

    ``mask_colour`` : red, green, blue of the vessels in the overlay.
    """

    mask: bool = True
    probability: bool = True
    overlay: bool = True
    sidecar: bool = True
    float_probability: bool = False
    mask_colour: tuple[int, int, int] = MASK_COLOUR

    def names(self, stem: str) -> dict[Kind, str]:
        """The files of a photograph called ``stem``, by kind, in the order in which they are written."""
        everything: dict[Kind, str] = {
            "mask": f"{stem}_mask.png",
            "probability": f"{stem}_probability.{'tif' if self.float_probability else 'png'}",
            "overlay": f"{stem}_overlay.png",
            "sidecar": f"{stem}.serr.json",
        }
        return {kind: name for kind, name in everything.items() if getattr(self, kind)}


def export_segmentation(
    segmentation: "Segmentation",
    out_dir: Path,
    stem: str,
    choices: ExportChoices,
    *,
    mask: VesselMask | None = None,
) -> dict[str, Path]:
    """Write the chosen files of a result: all of them, or where that fails none, and older ones stay as they were.

    A side-car that is already there for this stem is renewed together with its mask, also where none is chosen: the old
    one would vouch for a mask that is gone.

    Parameters
    ----------
    out_dir : an existing folder.
    mask : what to write instead of ``segmentation.mask``: another threshold, or corrected by hand.

    Returns
    -------
    The files that were written, by kind.

    Raises
    ------
    OutputError : a file cannot be written.
    """
    mask = mask or segmentation.mask
    names = choices.names(stem)
    sidecar = f"{stem}.serr.json"
    if "mask" in names and (out_dir / sidecar).exists():
        names["sidecar"] = sidecar
    contents: dict[Kind, bytes] = {}
    if "mask" in names:
        contents["mask"] = png(np.where(mask.vessel, np.uint8(255), np.uint8(0)))
    if "probability" in names:
        encode = probability_tiff if choices.float_probability else probability_png
        contents["probability"] = encode(segmentation.probability)
    if "overlay" in names:
        picture = overlay_picture(segmentation.image, mask.vessel, segmentation.fov, choices.mask_colour)
        contents["overlay"] = png(picture[:, :, ::-1])
    if "sidecar" in names:
        record = make_record(segmentation, mask, {kind: names[kind] for kind in contents})
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        contents["sidecar"] = text.encode() + b"\n"
    write_together({out_dir / names[kind]: data for kind, data in contents.items()})
    return {kind: out_dir / names[kind] for kind in contents}


def png(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """A PNG file of grey (H, W) or BGR (H, W, 3) pixels."""
    good, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels))
    if not good:
        raise ValueError(f"pixels of shape {pixels.shape} and type {pixels.dtype} cannot be written as PNG")
    return bytes(encoded)


def probability_png(probability: ProbabilityMap) -> bytes:
    """A map as 16-bit grey PNG of round(65535 p)."""
    return png(np.rint(probability.values * np.float32(_PROBABILITY_SCALE)).astype(np.uint16))


def probability_tiff(probability: ProbabilityMap) -> bytes:
    """A map as grey TIFF of the float32 values themselves, deflated."""
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, probability.values, photometric="minisblack", compression="zlib")
    return buffer.getvalue()


def overlay_picture(
    image: FundusImage, vessel: BoolArray, fov: FieldOfView, colour: tuple[int, int, int] = MASK_COLOUR
) -> ByteArray:
    """The photograph with the vessels in a colour and the outline of the field of view, RGB uint8 (H, W, 3)."""
    picture = image.rgb.copy()
    over = np.asarray(colour, np.float32) * np.float32(_MASK_OPACITY)
    under = image.rgb[vessel].astype(np.float32) * np.float32(1.0 - _MASK_OPACITY)
    if not fov.inside.all():
        contours, _ = cv2.findContours(fov.inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, (255, 255, 255), max(1, round(max(image.shape) / 1000)))
    # Last: the outline must not hide what the picture is for.
    picture[vessel] = np.rint(under + over).astype(np.uint8)
    return picture


def pixels_sha256(pixels: BoolArray) -> str:
    """SHA-256 of a mask: of its height and width as text and its pixels as bits, row by row."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.packbits(pixels).tobytes())
    return digest.hexdigest()


def make_record(segmentation: "Segmentation", mask: VesselMask, files: Mapping[str, str]) -> dict[str, Any]:
    """All that is needed to know how a result was made and to make it again, as plain JSON values."""
    image, fov, card = segmentation.image, segmentation.fov, segmentation.card
    inside = int(np.count_nonzero(fov.inside))
    vessels = int(np.count_nonzero(mask.vessel))
    return {
        "serr_sidecar": FORMAT_VERSION,
        "program": {"version": __version__, "torch": version("torch"), "opencv": cv2.__version__},
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "photograph": {
            "file": shown(image.source) if image.source else None,
            "sha256": file_sha256(image.source) if image.source else None,
            "width": image.shape[1],
            "height": image.shape[0],
            "bit_depth": image.bit_depth,
        },
        "field_of_view": {
            "origin": fov.origin,
            "file": shown(fov.source) if fov.source else None,
            "sha256": pixels_sha256(fov.inside),
            "pixels": inside,
            "diameter_px": fov.diameter_px,
        },
        "model": {
            "name": card.name,
            "sha256": segmentation.model_sha256,
            "architecture": card.architecture,
            "preprocessing": card.preprocessing.to_dict(),
        },
        "inference": {
            "options": segmentation.options.to_dict(),
            "device": segmentation.device,
            "precision": segmentation.precision,
            "tiles": segmentation.tiles,
            "scale": segmentation.scale,
        },
        "rule": {
            **asdict(mask.rule),
            "threshold": mask.rule.threshold,
            "meaning": "vessel where floor(256 * probability) >= level",
        },
        "mask": {
            "sha256": pixels_sha256(mask.vessel),
            "pixels": vessels,
            "share_of_field_of_view": vessels / inside,
            "edited": mask.edited,
        },
        "files": dict(files),
        "notes": list(segmentation.notes),
    }


@dataclass(frozen=True, slots=True)
class SideCar:
    """What a side-car says, as far as it is needed to make the result again; ``record`` is all of it."""

    path: Path
    photo: Path | None
    photo_sha256: str | None
    model: str
    model_sha256: str
    options: dict[str, object]
    rule: ThresholdRule
    fov_origin: FovOrigin
    fov_file: Path | None
    fov_sha256: str
    mask_sha256: str
    edited: bool
    record: dict[str, Any]


def read_sidecar(path: Path) -> SideCar:
    """Read a side-car and check every value that is needed to make the result again.

    Raises
    ------
    InputError : the file is missing, unreadable, no side-car, damaged, or from a newer program.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(
            f"The side-car {shown(path)} cannot be read: {why}. Choose another, or make the result anew."
        ) from error
    try:
        record = json.loads(text)
        found = record["serr_sidecar"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{shown(path)} is not a side-car of this program: choose a file that it wrote, with a name that ends in "
            ".serr.json."
        ) from error
    if not isinstance(found, int) or found > FORMAT_VERSION:
        raise InputError(f"{shown(path)} was written by a newer version of this program: update the program.")
    try:
        return _checked(path, record)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The side-car {shown(path)} is damaged ({error}): make the result again.") from error


def _checked(path: Path, record: dict[str, Any]) -> SideCar:
    """Raises KeyError, TypeError or ValueError for what is missing or wrong, with the place in its text."""

    def value(place: str, kind: type | UnionType) -> Any:
        found: Any = record
        for key in place.split("."):
            if not isinstance(found, dict) or key not in found:
                raise KeyError(f"{place} is missing")
            found = found[key]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is int):
            raise TypeError(f"{place} is {found!r}")
        return found

    def one_of(place: str, literal: object) -> Any:
        if value(place, str) not in get_args(literal):
            raise ValueError(f"{place} is {value(place, str)!r}")
        return value(place, str)

    photo, fov_file = value("photograph.file", str | None), value("field_of_view.file", str | None)
    return SideCar(
        path=path,
        photo=Path(photo) if photo else None,
        photo_sha256=value("photograph.sha256", str | None),
        model=value("model.name", str),
        model_sha256=value("model.sha256", str),
        options=dict(value("inference.options", dict)),
        rule=ThresholdRule(value("rule.level", int), one_of("rule.origin", ThresholdOrigin)),
        fov_origin=one_of("field_of_view.origin", FovOrigin),
        fov_file=Path(fov_file) if fov_file else None,
        fov_sha256=value("field_of_view.sha256", str),
        mask_sha256=value("mask.sha256", str),
        edited=value("mask.edited", bool),
        record=record,
    )
