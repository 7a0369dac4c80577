"""The tools of the canvas, joined to the state: which one is under the pointer, and what becomes of its strokes."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject

from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.masks.tracing import Search
from core.measures.calibres import OpticDisc
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.canvas.tools import Tool
from serr_gui.canvas.tools.bridge import BridgeTool
from serr_gui.canvas.tools.brush import BrushTool
from serr_gui.canvas.tools.circle import CircleTool
from serr_gui.canvas.tools.ellipse import Ellipse, EllipseTool
from serr_gui.canvas.tools.lasso import LassoTool
from serr_gui.canvas.tools.part import PartKind, PartTool
from serr_gui.canvas.tools.ruler import RulerTool
from serr_gui.canvas.tools.trace import TraceTool
from serr_gui.controllers.controller import Controller
from serr_gui.controllers.painting import PaintingController
from serr_gui.model.editing import PAINTING_TOOLS, LassoFill, ToolName
from serr_gui.model.selectors import can_edit, can_paint, disc_shown, fov_circle, may_undo

if TYPE_CHECKING:
    from core.masks.branches import Gap

_LASSO_CODES: Final[dict[LassoFill, int]] = {"vessel": VESSEL, "background": BACKGROUND, "network": UNTOUCHED}


class CanvasTools(QObject):
    """Gives the canvas the tool of the state, and the controller what the tool paints."""

    def __init__(self, canvas: PhotoView, controller: Controller, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas, self._state, self._editing = canvas, controller.state, controller.editing
        self._photo: Path | None = None
        self._gap: tuple[Gap | None, int] = (None, 100)
        self._brushes = (BrushTool(VESSEL, self), BrushTool(BACKGROUND, self))
        self._tools: dict[ToolName, Tool] = {"brush": self._brushes[0], "eraser": self._brushes[1]}
        self._join_tracing(controller)
        self._join_parts(controller)
        painting = controller.painting
        self._join_lasso(painting)
        for tool in self._brushes:
            tool.began.connect(painting.begin)
            tool.stepped.connect(painting.step)
            tool.ended.connect(painting.finish)
            tool.givenUp.connect(painting.give_up)
        self._circle = CircleTool(self)
        self._tools["fov_circle"] = self._circle
        self._circle.changed.connect(controller.fov_painting.set_circle)
        controller.fov_painting.outlineChanged.connect(canvas.set_fov)
        self._join_measuring(controller)
        controller.questionable.shown.connect(canvas.set_questionable)
        controller.questionable.changed.connect(canvas.refresh_questionable)
        canvas.sizeStepRequested.connect(self._editing.step_size)
        self._editing.levelsChanged.connect(canvas.refresh_levels)
        events = self._state.events
        for event in (events.editing, events.document, events.opening, events.task, events.side_task, events.view):
            event.connect(self._show)
        events.photos.connect(self._show_measuring)

    def _join_measuring(self, controller: Controller) -> None:
        self._disc, self._ellipse, self._ruler = CircleTool(self, jumps=True), EllipseTool(self), RulerTool(self)
        self._tools |= {"disc_circle": self._disc, "disc_ellipse": self._ellipse, "ruler": self._ruler}
        set_disc = controller.measuring.set_disc
        self._disc.changed.connect(lambda x, y, radius: set_disc(OpticDisc(y - 0.5, x - 0.5, radius)))
        self._ellipse.changed.connect(
            lambda now: set_disc(OpticDisc(now.y - 0.5, now.x - 0.5, now.first, now.second, now.angle))
        )

    def _join_tracing(self, controller: Controller) -> None:
        self._bridge = BridgeTool(self)
        self._bridge.taken.connect(controller.vessels.take_gap)
        self._bridge.skipped.connect(controller.vessels.skip_gap)
        self._tracers: dict[ToolName, TraceTool] = {"trace": TraceTool(self), "bridge": self._bridge}
        names: dict[ToolName, str] = {"trace": self.tr("Trace"), "bridge": self.tr("Bridge")}
        for key, tool in self._tracers.items():
            self._tools[key] = tool
            tool.searchRequested.connect(controller.vessels.search)
            tool.accepted.connect(lambda part, key=key: self._editing.apply(names[key], part, VESSEL))
        controller.vessels.searched.connect(self._on_searched)

    def _join_parts(self, controller: Controller) -> None:
        removed, kept = self.tr("Remove Vessel"), self.tr("Keep Vessel")
        kinds: tuple[tuple[ToolName, PartKind, str, str], ...] = (
            ("prune", "branch", self.tr("Prune"), self.tr("Keep Branch")),
            ("component", "component", removed, kept),
            ("fill", "enclosed", "", self.tr("Fill")),
        )
        for key, kind, erases, paints in kinds:
            tool = PartTool(kind, self)
            self._tools[key] = tool
            names = {BACKGROUND: erases, VESSEL: paints}
            tool.lookRequested.connect(controller.vessels.look)
            tool.chosen.connect(lambda part, code, names=names: self._editing.apply(names[code], part, code))
            controller.vessels.partFound.connect(tool.take_part)

    def _join_lasso(self, painting: PaintingController) -> None:
        self._lasso = LassoTool(self)
        self._tools["lasso"] = self._lasso
        names = {
            VESSEL: self.tr("Lasso"),
            BACKGROUND: self.tr("Erase with Lasso"),
            UNTOUCHED: self.tr("Give Back to the Network"),
        }
        self._lasso.chosen.connect(lambda part, code: painting.apply(names[code], part, code))

    def _on_searched(self, search: Search) -> None:
        tool = self._tracers.get(self._state.editing.tool)
        if tool is not None:
            tool.take_search(search)

    def _may_use(self, tool: ToolName) -> bool:
        if tool in ("fov_circle", "disc_circle", "disc_ellipse"):
            return may_undo(self._state)
        if tool == "ruler":
            return self._state.document is not None
        return can_paint(self._state) if tool in PAINTING_TOOLS else can_edit(self._state)

    def leave(self) -> None:
        """Give a running stroke up; where none is, go back to the hand."""
        if not self._canvas.cancel_stroke():
            self._editing.set_tool("hand")

    def _show(self) -> None:
        state = self._state
        path = state.document.path if state.document is not None else None
        if path != self._photo:
            self._photo = path
            for tool in self._tools.values():
                tool.reset()
        for brush in self._brushes:
            brush.size_px, brush.by_pressure = state.editing.size_px, state.editing.by_pressure
        for tracer in self._tracers.values():
            tracer.factor = state.editing.width_percent / 100.0
        self._lasso.code = _LASSO_CODES[state.editing.lasso]
        self._show_gap()
        if state.editing.tool == "fov_circle":
            self._circle.set_circle(fov_circle(state))
        self._show_measuring()
        self._canvas.set_tool(self._tools.get(state.editing.tool) if self._may_use(state.editing.tool) else None)
        self._canvas.show_tool()

    def _show_measuring(self) -> None:
        """The optic disc, and the scale of the ruler."""
        item = self._state.item
        pixel = item.measuring.pixel_used if item is not None else None
        self._ruler.pixel_um = pixel.um if pixel is not None else None
        self._ruler.is_assumed = item is not None and item.measuring.is_assumed
        disc = disc_shown(self._state)
        if disc is not None and self._state.editing.tool in ("disc_circle", "disc_ellipse"):
            x, y = disc.column + 0.5, disc.row + 0.5
            self._disc.set_circle((x, y, disc.mean_radius_px))
            self._ellipse.set_ellipse(Ellipse(x, y, *disc.half_axes_px, disc.angle_deg))

    def _show_gap(self) -> None:
        """The gap that is proposed, brought into sight once."""
        editing = self._state.editing
        gap = editing.gap if editing.tool == "bridge" and can_edit(self._state) else None
        width = editing.width_percent
        if (gap, width) != self._gap:
            seen = self._gap[0] is gap
            self._gap = (gap, width)
            self._bridge.propose(gap.trace if gap is not None else None)
            if gap is not None and not seen:
                self._canvas.look_at(gap.box, gap.centre)
