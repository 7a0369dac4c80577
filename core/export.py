"""The files of a result: mask, probability map, overlay picture, and the side-car that says how they were made.

All files of a result are put in place together, the side-car ``<stem>.serr.json`` last, so where it can be read its
result is complete. Before that a mark takes its place: if the program is killed meanwhile, nobody takes an older
side-car for that of the new files, and it is known whose they are.
"""

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.files import write_together
from core.inference.options import DOUBT_VIEWS
from core.sidecar import (
    Annotation,
    SideCar,
    encoded,
    is_same_result,
    make_record,
    merged,
    pixels_sha256,
    read_sidecar,
    sidecar_path,
    unfinished_record,
)
from core.types import BoolArray, ByteArray, FieldOfView, FloatArray, FundusImage, ProbabilityMap, VesselMask

if TYPE_CHECKING:  # it knows torch, and choosing files must not wait for that
    from core.segmentation import Segmentation

ExportKind = Literal["mask", "probability", "overlay", "doubt", "sidecar", "fov", "questionable"]
"""The last two are written with the others where a hand has drawn them: nothing else could tell what they were."""

MASK_COLOUR: Final = (0, 229, 255)
"""Cyan: far from the reds of a fundus in hue and in lightness, so that colour-blind eyes see it too."""

_BAND_ROWS = 64
_MASK_OPACITY = 0.7
_PROBABILITY_SCALE = 65535


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What is written. ``float_probability`` writes the map as float32 TIFF instead of 16-bit PNG.

    ``doubt`` writes the doubt map, of results that have one. ``mask_colour`` : red, green, blue of the vessels in the
    overlay.
    """

    mask: bool = True
    probability: bool = True
    overlay: bool = True
    sidecar: bool = True
    float_probability: bool = False
    mask_colour: tuple[int, int, int] = MASK_COLOUR
    doubt: bool = False

    def names(self, stem: str) -> dict[ExportKind, str]:
        """The files of a photograph called ``stem``, by kind, in the order in which they are written."""
        everything: dict[ExportKind, str] = {
            "mask": f"{stem}_mask.png",
            "probability": f"{stem}_probability.{'tif' if self.float_probability else 'png'}",
            "overlay": f"{stem}_overlay.png",
            "doubt": f"{stem}_doubt.png",
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
    annotation: Annotation | None = None,
    questionable: BoolArray | None = None,
) -> dict[str, Path]:
    """Write the chosen files of a result: all of them, or where that fails none, and older ones stay as they were.

    A side-car that is already there for this stem is renewed together with its mask, also where none is chosen: the old
    one would vouch for a mask that is gone. Files that an older side-car names stay in the new one where they belong
    to the same result.

    Parameters
    ----------
    out_dir : an existing folder.
    mask : what to write instead of ``segmentation.mask``: another threshold, or corrected by hand.
    annotation : what an observer has said of the photograph, for the side-car.
    questionable : bool (H, W), pixels that an observer cannot decide; where an older result has such a file and there
        are none now, an empty one takes its place.

    Returns
    -------
    The files that were written, by kind.

    Raises
    ------
    OutputError : a file cannot be written.
    """
    mask = mask or segmentation.mask
    names = choices.names(stem)
    contents: dict[ExportKind, bytes] = {}
    encoders: dict[ExportKind, Callable[[], bytes]] = {
        "mask": lambda: mask_png(mask.vessel),
        "probability": lambda: encode(segmentation.probability),
        "overlay": lambda: overlay_png(segmentation.image, mask.vessel, segmentation.fov, choices.mask_colour),
    }
    if segmentation.doubt is not None:
        doubt = segmentation.doubt
        encoders["doubt"] = lambda: _png_16_bit(doubt)
    encode = probability_tiff if choices.float_probability else probability_png
    with ThreadPoolExecutor(len(encoders), "encoding") as threads:  # the libraries that compress let others run
        # The overlay takes longest.
        running = {kind: threads.submit(encoders[kind]) for kind in reversed(encoders) if kind in names}
    for kind in encoders:
        if kind in running:
            contents[kind] = running[kind].result()
    if segmentation.fov.origin == "edited" and names:
        names["fov"] = f"{stem}_fov.png"
        contents["fov"] = mask_png(segmentation.fov.inside)
    sidecar = sidecar_path(out_dir, stem)
    before = _older(sidecar)
    if questionable is None and before is not None and "questionable" in before.files:
        questionable = np.zeros(mask.shape, np.bool_)
    if questionable is not None and names:
        names["questionable"] = f"{stem}_questionable.png"
        contents["questionable"] = mask_png(questionable)
    record = make_record(segmentation, mask, annotation)
    if questionable is not None:
        pixels = int(np.count_nonzero(questionable))
        record["questionable"] = {"sha256": pixels_sha256(questionable), "pixels": pixels}
    if "doubt" in contents and segmentation.doubt is not None:
        inside = segmentation.doubt[segmentation.fov.inside]
        record["doubt_map"] = {"views": list(DOUBT_VIEWS), "mean": round(float(inside.mean(dtype=np.float64)), 6)}
    _add_files(record, choices, {kind: (names[kind], data) for kind, data in contents.items()})
    is_same = before is not None and is_same_result(before.record, record)
    if "sidecar" in names or is_same or ("mask" in names and sidecar.exists()):
        names["sidecar"] = sidecar.name
        contents["sidecar"] = encoded(merged(before.record, record) if before is not None and is_same else record)
    targets: dict[str, Path] = {kind: out_dir / names[kind] for kind in contents}
    in_order = [(targets[kind], data) for kind, data in contents.items()]
    if "sidecar" in contents and len(contents) > 1:
        in_order.insert(0, (sidecar, encoded(unfinished_record(record))))
    write_together(in_order)
    return targets


def _add_files(record: dict[str, Any], choices: ExportChoices, files: dict[ExportKind, tuple[str, bytes]]) -> None:
    """Put the files that are about to be written, each a name and a content, into their side-car."""
    record["files"] = {kind: name for kind, (name, _) in files.items()}
    record["files_sha256"] = {kind: hashlib.sha256(data).hexdigest() for kind, (_, data) in files.items()}
    if "overlay" in files:
        record["overlay"] = {"colour": list(choices.mask_colour)}


def _older(path: Path) -> SideCar | None:
    """The existing side-car already; one that is unfinished or damaged is of no use."""
    try:
        return read_sidecar(path)
    except InputError:
        return None


def png(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """A PNG file of grey (H, W) or BGR (H, W, 3) pixels."""
    good, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels))
    if not good:
        raise ValueError(f"pixels of shape {pixels.shape} and type {pixels.dtype} cannot be written as PNG")
    return bytes(encoded)


def mask_png(mask: BoolArray) -> bytes:
    """A mask as grey PNG of 0 and 255."""
    return png(mask.view(np.uint8) * np.uint8(255))


def probability_png(probability: ProbabilityMap) -> bytes:
    """A map as 16-bit grey PNG of round(65535 p)."""
    return _png_16_bit(probability.values)


def _png_16_bit(values: FloatArray) -> bytes:
    """Values in [0, 1] as 16-bit grey PNG of round(65535 x). In bands, which spares copies in 32 bits."""
    grey = np.empty(values.shape, np.uint16)
    for start in range(0, len(values), _BAND_ROWS):
        band = slice(start, start + _BAND_ROWS)
        grey[band] = np.rint(values[band] * np.float32(_PROBABILITY_SCALE))
    return png(grey)


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
    under = np.arange(256, dtype=np.float32)[:, None] * np.float32(1.0 - _MASK_OPACITY)
    mixed = np.rint(under + over).astype(np.uint8)[None]
    if not fov.inside.all():
        contours, _ = cv2.findContours(fov.inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, (255, 255, 255), max(1, round(max(image.shape) / 1000)))
    # Last: the outline must not hide what the picture is for.
    for start in range(0, len(picture), _BAND_ROWS):  # in bands, which spares a copy of the photograph
        band = slice(start, start + _BAND_ROWS)
        cv2.copyTo(cv2.LUT(image.rgb[band], mixed), vessel[band].view(np.uint8), picture[band])
    return picture


def overlay_png(image: FundusImage, vessel: BoolArray, fov: FieldOfView, colour: tuple[int, int, int]) -> bytes:
    """The overlay picture as a file."""
    picture = overlay_picture(image, vessel, fov, colour)
    return png(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR, dst=picture), np.uint8))
