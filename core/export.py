"""The files of a result: mask, probability map, overlay picture, and the side-car that says how they were made.

All files of a result are put in place together, the side-car ``<stem>.serr.json`` last, so where it stands, its result
is complete.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from core.files import write_together
from core.sidecar import make_record
from core.types import BoolArray, ByteArray, FieldOfView, FundusImage, ProbabilityMap, VesselMask

if TYPE_CHECKING:  # it knows torch, and choosing files must not wait for that
    from core.segmentation import Segmentation

Kind = Literal["mask", "probability", "overlay", "sidecar"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

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
