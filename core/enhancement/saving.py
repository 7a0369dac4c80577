"""Writing an enhanced picture with the side-car that says that it is one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from core import __version__
from core.errors import OutputError
from core.files import display_path, ensure_folder, path_text, write_together
from core.photo.enhanced import ENHANCED_SUFFIX, marked_png, read_mark
from core.photo.sibling_files import photo_stem
from core.sidecar import encoded

if TYPE_CHECKING:  # it knows torch
    from core.enhancement.enhancer import Enhanced

FORMAT_VERSION = 1
EnhancedKind = Literal["picture", "sidecar"]


def enhanced_names(stem: str) -> dict[EnhancedKind, str]:
    """The files of a photograph called ``stem``."""
    return {"picture": f"{stem}_enhanced.png", "sidecar": f"{stem}_enhanced{ENHANCED_SUFFIX}"}


def save_enhanced(
    enhanced: "Enhanced",
    folder: Path,
    stem: str | None = None,
    *,
    overwrite: bool = False,
    way_out: str = "--overwrite",
) -> dict[EnhancedKind, Path]:
    """Write ``STEM_enhanced.png`` and ``STEM_enhanced.enhanced.json``, both or neither.

    What is there of the same photograph is replaced; anything else stays.

    Parameters
    ----------
    stem : None for that of the photograph's file, or "photograph" where it had none.
    overwrite : replace files of other photographs, too. ``way_out`` : how a person says so.

    Raises
    ------
    OutputError : a file cannot be written, or one of that name is there already.
    """
    ensure_folder(folder)
    source = enhanced.image.source
    stem = stem or (photo_stem(source) if source is not None else "photograph")
    names = enhanced_names(stem)
    targets: dict[EnhancedKind, Path] = {kind: folder / name for kind, name in names.items()}
    if not overwrite:
        _refuse(enhanced, targets, way_out)
    record = make_record(enhanced)
    good, png = cv2.imencode(".png", np.ascontiguousarray(enhanced.rgb[:, :, ::-1]))
    if not good:
        raise OutputError(f"{display_path(targets['picture'])} cannot be made: its picture is too large for PNG.")
    # The picture may be sent around: it does not say in which folder, of whom, the original is.
    inside = {**record, "original": {**record["original"], "file": source.name if source is not None else None}}
    # The side-car first: a picture without one would look like a photograph.
    write_together([(targets["sidecar"], encoded(record)), (targets["picture"], marked_png(bytes(png), inside))])
    return targets


def make_record(enhanced: "Enhanced") -> dict[str, Any]:
    """All that is needed to know how an enhanced picture was made, as plain JSON values."""
    image, card = enhanced.image, enhanced.card
    return {
        "serr_enhanced": FORMAT_VERSION,
        "meaning": "a network made this picture from the original; details may be invented",
        "program": {"version": __version__},
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "original": {
            "file": path_text(image.source.absolute()) if image.source else None,
            "sha256": image.sha256,
            "width": image.shape[1],
            "height": image.shape[0],
        },
        "network": {"name": card.name, "sha256": enhanced.sha256, "version": card.version, "scale": enhanced.scale},
        "picture": {"width": enhanced.shape[1], "height": enhanced.shape[0]},
        "inference": {"device": enhanced.device, "precision": enhanced.precision, "tiles": enhanced.tiles},
    }


def _refuse(enhanced: "Enhanced", targets: dict[EnhancedKind, Path], way_out: str) -> None:
    there = [path for path in targets.values() if path.exists()]
    record = read_mark(targets["picture"])
    original = record.get("original") if record is not None else None
    sha256 = original.get("sha256") if isinstance(original, dict) else None
    if not there or (sha256 is not None and sha256 == enhanced.image.sha256):
        return
    raise OutputError(
        f"{display_path(there[0].name)} is in {display_path(there[0].parent)} already, and is not of this photograph. "
        f"Choose another folder, or {way_out} to replace it."
    )
