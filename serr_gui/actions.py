"""The table of commands: one line for each, wherever it appears (menu, tool bar, button, key).

Texts are marked here and translated when the window is made, in the context "Actions".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from serr_gui import icons
from serr_gui.resolve import with_result, without_result
from serr_gui.state import AppState, Base, Theme
from serr_gui.texts import QT_TRANSLATE_NOOP

Menu = Literal["file", "edit", "view", "base", "theme", "segment", "help", ""]
Key = str | QKeySequence.StandardKey
_Std = QKeySequence.StandardKey


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    ``text`` is for menus, ``short`` for the tool bar; ``enabled_when`` and ``checked_when`` follow the state (a command
    with ``checked_when`` can be checked, and one with a ``group`` is one of several choices). A new ``section`` starts
    with a line in the menu. ``repeats`` while its key is held.
    """

    key: str
    menu: Menu
    text: str
    tip: str
    icon: str = ""
    short: str = ""
    shortcuts: tuple[Key, ...] = ()
    enabled_when: Callable[[AppState], bool] = lambda state: True
    checked_when: Callable[[AppState], bool] | None = None
    group: str = ""
    section: int = 0
    repeats: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole


def _has_document(state: AppState) -> bool:
    return state.document is not None


def _has_result(state: AppState) -> bool:
    return state.result is not None


def _idle(state: AppState) -> bool:
    return state.job is None


def _can_segment(state: AppState) -> bool:
    document = state.document
    return document is not None and document.fov is not None and state.model is not None and state.job is None


def _can_segment_all(state: AppState) -> bool:
    return state.job is None and state.model is not None and bool(without_result(state))


def _is_base(base: Base) -> Callable[[AppState], bool]:
    return lambda state: state.view.base == base


def _is_theme(theme: Theme) -> Callable[[AppState], bool]:
    return lambda state: state.theme == theme


def _base(base: Base, key: str, text: str, tip: str) -> Command:
    return Command(
        f"base_{base}",
        "base",
        text,
        tip,
        shortcuts=(key,),
        enabled_when=_has_document,
        checked_when=_is_base(base),
        group="base",
    )


