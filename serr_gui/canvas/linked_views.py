"""Views of one photograph that move together, each with a mark where the pointer of another one is."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from serr_gui.canvas.photo_view import PhotoView


class LinkedViews(QObject):
    """What is done to one view is done to all; ``cursorMoved`` and ``cursorLeft`` are of the view under the mouse."""

    cursorMoved = Signal(int, int)
    cursorLeft = Signal()

    def __init__(self, views: Sequence[PhotoView], parent: QObject) -> None:
        super().__init__(parent)
        self._views = tuple(views)
        self._following = False
        for view in self._views:
            view.placeChanged.connect(self._on_place_changed)
            view.cursorMoved.connect(self._on_cursor_moved)
            view.cursorLeft.connect(self._on_cursor_left)

    def _on_place_changed(self) -> None:
        mover = self.sender()
        if self._following or not isinstance(mover, PhotoView):
            return
        self._following = True
        for view in self._views:
            if view is not mover:
                view.follow(mover)
        self._following = False

    def _on_cursor_moved(self, column: int, row: int) -> None:
        for view in self._views:
            view.set_marked(None if view is self.sender() else (row, column, row + 1, column + 1))
        self.cursorMoved.emit(column, row)

    def _on_cursor_left(self) -> None:
        for view in self._views:
            view.set_marked(None)
        self.cursorLeft.emit()
