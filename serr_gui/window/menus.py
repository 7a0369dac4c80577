"""Menus and tool bar, from the table of commands."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QToolBar, QToolButton, QWidget

from core.files import display_path
from serr_gui.actions.command import Menu
from serr_gui.actions.qactions import Actions
from serr_gui.actions.table import COMMANDS
from serr_gui.model.state import AppState

_TOOLS: Final = (
    ("open", "open_folder", "export"),
    ("segment", "segment_all"),
    ("previous", "next"),
    ("show_mask", "show_probability", "show_errors", "show_fov"),
    ("fit", "actual_size", "zoom_in", "zoom_out"),
)
_WITH_TEXT: Final = {"open", "open_folder", "export", "segment", "segment_all"}


def make_menus(
    window: QMainWindow,
    actions: Actions,
    state: AppState,
    *,
    panel_actions: Sequence[QAction],
    open_recent: Callable[[Path], None],
    forget_recent: Callable[[], None],
) -> None:
    """Fill the window's menu bar."""
    bar = window.menuBar()
    titles: tuple[tuple[Menu, str], ...] = (
        ("file", window.tr("&File")),
        ("edit", window.tr("&Edit")),
        ("view", window.tr("&View")),
        ("segment", window.tr("&Segment")),
        ("annotate", window.tr("&Annotate")),
        ("measure", window.tr("&Measure")),
        ("compare", window.tr("&Compare")),
        ("train", window.tr("&Train")),
        ("help", window.tr("&Help")),
    )
    for name, title in titles:
        menu = bar.addMenu(title)
        menu.setToolTipsVisible(True)
        _fill(menu, actions, name)
        if name == "file":
            recent = QMenu(window.tr("Open &Recent"), menu)
            menu.insertMenu(actions["open_sample"], recent)
            recent.aboutToShow.connect(
                lambda menu=recent: _fill_recent(menu, window, state, open_recent, forget_recent)
            )
            menu.aboutToShow.connect(lambda menu=recent: menu.setEnabled(bool(state.recent)))
        elif name == "compare":
            errors = QMenu(window.tr("S&tep Through"), menu)
            _fill(errors, actions, "errors")
            menu.addMenu(errors)
            menu.addSeparator()
            suggest = QMenu(window.tr("Set &Threshold to"), menu)
            _fill(suggest, actions, "suggest")
            suggest.addSeparator()
            suggest.addAction(actions["threshold_otsu"])
            suggest.addAction(actions["threshold_model"])
            menu.addMenu(suggest)
        elif name == "view":
            base = QMenu(window.tr("P&hotograph as"), menu)
            _fill(base, actions, "base")
            menu.insertMenu(actions["show_mask"], base)
            menu.insertSeparator(base.menuAction())
            panels = QMenu(window.tr("P&anels"), menu)
            panels.addActions(list(panel_actions))
            panels.addSeparator()
            _fill(panels, actions, "panels")
            theme = QMenu(window.tr("&Theme"), menu)
            _fill(theme, actions, "theme")
            menu.insertMenu(actions["full_screen"], panels)
            menu.insertMenu(actions["full_screen"], theme)


def _fill(menu: QMenu, actions: Actions, name: Menu) -> None:
    section = 0
    for command in COMMANDS:
        if command.menu == name:
            if command.section != section:
                menu.addSeparator()
                section = command.section
            menu.addAction(actions[command.key])


def _fill_recent(
    menu: QMenu, window: QMainWindow, state: AppState, open_recent: Callable[[Path], None], forget: Callable[[], None]
) -> None:
    menu.clear()
    for path in state.recent:
        action = menu.addAction(display_path(path).replace("&", "&&"))
        action.triggered.connect(lambda _checked=False, path=path: open_recent(path))
    menu.addSeparator()
    menu.addAction(window.tr("&Forget These")).triggered.connect(forget)


def make_tool_bar(window: QMainWindow, actions: Actions) -> QToolBar:
    """The one slim tool bar."""
    bar = QToolBar(window.tr("Tools"), window)
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setIconSize(QSize(20, 20))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for number, group in enumerate(_TOOLS):
        if number:
            bar.addSeparator()
        for key in group:
            bar.addAction(actions[key])
            button = bar.widgetForAction(actions[key])
            if isinstance(button, QToolButton):
                button.setAccessibleName(actions[key].iconText())
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                if key in _WITH_TEXT:
                    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    window.addToolBar(bar)
    return bar


def make_message_bar(window: QMainWindow, notices: QWidget, jobs: Sequence[QWidget]) -> QToolBar:
    """The strip at the bottom for notices and running work: it keeps its room, so that nothing moves."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    row.addWidget(notices, 1)
    for job in jobs:
        row.addWidget(job, 1)
    bar = QToolBar(window.tr("Messages"), window)
    bar.setObjectName("messages")
    bar.setMovable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.addWidget(both)
    window.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)
    return bar
