"""Taking back results that were exported: which photographs of the list have one, and reading it when it is wanted."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SerrError
from core.measures.setup import NOTHING_SAID, MeasureSetup
from core.progress import Progress
from core.threshold_rule import ThresholdRule
from core.types import PhotoMarks
from serr_gui.model.result_store import KeptEdits, Load
from serr_gui.model.state import Averaging, MadeBy
from serr_gui.tasks.monitor import YieldingMonitor

if TYPE_CHECKING:
    from core.segmentation import Segmentation
    from core.session.exported import ExportedResult


@dataclass(frozen=True, slots=True, eq=False)
class TakenBack:
    """A photograph whose result is on the disk.

    ``rule`` : its threshold, None for the model's own. ``questionable``, ``measuring`` : as in ``PhotoItem``.
    """

    path: Path
    made_by: MadeBy
    rule: ThresholdRule | None
    marks: PhotoMarks
    questionable: bytes
    edits: KeptEdits | None
    load: Load
    measuring: MeasureSetup = NOTHING_SAID


def find_exported(paths: Sequence[Path], monitor: YieldingMonitor[TakenBack]) -> None:
    """Deliver a ``TakenBack`` for each photograph that has a whole result beside it."""
    from core.session.exported import ExportedResults

    results = ExportedResults()
    for number, path in enumerate(paths):
        monitor.step(Progress("Looking for results", number, len(paths)))
        found = results.find(path)
        taken = take_back(found) if found is not None else None
        if taken is not None:
            monitor.yield_result(taken)


def take_back(found: "ExportedResult") -> TakenBack | None:
    """What the window keeps of a result; None where its files cannot be read."""
    sidecar = found.sidecar
    edits = None
    if sidecar.edited:  # its corrections are the difference of mask and map, which takes reading both
        from core.session.exported import load_exported

        try:
            segmentation, codes = load_exported(found)
        except SerrError:
            return None
        if codes is not None:
            packed = zlib.compress(codes.tobytes(), 1)
            edits = KeptEdits(segmentation.image.sha256, segmentation.image.shape, packed)
    tta: Averaging = "flips" if sidecar.options.get("tta") == "flips" else "none"
    drawn = found.layer("fov") if sidecar.fov_origin == "edited" else b""
    made_by = MadeBy(sidecar.model, found.model.path, sidecar.fov_origin, sidecar.fov_file, tta, drawn)
    rule = None if sidecar.rule == found.model.card.rule else sidecar.rule
    questionable = found.layer("questionable")
    said = MeasureSetup.from_values(found.measuring)
    return TakenBack(found.photo, made_by, rule, found.marks, questionable, edits, partial(_load, found), said)


def _load(found: "ExportedResult") -> "tuple[Segmentation, Path]":
    from core.session.exported import load_exported

    return load_exported(found)[0], found.model.path
