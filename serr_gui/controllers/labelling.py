"""Labels as the thing that is edited: what the mask begins with, and writing it as a label."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from core.files import display_path
from core.masks.edits import BACKGROUND, VESSEL
from core.masks.strokes import Footprint
from core.types import BoolArray
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.editing import EditingController
from serr_gui.controllers.questionable import QuestionablePainting
from serr_gui.controllers.segmentation import SegmentationController
from serr_gui.tasks.exporting import write_label


class LabellingController(QObject):
    """Decides the whole mask at once: from nothing, from a label, or from the network again."""

    def __init__(
        self,
        context: ControllerContext,
        editing: EditingController,
        questionable: QuestionablePainting,
        segmentation: SegmentationController,
    ) -> None:
        super().__init__(context)
        self._context, self._editing, self._segmentation = context, editing, segmentation
        self._questionable = questionable

    def start_empty(self) -> None:
        """No vessels anywhere: they are to be drawn."""
        self._with_result(lambda: self._decide(self.tr("Empty Mask"), None))

    def start_from_label(self, expert: int) -> None:
        """The vessels of an expert's label, as a copy; its file stays as it is."""
        document = self._context.state.document
        slot = document.labels[expert] if document is not None else None
        if slot is None or slot.label is None:
            return
        label, name = slot.label, self.tr("Label {name}").format(name=display_path(slot.file.path.name))

        def start() -> None:
            self._decide(name, label.vessel)
            if label.ignored is not None and label.ignored.any():  # what the expert left open stays open
                self._questionable.apply(name, Footprint(0, 0, label.ignored), VESSEL)

        self._with_result(start)

    def start_over(self) -> None:
        """Give every pixel back to the network and run it again; Undo brings the corrections back."""
        self._editing.discard()
        self._segmentation.segment()

    def save_label(self, path: Path) -> None:
        """Write the mask as it is shown as a label: PNG, 255 for vessel, else 0."""
        document, result = self._context.state.document, self._context.state.result
        if document is None or result is None:
            return
        vessel = result.mask(self._context.state.rule).vessel
        self._context.workers.start(
            "label saved",
            lambda _monitor: write_label(path, vessel),
            succeeded=partial(self._on_saved, path),
            failed=partial(self._context.fail, self.tr("The label could not be written.")),
            completes=True,
        )

    def _on_saved(self, path: Path, pixels: object) -> None:
        text = self.tr("The label {name} is written ({count} pixels of vessels).")
        text = text.format(name=display_path(path.name), count=f"{pixels:,}")
        self._context.notify("success", text, folder=path.parent, until="photo")

    def _decide(self, name: str, vessel: BoolArray | None) -> None:
        result = self._context.state.result
        if result is None:
            return
        inside = result.segmentation.fov.inside
        codes = inside * np.uint8(BACKGROUND)
        if vessel is not None and vessel.shape == inside.shape:
            codes[vessel & inside] = VESSEL
        self._editing.decide_all(name, codes)

    def _with_result(self, then: Callable[[], None]) -> None:
        """The map is needed all the same: it is what Trace follows, and what a pixel is given back to."""
        state = self._context.state
        path = state.document.path if state.document is not None else None

        def begin() -> None:
            if state.document is not None and state.document.path == path:  # and not one that was opened meanwhile
                then()

        if state.result is None:
            self._segmentation.segment(then=begin)
        else:
            begin()
