"""Tabs that are named whole, and show in every theme which one is in front."""

from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QProxyStyle, QStyle, QStyleOption, QTabBar, QWidget

from serr_gui.widgets.event_watch import EventWatch

_SPACE_PX: Final = 12


class TabStyle(QProxyStyle):
    """Fusion for tab bars alone: a style of the whole program is asked a thousand times for each change of theme."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        if metric == QStyle.PixelMetric.PM_TabBarTabShiftVertical:
            return 0  # Fusion lowers the text of the tabs that are not in front, and cuts a g
        if metric == QStyle.PixelMetric.PM_TabBarTabHSpace:
            return _SPACE_PX  # four panels beside one another are named whole
        return super().pixelMetric(metric, option, widget)

    def drawControl(
        self,
        element: QStyle.ControlElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        super().drawControl(element, option, painter, widget)
        if element != QStyle.ControlElement.CE_TabBarTabShape or not option.state & QStyle.StateFlag.State_Selected:
            return
        place = QRect(option.rect).adjusted(3, 0, -3, 0)
        if isinstance(widget, QTabBar) and widget.shape() == QTabBar.Shape.RoundedSouth:
            place.setTop(place.bottom() - 1)
        else:
            place.setHeight(2)
        painter.fillRect(place, option.palette.color(QPalette.ColorRole.Highlight))


def dress_tabs(watch: EventWatch, parent: QObject) -> None:
    """Give every tab bar the style, also those that Qt makes for panels that are put on one another."""
    style = TabStyle()
    style.setParent(parent)
    watch.add(partial(_on_tab_bar, style), QEvent, of=QTabBar)


def _on_tab_bar(style: TabStyle, bar: QObject, event: QEvent) -> bool:
    if event.type() == QEvent.Type.Polish and isinstance(bar, QTabBar) and bar.style() is not style:
        bar.setStyle(style)
    return False
