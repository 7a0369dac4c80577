"""Where the docks are at the first start: one on the left, two on the right with others behind, the rest on demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QVBoxLayout, QWidget

_AREAS: Final = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
_LOW_PX: Final = 820
"""In a window that is lower the first panel on the right keeps what is above its threshold, and scrolls."""
_TABBED_PX: Final = 620
"""In a window that is lower still all panels on the right are tabs, so that what is used most is seen at once."""
_FIRST_PX: Final = (358, 418)
_BOTTOM_PX: Final = 300


@dataclass(frozen=True, slots=True)
class Dock:
    """A panel, or what makes it when it is first shown, and its place; those at the bottom open on demand."""

    name: str
    title: str
    panel: QWidget | Callable[[], QWidget]
    area: Literal["left", "right", "bottom"]


class PanelDock(QDockWidget):
    """A dock whose panel is made when it is first shown: a window has many, and few are seen at its start."""

    def __init__(self, plan: Dock, window: QMainWindow) -> None:
        super().__init__(plan.title, window)
        self.setObjectName(plan.name)
        self.setProperty("area", plan.area)
        self._panel = plan.panel
        if isinstance(plan.panel, QWidget):
            self.setWidget(plan.panel)

    def setVisible(self, visible: bool) -> None:
        """Called by Qt, too, for whatever shows a dock: a menu, a stored layout, ``show``."""
        if visible and not isinstance(self._panel, QWidget):
            self._panel = self._panel()
            self.setWidget(self._panel)
        super().setVisible(visible)


def make_docks(window: QMainWindow, wanted: Sequence[Dock]) -> list[QDockWidget]:
    """Make the docks of a window. On the right the first is alone, with the others as tabs below it.

    So the threshold and the scores that follow it are seen together, where the window is high enough for that.
    """
    window.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
    window.setCorner(Qt.Corner.BottomRightCorner, _AREAS["right"])
    window.setCorner(Qt.Corner.BottomLeftCorner, _AREAS["left"])
    docks: list[QDockWidget] = [PanelDock(plan, window) for plan in wanted]
    arrange_docks(window, docks)
    window.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # Qt's own menu of docks knows no tabs
    return docks


def arrange_docks(window: QMainWindow, docks: Sequence[QDockWidget]) -> None:
    """Put the docks where they are at the first start, wherever they are now."""
    made: dict[str, list[QDockWidget]] = {area: [] for area in _AREAS}
    for dock in docks:
        dock.setFloating(False)
        window.removeDockWidget(dock)
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        bar.hide()  # Qt forgets those of docks that are removed and leaves them on the window; it shows those in use
    for dock in docks:
        area = str(dock.property("area"))
        dock.setVisible(area != "bottom")  # before it is added, or the window grows for it
        window.addDockWidget(_AREAS[area], dock)
        made[area].append(dock)
    first, *below = made["right"]
    is_low = window.height() < _TABBED_PX
    for dock in below if is_low else below[1:]:
        window.tabifyDockWidget(first if is_low else below[0], dock)
    (first if is_low else below[0]).raise_()
    window.resizeDocks([*made["left"], first, below[0]], [150, 320, 320], Qt.Orientation.Horizontal)
    if not is_low:
        height = _FIRST_PX[window.height() >= _LOW_PX]
        window.resizeDocks([first, below[0]], [height, max(window.height() - height, 1)], Qt.Orientation.Vertical)
    bottom = min(max(_BOTTOM_PX, window.height() * 9 // 20), window.height() // 2)
    window.resizeDocks(made["bottom"], [bottom] * len(made["bottom"]), Qt.Orientation.Vertical)


def show_dock(window: QMainWindow, dock: QDockWidget) -> None:
    """Show a dock in front, and as a tab where another one is at the bottom already."""
    place = window.dockWidgetArea(dock)
    if place == _AREAS["bottom"] and not dock.isFloating():
        # Neither earlier nor later: two that are tabs while both are hidden leave their tab bar behind, and two that
        # are shown side by side widen the window.
        for other in window.findChildren(QDockWidget):
            beside = other is not dock and other.isVisible() and not other.isFloating()
            if beside and window.dockWidgetArea(other) == place and other not in window.tabifiedDockWidgets(dock):
                window.tabifyDockWidget(other, dock)
    dock.show()
    dock.raise_()


def panel_actions(window: QMainWindow, docks: Sequence[QDockWidget]) -> list[QAction]:
    """An action for each dock that shows or closes it; Qt's own ones show it beside the others."""
    actions = []
    for dock in docks:
        action = QAction(dock.windowTitle(), window)
        action.setCheckable(True)
        follow = dock.toggleViewAction()
        action.setChecked(follow.isChecked())
        follow.toggled.connect(action.setChecked)
        action.triggered.connect(lambda on, dock=dock: show_dock(window, dock) if on else dock.close())
        actions.append(action)
    return actions


def toggle_dock(window: QMainWindow, dock: QDockWidget) -> None:
    """Close a dock that is seen; show it in front where it is closed, or behind another one."""
    if dock.isVisible() and not dock.visibleRegion().isEmpty():
        dock.close()
    else:
        show_dock(window, dock)


def stacked(*panels: QWidget) -> QWidget:
    """Panels of one dock, one below the other."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    for panel in panels:
        column.addWidget(panel)
    column.addStretch(1)
    return whole
