"""Commands of the menu Edit: Undo, the tools that correct the mask, and copying."""

from collections.abc import Callable
from typing import Final

from PySide6.QtGui import QAction

from serr_gui.actions.command import Command, Std, has_document, idle
from serr_gui.model.editing import PAINTING_TOOLS, LassoFill, ToolName
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.selectors import can_edit, can_paint, may_undo
from serr_gui.model.state import AppState


def _is_tool(tool: ToolName) -> Callable[[AppState], bool]:
    return lambda state: state.editing.tool == tool


def _is_lasso(fill: LassoFill) -> Callable[[AppState], bool]:
    return lambda state: state.editing.lasso == fill


def _has_gap(state: AppState) -> bool:
    return state.editing.gap is not None and state.editing.tool == "bridge" and can_edit(state)


_LASSO_FILLS: Final[tuple[tuple[LassoFill, str, str, str], ...]] = (
    (
        "vessel",
        QT_TRANSLATE_NOOP("Actions", "Lasso Makes &Vessel"),
        QT_TRANSLATE_NOOP("Actions", "Vessel"),
        QT_TRANSLATE_NOOP("Actions", "What the lasso outlines becomes vessel (X)"),
    ),
    (
        "background",
        QT_TRANSLATE_NOOP("Actions", "Lasso Makes Backgr&ound"),
        QT_TRANSLATE_NOOP("Actions", "Background"),
        QT_TRANSLATE_NOOP("Actions", "What the lasso outlines becomes background (X)"),
    ),
    (
        "network",
        QT_TRANSLATE_NOOP("Actions", "Lasso Gives Back to the Net&work"),
        QT_TRANSLATE_NOOP("Actions", "Network"),
        QT_TRANSLATE_NOOP("Actions", "What the lasso outlines is as the network found it"),
    ),
)


