"""The commands as the window has them: ``QAction`` objects that follow the state."""

from collections.abc import Callable, Mapping

from psygnal import EmissionInfo
from PySide6.QtCore import QCoreApplication, QObject, QTimer
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from serr_gui.actions.command import Command
from serr_gui.actions.table import COMMANDS
from serr_gui.model.state import AppState
from serr_gui.widgets import icons


def translated(text: str) -> str:
    """A text of the table in the language of the program."""
    return QCoreApplication.translate("Actions", text)


class Actions:
    """The commands as ``QAction`` objects. ``handlers`` has a function for every key of the table.

    They follow every change of the state: those of one moment together, as soon as the event loop has a turn. Whoever
    asks for a command before that gets it up to date.
    """

    def __init__(self, parent: QObject, state: AppState, handlers: Mapping[str, Callable[[], None]]) -> None:
        self._state = state
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        missing = {command.key for command in COMMANDS} ^ set(handlers)
        if missing:
            raise ValueError(f"commands and handlers differ: {', '.join(sorted(missing))}")
        for command in COMMANDS:
            self._actions[command.key] = self._make(command, parent, handlers[command.key])
        self._soon = QTimer(parent, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)
        state.events.connect(self._refresh_soon)
        parent.destroyed.connect(lambda: state.events.disconnect(self._refresh_soon, missing_ok=True))
        self.refresh_icons()
        self.refresh()

    def __getitem__(self, key: str) -> QAction:
        if self._soon.isActive():
            self.refresh()
        return self._actions[key]

    def _make(self, command: Command, parent: QObject, handler: Callable[[], None]) -> QAction:
        action = QAction(translated(command.text), parent)
        action.setObjectName(command.key)
        action.setIconText(translated(command.short or command.text.replace("...", "")).replace("&", ""))
        action.setShortcuts([QKeySequence(key) for key in command.shortcuts])
        action.setAutoRepeat(command.repeats)
        action.setMenuRole(command.role)
        tip = translated(command.tip)
        keys = shortcut_text(action)
        action.setToolTip(f"{tip} ({keys})" if keys else tip)
        if command.checked_when is not None:
            action.setCheckable(True)
        if command.group:
            group = self._groups.get(command.group)
            if group is None:
                group = self._groups[command.group] = QActionGroup(parent)
            group.addAction(action)
        # Without the "checked" argument: the state decides what is checked, a command is only a request.
        action.triggered.connect(lambda _checked=False: self._trigger(handler))
        return action

    def _trigger(self, handler: Callable[[], None]) -> None:
        handler()
        self.refresh()  # a request that changed nothing must not leave a check mark that lies

    def _refresh_soon(self, _emitted: EmissionInfo) -> None:
        self._soon.start()

    def refresh(self) -> None:
        """Enable and check every command as the state says."""
        self._soon.stop()
        for command in COMMANDS:
            action = self._actions[command.key]
            action.setEnabled(command.enabled_when(self._state))
            if command.what_when is not None:
                what = command.what_when(self._state).replace("&", "&&")
                action.setText(f"{translated(command.text)} {what}".strip())
            if command.checked_when is not None:
                action.setChecked(command.checked_when(self._state))

    def refresh_icons(self) -> None:
        """Tint the icons again, after a change of theme."""
        made = {name: icons.icon(name) for name in {command.icon for command in COMMANDS} if name}
        for command in COMMANDS:
            if command.icon:
                self._actions[command.key].setIcon(made[command.icon])


def shortcut_text(action: QAction) -> str:
    """The first key of a command as the platform writes it, or nothing."""
    keys = action.shortcuts()
    return keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
