"""Where the docks are at the first start: one on the left, two on the right with others behind, the rest on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QVBoxLayout, QWidget

_AREAS: Final = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
_LOW_PX: Final = 820
"""A window that is lower has no room for two panels one below the other: they become tabs."""
_BOTTOM_PX: Final = 300


@dataclass(frozen=True, slots=True)
class Dock:
    """A panel and its place; those at the bottom open on demand and lie behind one another."""

    name: str
    title: str
    panel: QWidget
    area: Literal["left", "right", "bottom"]


def make_docks(window: QMainWindow, wanted: Sequence[Dock]) -> list[QDockWidget]:
    """Make the docks of a window. On the right the first stands alone, the others are tabs below it."""
    window.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
    window.setCorner(Qt.Corner.BottomRightCorner, _AREAS["right"])
    window.setCorner(Qt.Corner.BottomLeftCorner, _AREAS["left"])
    made: dict[str, list[QDockWidget]] = {area: [] for area in _AREAS}
    for plan in wanted:
        dock = QDockWidget(plan.title, window)
        dock.setObjectName(plan.name)
        dock.setWidget(plan.panel)
        dock.setVisible(plan.area != "bottom")  # before it is added, or the window grows for it
        window.addDockWidget(_AREAS[plan.area], dock)
        made[plan.area].append(dock)
    first, *below = made["right"]
    for dock in below[1:]:
        window.tabifyDockWidget(below[0], dock)
    if window.height() < _LOW_PX:
        window.tabifyDockWidget(first, below[0])
        first.raise_()
    else:
        below[0].raise_()
    window.resizeDocks([*made["left"], first, below[0]], [150, 320, 320], Qt.Orientation.Horizontal)
    window.resizeDocks([first, below[0]], [410, 530], Qt.Orientation.Vertical)
    window.resizeDocks(made["bottom"], [_BOTTOM_PX] * len(made["bottom"]), Qt.Orientation.Vertical)
    for dock in made["bottom"]:
        dock.toggleViewAction().triggered.connect(lambda on, dock=dock: show_dock(window, dock) if on else None)
    return [dock for docks in made.values() for dock in docks]


def show_dock(window: QMainWindow, dock: QDockWidget) -> None:
    """Show a dock in front, and as a tab where another one is at the bottom already."""
    dock.show()
    place = window.dockWidgetArea(dock)
    if place == _AREAS["bottom"] and not dock.isFloating():
        # Only now: docks that are tabs while both are hidden leave their tab bar behind.
        for other in window.findChildren(QDockWidget):
            beside = other is not dock and other.isVisible() and not other.isFloating()
            if beside and window.dockWidgetArea(other) == place and other not in window.tabifiedDockWidgets(dock):
                window.tabifyDockWidget(other, dock)
    dock.raise_()


def scrolling(panel: QWidget) -> QScrollArea:
    """A panel that scrolls up and down where it does not fit."""
    area = QScrollArea()
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(290)
    return area


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
