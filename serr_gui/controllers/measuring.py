"""Measures of the vessels on the screen: made in a thread while somebody looks, and made again after each change."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from core.files import display_path
from core.measures.calibres import OpticDisc
from core.measures.disc import DiscProposal
from core.measures.marks import MarkKind, VesselMark, vessel_near, vessels_near
from core.measures.summary import PixelSize
from core.measures.vessels import VesselTree
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.editing import EditingController
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.measure_steps import MeasureSteps
from serr_gui.controllers.workers import Failure
from serr_gui.model.measuring import (
    ClickFor,
    Colouring,
    Measured,
    MeasureInputs,
    MeasureView,
    Mirrored,
    measure_inputs,
    measured,
)
from serr_gui.tasks import measuring as measuring_work
from serr_gui.tasks.segmenting import ModelCache

_REST_MS = 250
"""Vessels are measured when the mask has been left alone for so long."""


class MeasuringController(QObject):
    """Keeps ``state.measured`` right for what is on the screen: empty from the moment at which the mask changes."""

    def __init__(
        self,
        context: ControllerContext,
        editing: EditingController,
        steps: MeasureSteps,
        foreground: ForegroundTask,
        model_cache: ModelCache,
    ) -> None:
        super().__init__(context)
        self._context, self._editing, self._steps = context, editing, steps
        self._long, self._model_cache = foreground, model_cache
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._measure)
        self._place: tuple[float, float] | None = None
        self._wanted: MeasureInputs | None = None
        self._kept: Measured | None = None
        events = context.state.events
        for event in (events.document, events.rule, events.photos, events.current, events.mirrored):
            event.connect(self._refresh)
        editing.levelsChanged.connect(lambda _box: self._forget())

    # What a person asks for

    def watch(self, watched: bool) -> None:
        """Measure while somebody looks, and not for nobody."""
        self._view(watched=watched)
        if watched:
            self._refresh()
        else:
            self._stop()

    def colour(self, colouring: Colouring) -> None:
        """Colour the vessels by a measure."""
        self._view(colouring=colouring)

    def click_for(self, click: ClickFor) -> None:
        """What clicks on vessels do from now on."""
        self._view(click=click)

    def choose(self, vessel: int) -> None:
        """Light a vessel up, by its number; -1: none."""
        self._view(vessel=vessel)
        tree = self._tree()
        if tree is None or not 0 <= vessel < len(tree.vessels):
            self._place = None
        else:  # the one that is nearest to its middle is lit up when the vessels are measured again
            points = tree.vessels[vessel].line.points
            row, column = points[len(points) // 2]
            self._place = float(row), float(column)

    def click(self, x: float, y: float) -> None:
        """A point of the photograph was clicked: choose the vessel there, or mark it."""
        state, tree = self._context.state, self._tree()
        if not state.measure_view.watched or tree is None:
            return
        row, column = y - 0.5, x - 0.5
        vessel = vessel_near(tree, row, column)
        click = state.measure_view.click
        self.choose(vessel)
        if vessel >= 0 and click != "select":
            self.mark(vessel, None if click == "unmark" else click)

    def mark(self, vessel: int, kind: MarkKind | None) -> None:
        """Say what a vessel is; None takes its marks away."""
        tree, now = self._tree(), measure_inputs(self._context.state)
        if tree is None or now is None:
            return
        numbers = vessels_near(tree, [(mark.row, mark.column) for mark in now.setup.marks])
        others = tuple(mark for mark, number in zip(now.setup.marks, numbers, strict=True) if number != vessel)
        line = tree.vessels[vessel].line.points
        row, column = (float(each) for each in line[len(line) // 2])
        added = () if kind is None else (VesselMark(row, column, kind),)
        names: dict[MarkKind | None, str] = {
            "arteriole": self.tr("Mark Arteriole"),
            "venule": self.tr("Mark Venule"),
            "crossing": self.tr("Mark Crossing"),
            None: self.tr("Take Mark Away"),
        }
        self._steps.change(names[kind], marks=(*others, *added))

    def set_disc(self, disc: OpticDisc) -> None:
        """The optic disc is this circle or ellipse."""
        self._steps.change(self.tr("Optic Disc"), disc=disc, disc_doubt="")

    def propose_disc(self) -> None:
        """Look for the optic disc of the photograph on the screen."""
        document, now = self._context.state.document, measure_inputs(self._context.state)
        if document is None or now is None:
            return
        self._context.workers.start(
            "disc",
            partial(measuring_work.find_disc, document.image, now, self._tree()),
            succeeded=partial(self._on_disc, document.path),
            failed=partial(self._context.fail, self.tr("The optic disc could not be looked for.")),
        )

    def _on_disc(self, path: Path, outcome: DiscProposal) -> None:
        document = self._context.state.document
        if document is not None and document.path == path:
            doubt = outcome.doubt or self.tr("Proposed by the program: look whether it is right.")
            self._steps.change(self.tr("Propose Optic Disc"), disc=outcome.disc, disc_doubt=doubt)
            if outcome.doubt:
                self._context.notify("warning", outcome.doubt, until="photo")

    def mirror(self) -> None:
        """Run the network on the mirrored photograph, too, and widen the error bars by what it finds there."""
        state = self._context.state
        self._context.finishSteps.emit()
        now, document = measure_inputs(state), state.document
        if now is None or document is None or state.task is not None:
            return

        def made(outcome: Mirrored) -> None:
            state.mirrored = outcome

        name = display_path(document.path.name)
        self._long.begin(
            "mirror",
            partial(measuring_work.mirror, now, state.device, self._model_cache),
            name=name,
            succeeded=made,
            failed=partial(self._context.fail, self.tr("The error bars could not be made."), until="work"),
            noted=lambda _note: None,  # those of the photograph are known already
        )

    def write(self, path: Path) -> None:
        """Write what was measured: the table, what its columns mean, and the table of segments."""
        found, document = measured(self._context.state), self._context.state.document
        if found is None or document is None:
            return
        self._context.workers.start(
            "measures",
            partial(measuring_work.write, found, document.path, path),
            succeeded=self._on_written,
            failed=partial(self._context.fail, self.tr("The measures could not be written.")),
        )

    def _on_written(self, files: tuple[Path, ...]) -> None:
        names = ", ".join(display_path(file.name) for file in files)
        self._context.notify("success", self.tr("{names} are written.").format(names=names), folder=files[0].parent)

    def remove_disc(self) -> None:
        """The optic disc is not known."""
        self._steps.change(self.tr("Remove Optic Disc"), disc=None, disc_doubt="")

    def set_pixel(self, pixel: PixelSize | None, *, everywhere: bool = False) -> None:
        """The size of a pixel in this photograph, or in all photographs of the list, in place of one that follows."""
        name = self.tr("No Pixel Size")
        if pixel is not None:
            name = self.tr("Pixel Size {um} \u00b5m").format(um=f"{pixel.um:g}")
        change = self._steps.change_all if everywhere else partial(self._steps.change, merge=True)
        change(name, pixel=pixel, disc_mm=None)

    def despite_doubts(self, despite: bool) -> None:
        """Whether also what a doubt about the photograph makes meaningless has a number."""
        name = self.tr("Measure Despite Doubts") if despite else self.tr("No Numbers Where Doubtful")
        self._steps.change(name, despite_doubts=despite)

    def assume_disc(self, mm: float | None, *, everywhere: bool = False) -> None:
        """The size of a pixel follows from the optic disc, if that is so wide; None: it does not."""
        name = self.tr("No Pixel Size")
        if mm is not None:
            name = self.tr("Pixel Size from a Disc of {mm} mm").format(mm=f"{mm:g}")
        change = self._steps.change_all if everywhere else partial(self._steps.change, merge=True)
        if mm is None:
            change(name, disc_mm=None)
        else:
            change(name, disc_mm=mm, pixel=None)

    def _view(self, **changes: object) -> None:
        view: MeasureView = replace(self._context.state.measure_view, **changes)  # type: ignore[arg-type]
        if view != self._context.state.measure_view:
            self._context.state.measure_view = view

    # Measuring

    def _refresh(self) -> None:
        """Measure again where what is measured has changed."""
        state = self._context.state
        if state.mirrored is not None and state.document is not None:
            result = state.document.result
            if result is None or result.segmentation is not state.mirrored.segmentation:
                state.mirrored = None  # of another photograph or run, and large
        now, kept = measure_inputs(state), state.measured
        if now is None or not now.same_as(kept.inputs if kept is not None else self._wanted):
            self._forget()
        elif kept is not None and not kept.complete and self._wanted is None and state.measure_view.watched:
            self._rest.start(_REST_MS)

    def _forget(self) -> None:
        """What was measured is not true any more; measure when the mask is left alone."""
        state = self._context.state
        self._stop()
        if state.measured is not None:
            self._kept = state.measured
            state.measured = None
            self._view(vessel=-1)
        if state.measure_view.watched:
            self._rest.start(0 if self._knows_vessels() else _REST_MS)

    def _knows_vessels(self) -> bool:
        """Whether the vessels of the mask were followed already: then only what a person has said has changed."""
        now = measure_inputs(self._context.state)
        return self._kept is not None and now is not None and now.same_mask(self._kept.inputs)

    def _tree(self) -> VesselTree | None:
        """The vessels of the mask on the screen, also while what was said of them is being counted."""
        found = measured(self._context.state)
        if found is None and self._knows_vessels():
            found = self._kept
        return found.measures.tree if found is not None and found.measures is not None else None

    def _stop(self) -> None:
        self._rest.stop()
        self._wanted = None
        self._context.workers.cancel("measure")

    def _measure(self) -> None:
        state = self._context.state
        now = measure_inputs(state)
        if now is None or not state.measure_view.watched:
            return
        held = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton  # the slider, or a tool
        if held or self._editing.is_painting:
            self._rest.start(_REST_MS)
            return
        self._wanted, known = now, self._knows_vessels()
        if not known:
            self._kept = None
        self._context.workers.start(
            "measure",
            partial(measuring_work.measure, now, self._kept.traced if self._kept is not None and known else None),
            low_priority=True,
            in_turn=True,
            partial_result=self._take,
            succeeded=self._take,
            failed=self._on_failed,
        )

    def _on_failed(self, failure: Failure) -> None:
        inputs, self._wanted = self._wanted, None
        if inputs is not None:  # or it would be tried again and again
            self._context.state.measured = Measured(inputs, problem=failure.sentence, complete=True)
        self._context.fail(self.tr("The vessels could not be measured."), failure)

    def _take(self, outcome: Measured) -> None:
        state = self._context.state
        if not outcome.inputs.same_as(measure_inputs(state)):
            return
        state.measured = outcome
        self._wanted = None if outcome.complete else self._wanted
        if self._place is not None and outcome.measures is not None:
            vessel = vessel_near(outcome.measures.tree, *self._place)
            self._view(vessel=vessel)