def _theme(theme: Theme, text: str, tip: str) -> Command:
    return Command(f"theme_{theme}", "theme", text, tip, checked_when=_is_theme(theme), group="theme")


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Open Photographs..."),
        QT_TRANSLATE_NOOP("Actions", "Open fundus photographs"),
        icon="photo",
        short=QT_TRANSLATE_NOOP("Actions", "Open"),
        shortcuts=(_Std.Open,),
    ),
    Command(
        "open_folder",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Open &Folder..."),
        QT_TRANSLATE_NOOP("Actions", "Open all photographs of a folder"),
        icon="folder",
        short=QT_TRANSLATE_NOOP("Actions", "Folder"),
        shortcuts=("Ctrl+Shift+O",),
    ),
    Command(
        "open_sample",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Open the &Sample Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Open the photograph that comes with the program"),
    ),
    Command(
        "export",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Export..."),
        QT_TRANSLATE_NOOP("Actions", "Write the mask, the probability and the overlay of this photograph as files"),
        icon="export",
        short=QT_TRANSLATE_NOOP("Actions", "Export"),
        shortcuts=("Ctrl+E", _Std.Save),
        enabled_when=lambda state: _has_result(state) and _idle(state),
        section=1,
    ),
    Command(
        "export_all",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Export &All..."),
        QT_TRANSLATE_NOOP("Actions", "Write the files of all segmented photographs in the list"),
        shortcuts=("Ctrl+Shift+E",),
        enabled_when=lambda state: bool(with_result(state)) and _idle(state),
        section=1,
    ),
    Command(
        "close_photo",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Close Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Take this photograph out of the list; its file stays"),
        shortcuts=(_Std.Close,),
        enabled_when=lambda state: state.item is not None and _idle(state),
        section=2,
    ),
    Command(
        "close_all",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Close A&ll"),
        QT_TRANSLATE_NOOP("Actions", "Empty the list of photographs; the files stay"),
        enabled_when=lambda state: bool(state.photos) and _idle(state),
        section=2,
    ),
    Command(
        "quit",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Quit"),
        QT_TRANSLATE_NOOP("Actions", "End the program"),
        shortcuts=("Ctrl+Q",),
        section=3,
        role=QAction.MenuRole.QuitRole,
    ),
    Command(
        "copy_picture",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Copy View as Picture"),
        QT_TRANSLATE_NOOP("Actions", "Copy what the view shows, with its overlays, to the clipboard"),
        icon="copy",
        shortcuts=(_Std.Copy,),
        enabled_when=_has_document,
    ),
    Command(
        "segment",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Segment"),
        QT_TRANSLATE_NOOP("Actions", "Find the vessels of this photograph"),
        icon="segment",
        short=QT_TRANSLATE_NOOP("Actions", "Segment"),
        shortcuts=("Ctrl+Return", "F5"),
        enabled_when=_can_segment,
    ),
    Command(
        "segment_all",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Segment &All"),
        QT_TRANSLATE_NOOP("Actions", "Find the vessels of every photograph in the list that has no result yet"),
        icon="segment-all",
        short=QT_TRANSLATE_NOOP("Actions", "Segment all"),
        shortcuts=("Ctrl+Shift+Return",),
        enabled_when=_can_segment_all,
    ),
    Command(
        "cancel",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Cancel"),
        QT_TRANSLATE_NOOP("Actions", "Stop the work that is going on"),
        icon="stop",
        shortcuts=("Esc",),
        enabled_when=lambda state: state.job is not None and not state.job.cancelling,
    ),
    Command(
        "threshold_lower",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Lower Threshold"),
        QT_TRANSLATE_NOOP("Actions", "More vessels: lower the threshold by 1/256"),
        shortcuts=(",",),
        enabled_when=_has_result,
        section=1,
        repeats=True,
    ),
    Command(
        "threshold_higher",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Higher Threshold"),
        QT_TRANSLATE_NOOP("Actions", "Fewer vessels: raise the threshold by 1/256"),
        shortcuts=(".",),
        enabled_when=_has_result,
        section=1,
        repeats=True,
    ),
    Command(
        "threshold_model",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Threshold of the &Model"),
        QT_TRANSLATE_NOOP("Actions", "Go back to the threshold that comes with the model"),
        icon="reset",
        short=QT_TRANSLATE_NOOP("Actions", "Model's own"),
        shortcuts=("M",),
        enabled_when=_has_result,
        section=1,
    ),
    Command(
        "threshold_otsu",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Threshold by &Otsu"),
        QT_TRANSLATE_NOOP("Actions", "Set the threshold from this photograph's own probabilities, by Otsu's method"),
        icon="histogram",
        short=QT_TRANSLATE_NOOP("Actions", "Otsu"),
        shortcuts=("O",),
        enabled_when=_has_result,
        section=1,
    ),
    Command(
        "add_model",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Add &Weights File..."),
        QT_TRANSLATE_NOOP("Actions", "Add a model from a .safetensors file"),
        icon="add",
        enabled_when=lambda state: _idle(state) and state.library_ready,
        section=2,
    ),
    Command(
        "previous",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Previous Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Go to the previous photograph of the list"),
        icon="previous",
        shortcuts=("A",),
        enabled_when=lambda state: state.current > 0,
        repeats=True,
    ),
    Command(
        "next",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Next Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Go to the next photograph of the list"),
        icon="next",
        shortcuts=("D",),
        enabled_when=lambda state: state.current < len(state.photos) - 1,
        repeats=True,
    ),
    Command(
        "show_mask",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Vessel Mask"),
        QT_TRANSLATE_NOOP("Actions", "Show the vessels above the threshold over the photograph"),
        icon="mask",
        short=QT_TRANSLATE_NOOP("Actions", "Vessels"),
        shortcuts=("V",),
        checked_when=lambda state: state.view.show_mask,
        section=1,
    ),
    Command(
        "show_probability",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Pro&bability Map"),
        QT_TRANSLATE_NOOP("Actions", "Show the vessel probability as colours over the photograph"),
        icon="probability",
        short=QT_TRANSLATE_NOOP("Actions", "Probability"),
        shortcuts=("P",),
        checked_when=lambda state: state.view.show_probability,
        section=1,
    ),
    Command(
        "show_fov",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Field of View &Outline"),
        QT_TRANSLATE_NOOP("Actions", "Show where the retina ends and the black border begins"),
        icon="fov",
        short=QT_TRANSLATE_NOOP("Actions", "Field of view"),
        shortcuts=("W",),
        checked_when=lambda state: state.view.show_fov,
        section=1,
    ),
    Command(
        "fit",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Fit to Window"),
        QT_TRANSLATE_NOOP("Actions", "Show the whole photograph"),
        icon="fit",
        shortcuts=("F",),
        enabled_when=_has_document,
        section=2,
    ),
    Command(
        "actual_size",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Actual &Size"),
        QT_TRANSLATE_NOOP("Actions", "Show one pixel of the photograph on one pixel of the screen (100 %)"),
        icon="actual-size",
        shortcuts=("Ctrl+0",),
        enabled_when=_has_document,
        section=2,
    ),
    Command(
        "zoom_in",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Zoom &In"),
        QT_TRANSLATE_NOOP("Actions", "Enlarge the photograph"),
        icon="zoom-in",
        shortcuts=(_Std.ZoomIn, "Ctrl+="),
        enabled_when=_has_document,
        section=2,
        repeats=True,
    ),
    Command(
        "zoom_out",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Zoom &Out"),
        QT_TRANSLATE_NOOP("Actions", "Make the photograph smaller"),
        icon="zoom-out",
        shortcuts=(_Std.ZoomOut,),
        enabled_when=_has_document,
        section=2,
        repeats=True,
    ),
    _base(
        "colour",
        "C",
        QT_TRANSLATE_NOOP("Actions", "&Colour"),
        QT_TRANSLATE_NOOP("Actions", "Show the photograph in its colours"),
    ),
    _base(
        "red",
        "R",
        QT_TRANSLATE_NOOP("Actions", "&Red Channel"),
        QT_TRANSLATE_NOOP("Actions", "Show the red channel in grey"),
    ),
    _base(
        "green",
        "G",
        QT_TRANSLATE_NOOP("Actions", "&Green Channel"),
        QT_TRANSLATE_NOOP("Actions", "Show the green channel in grey, where vessels are seen best"),
    ),
    _base(
        "blue",
        "B",
        QT_TRANSLATE_NOOP("Actions", "&Blue Channel"),
        QT_TRANSLATE_NOOP("Actions", "Show the blue channel in grey"),
    ),
    _base(
        "enhanced",
        "L",
        QT_TRANSLATE_NOOP("Actions", "Contrast-&Enhanced (CLAHE)"),
        QT_TRANSLATE_NOOP(
            "Actions", "Show the green channel with its local contrast raised; the network does not see it"
        ),
    ),
    _base(
        "enhanced_colour",
        "Shift+L",
        QT_TRANSLATE_NOOP("Actions", "Contrast-Enhanced in C&olour"),
        QT_TRANSLATE_NOOP("Actions", "Show the photograph with its local contrast raised; the network does not see it"),
    ),
    Command(
        "full_screen",
        "view",
        QT_TRANSLATE_NOOP("Actions", "F&ull Screen"),
        QT_TRANSLATE_NOOP("Actions", "Use the whole screen"),
        shortcuts=("F11",),
        section=3,
    ),
    _theme(
        "system",
        QT_TRANSLATE_NOOP("Actions", "As the &System"),
        QT_TRANSLATE_NOOP("Actions", "Light or dark, as the desktop is set"),
    ),
    _theme(
        "light", QT_TRANSLATE_NOOP("Actions", "&Light"), QT_TRANSLATE_NOOP("Actions", "Dark text on a light window")
    ),
    _theme("dark", QT_TRANSLATE_NOOP("Actions", "&Dark"), QT_TRANSLATE_NOOP("Actions", "Light text on a dark window")),
    Command(
        "shortcuts",
        "help",
        QT_TRANSLATE_NOOP("Actions", "&Keyboard Shortcuts"),
        QT_TRANSLATE_NOOP("Actions", "List all keys"),
        shortcuts=("Ctrl+/", "F1"),
    ),
    Command(
        "show_log",
        "help",
        QT_TRANSLATE_NOOP("Actions", "Open &Log Folder"),
        QT_TRANSLATE_NOOP("Actions", "Open the folder with the program's fault log"),
        section=1,
    ),
    Command(
        "about",
        "help",
        QT_TRANSLATE_NOOP("Actions", "&About SERR Fundus"),
        QT_TRANSLATE_NOOP("Actions", "Version, licence and terms of use"),
        section=1,
        role=QAction.MenuRole.AboutRole,
    ),
)