def _tool(key: ToolName, text: str, tip: str, shortcut: str) -> Command:
    return Command(
        key,
        "edit",
        text,
        tip,
        icon=key,
        shortcuts=(shortcut,),
        enabled_when=can_paint if key in PAINTING_TOOLS else can_edit,
        checked_when=_is_tool(key),
        group="tool",
        section=1,
    )


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "undo",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Undo"),
        QT_TRANSLATE_NOOP(
            "Actions",
            "Undo the last change of this photograph: corrections, threshold, field of view, model, marks for measures",
        ),
        icon="undo",
        shortcuts=("Ctrl+Z",),
        enabled_when=lambda state: bool(state.editing.undo) and may_undo(state),
        what_when=lambda state: state.editing.undo,
        repeats=True,
    ),
    Command(
        "redo",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Redo"),
        QT_TRANSLATE_NOOP("Actions", "Redo the change that was undone"),
        icon="redo",
        shortcuts=("Ctrl+Shift+Z", "Ctrl+Y"),
        enabled_when=lambda state: bool(state.editing.redo) and may_undo(state),
        what_when=lambda state: state.editing.redo,
        repeats=True,
    ),
    Command(
        "hand",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Hand"),
        QT_TRANSLATE_NOOP("Actions", "Leave the tool: the left button moves the photograph (Esc)"),
        icon="hand",
        enabled_when=lambda state: has_document(state) and idle(state) and state.editing.tool != "hand",
        checked_when=_is_tool("hand"),
        group="tool",
        section=1,
    ),
    _tool(
        "brush",
        QT_TRANSLATE_NOOP("Actions", "&Brush"),
        QT_TRANSLATE_NOOP("Actions", "Paint vessels; Ctrl held erases, the right button too"),
        "B",
    ),
    _tool(
        "eraser",
        QT_TRANSLATE_NOOP("Actions", "&Eraser"),
        QT_TRANSLATE_NOOP("Actions", "Paint background; Ctrl held paints vessels"),
        "E",
    ),
    _tool(
        "trace",
        QT_TRANSLATE_NOOP("Actions", "&Trace"),
        QT_TRANSLATE_NOOP(
            "Actions", "Click along a vessel to draw it at its own width; Enter or a double click accepts"
        ),
        "T",
    ),
    _tool(
        "bridge",
        QT_TRANSLATE_NOOP("Actions", "Br&idge"),
        QT_TRANSLATE_NOOP("Actions", "Click two ends of vessels to join them at their width"),
        "J",
    ),
    _tool(
        "prune",
        QT_TRANSLATE_NOOP("Actions", "&Prune"),
        QT_TRANSLATE_NOOP("Actions", "Click a branch to remove it up to the next crossing; Ctrl held keeps it"),
        "K",
    ),
    _tool(
        "component",
        QT_TRANSLATE_NOOP("Actions", "Connected &Vessel"),
        QT_TRANSLATE_NOOP("Actions", "Click a connected vessel to remove all of it; Ctrl held keeps it"),
        "I",
    ),
    _tool(
        "lasso",
        QT_TRANSLATE_NOOP("Actions", "L&asso"),
        QT_TRANSLATE_NOOP("Actions", "Outline a region, or click its corners, to make it vessel or background"),
        "S",
    ),
    _tool(
        "fill",
        QT_TRANSLATE_NOOP("Actions", "&Fill"),
        QT_TRANSLATE_NOOP("Actions", "Click a gap that vessels enclose to fill it"),
        "U",
    ),
    *(
        Command(
            f"lasso_{fill}",
            "edit",
            text,
            tip,
            short=short,
            enabled_when=can_paint,
            checked_when=_is_lasso(fill),
            group="lasso",
            section=2,
        )
        for fill, text, short, tip in _LASSO_FILLS
    ),
    Command(
        "find_gaps",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "Find &Gaps"),
        QT_TRANSLATE_NOOP("Actions", "Look for gaps that a vessel probably bridges, and show them one after the other"),
        shortcuts=("Shift+J",),
        enabled_when=lambda state: can_edit(state) and not state.editing.looks_for_gaps,
        section=3,
    ),
    Command(
        "take_gap",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "Bridge &This Gap"),
        QT_TRANSLATE_NOOP("Actions", "Join the vessels as shown, and go to the next gap (Enter)"),
        short=QT_TRANSLATE_NOOP("Actions", "Bridge It"),
        enabled_when=_has_gap,
        section=3,
    ),
    Command(
        "skip_gap",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "S&kip This Gap"),
        QT_TRANSLATE_NOOP("Actions", "Leave it as it is, and go to the next gap (Backspace)"),
        short=QT_TRANSLATE_NOOP("Actions", "Skip"),
        enabled_when=_has_gap,
        section=3,
    ),
    Command(
        "swap_tool",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "S&wap Brush and Eraser"),
        QT_TRANSLATE_NOOP("Actions", "Take the eraser in place of the brush, or the brush in place of the eraser"),
        shortcuts=("X",),
        enabled_when=can_paint,
        section=4,
    ),
    Command(
        "smaller_tool",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Smaller"),
        QT_TRANSLATE_NOOP("Actions", "Make brush and eraser smaller, a traced vessel narrower"),
        shortcuts=("[",),
        enabled_when=can_paint,
        section=4,
        repeats=True,
    ),
    Command(
        "larger_tool",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Larger"),
        QT_TRANSLATE_NOOP("Actions", "Make brush and eraser larger, a traced vessel wider"),
        shortcuts=("]",),
        enabled_when=can_paint,
        section=4,
        repeats=True,
    ),
    Command(
        "pen_pressure",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "Pe&n Pressure Sets the Width"),
        QT_TRANSLATE_NOOP("Actions", "A pen on a tablet draws as wide as it is pressed, up to the size of the brush"),
        checked_when=lambda state: state.editing.by_pressure,
        section=4,
    ),
    Command(
        "discard_corrections",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Discard Corrections..."),
        QT_TRANSLATE_NOOP("Actions", "Reset every corrected pixel of this photograph to what the network found"),
        enabled_when=lambda state: state.editing.corrected_px > 0 and can_edit(state),
        section=5,
    ),
    Command(
        "copy_picture",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Copy View as Picture"),
        QT_TRANSLATE_NOOP("Actions", "Copy what the view shows, with its overlays, to the clipboard"),
        icon="copy",
        shortcuts=(Std.Copy,),
        enabled_when=has_document,
        section=6,
    ),
    Command(
        "settings",
        "edit",
        QT_TRANSLATE_NOOP("Actions", "&Settings..."),
        QT_TRANSLATE_NOOP("Actions", "Choose the default model, folders, memory and the size of texts"),
        shortcuts=("Ctrl+,",),
        section=7,
        role=QAction.MenuRole.PreferencesRole,
    ),
)
