"""The frame of panels for work that is done elsewhere, such as trainings and batches."""

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, SignalInstance
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from serr_gui.widgets.controls import ElidedLabel, faded
from serr_gui.widgets.thin_bar import ThinBar
from serr_gui.widgets.work_list import WorkList

_LEAST_PX: Final = 290
_ROOM_PX: Final = 640
"""With less, the list is above the rest, and buttons that are needed less are in the menu."""
_RIGHT_PX: Final = 800


class WorkPanel(QWidget):
    """A list on the left, and on the right what is chosen in it; before there is any work, a page that says so.

    Where there is little room the list is above, and only if there is a choice.
    """

    def __init__(self, works: WorkList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(_LEAST_PX)
        self._works, self._narrow = works, False
        self._spare: dict[QPushButton, QAction] = {}
        self._shown: set[QPushButton] = set()
        self.title = ElidedLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.more = QPushButton(self.tr("&More"))
        self.menu = QMenu(self.more)
        self.menu.aboutToShow.connect(self._follow_buttons)
        self.more.setMenu(self.menu)
        self.bar = ThinBar(6)

    def make_frame(self, page: QWidget, nothing: str, list_px: int, begin: Callable[[], QHBoxLayout]) -> None:
        """Put the parts together. ``begin`` makes the buttons that begin such work, below the list and on the page."""
        self._left = QWidget()
        column = QVBoxLayout(self._left)
        column.setContentsMargins(8, 6, 0, 6)
        column.setSpacing(6)
        column.addWidget(self._works, 1)
        column.addLayout(begin())
        right = QWidget()
        self._pages = QStackedLayout(right)
        self._pages.addWidget(QWidget())
        self._pages.addWidget(page)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(self._left)
        self._split.addWidget(right)
        self._split.setStretchFactor(1, 1)
        self._split.setSizes([list_px, _RIGHT_PX])
        self._split.setChildrenCollapsible(False)
        self._nothing = QWidget()  # in place of the rest, so that it is seen whole in a narrow panel
        column = QVBoxLayout(self._nothing)
        column.addWidget(faded(nothing))
        column.addLayout(begin())
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._nothing)
        whole.addWidget(self._split)

    def fill_menu(
        self, entries: Sequence[tuple[str, str, SignalInstance]], request: Callable[[SignalInstance], None]
    ) -> dict[str, QAction]:
        """Put what is needed less into the menu: the actions by their keys, each of which requests its signal."""
        actions = {}
        for key, name, signal in entries:
            actions[key] = self.menu.addAction(name)
            actions[key].triggered.connect(lambda _on=False, signal=signal: request(signal))
        return actions

    def spare(self, *buttons: QPushButton) -> None:
        """Have buttons be the first lines of the menu where there is little room."""
        before = self.menu.actions()[0]
        for button in buttons:
            action = QAction(button.text(), self.menu)
            action.triggered.connect(lambda _on=False, button=button: button.click())
            action.setVisible(False)
            self.menu.insertAction(before, action)
            self._spare[button] = action
            self._shown.add(button)

    def _follow_buttons(self) -> None:
        for button, action in self._spare.items():
            action.setEnabled(button.isEnabled())

    def show_button(self, button: QPushButton, *, shown: bool) -> None:
        """Show a spare button, or its line in the menu, or neither."""
        (self._shown.add if shown else self._shown.discard)(button)
        button.setVisible(shown and not self._narrow)
        self._spare[button].setVisible(shown and self._narrow)

    def show_frame(self, *, any_work: bool, chosen: bool) -> None:
        """Show what there is."""
        self._nothing.setVisible(not any_work)
        self._split.setVisible(any_work)
        self._pages.setCurrentIndex(int(chosen))
        self._fit()

    def _fit(self) -> None:
        self._left.setVisible(not self._narrow or self._works.count() > 1 or self._pages.currentIndex() == 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < _ROOM_PX
        if narrow != self._narrow:
            self.set_narrow(narrow=narrow)

    def set_narrow(self, *, narrow: bool) -> None:
        """Put the parts below one another, or next to one another."""
        self._narrow = narrow
        self._split.setOrientation(Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal)
        for button in self._spare:
            self.show_button(button, shown=button in self._shown)
        self._fit()


def beginning(*actions: QAction) -> QHBoxLayout:
    """Buttons of what begins such work, or takes one up."""
    row = QHBoxLayout()
    row.setSpacing(4)
    for action in actions:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        row.addWidget(button)
    row.addStretch(1)
    return row