def translated(text: str) -> str:
    """A text of the table in the language of the program."""
    return QCoreApplication.translate("Actions", text)


class Actions:
    """The commands as ``QAction`` objects. ``handlers`` has a function for every key of the table."""

    def __init__(self, parent: QObject, state: AppState, handlers: Mapping[str, Callable[[], None]]) -> None:
        self._state = state
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        missing = {command.key for command in COMMANDS} ^ set(handlers)
        if missing:
            raise ValueError(f"commands and handlers differ: {', '.join(sorted(missing))}")
        for command in COMMANDS:
            self._actions[command.key] = self._make(command, parent, handlers[command.key])
        self.refresh_icons()
        self.refresh()

    def __getitem__(self, key: str) -> QAction:
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
        # Without the "checked" argument: the state decides what is checked, a command is only a wish.
        action.triggered.connect(lambda _checked=False: self._trigger(handler))
        return action

    def _trigger(self, handler: Callable[[], None]) -> None:
        handler()
        self.refresh()  # a wish that changed nothing must not leave a check mark that lies

    def refresh(self) -> None:
        """Enable and check every command as the state says."""
        for command in COMMANDS:
            action = self._actions[command.key]
            action.setEnabled(command.enabled_when(self._state))
            if command.checked_when is not None:
                action.setChecked(command.checked_when(self._state))

    def refresh_icons(self) -> None:
        """Tint the icons anew, after a change of theme."""
        for command in COMMANDS:
            if command.icon:
                self._actions[command.key].setIcon(icons.icon(command.icon))


def shortcut_text(action: QAction) -> str:
    """The first key of a command as the platform writes it, or nothing."""
    keys = action.shortcuts()
    return keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
