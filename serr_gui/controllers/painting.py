"""Where strokes go: into the mask, or into the layer that a person has chosen to paint."""

from typing import Protocol

from PySide6.QtCore import QObject

from core.masks.strokes import Footprint
from serr_gui.controllers.context import ControllerContext
from serr_gui.model.editing import PaintTarget


class Paintable(Protocol):
    """What can be painted by brush, eraser and the tools that mark areas."""

    def begin(self, code: int) -> None: ...

    def step(self, footprint: Footprint) -> None: ...

    def finish(self) -> None: ...

    def give_up(self) -> None: ...

    def apply(self, name: str, footprint: Footprint, code: int) -> None: ...


class PaintingController(QObject):
    """Hands strokes to what is chosen in the state. A running stroke ends where another one is chosen."""

    def __init__(self, context: ControllerContext, layers: dict[PaintTarget, Paintable]) -> None:
        super().__init__(context)
        self._context, self._layers = context, layers
        self._running: Paintable | None = None

    @property
    def _layer(self) -> Paintable:
        return self._layers[self._context.state.editing.target]

    def begin(self, code: int) -> None:
        self._running = self._layer
        self._running.begin(code)

    def step(self, footprint: Footprint) -> None:
        if self._running is not None:
            self._running.step(footprint)

    def finish(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.finish()

    def give_up(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.give_up()

    def apply(self, name: str, footprint: Footprint, code: int) -> None:
        self._layer.apply(name, footprint, code)
