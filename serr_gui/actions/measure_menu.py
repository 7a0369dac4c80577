"""Commands of the menu Measure: the panel, colours, the optic disc, the ruler, and the table."""

from collections.abc import Callable
from typing import Final

from serr_gui.actions.command import Command, has_document, has_result, idle
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.measuring import Colouring, measured
from serr_gui.model.selectors import may_undo
from serr_gui.model.state import AppState


def _is_coloured(colouring: Colouring) -> Callable[[AppState], bool]:
    return lambda state: state.measure_view.colouring == colouring


def _has_measures(state: AppState) -> bool:
    found = measured(state)
    return found is not None and found.measures is not None and found.complete


def _is_mirrored(state: AppState) -> bool:
    found = measured(state)
    return found is not None and found.inputs.mirrored is not None


def _may_mirror(state: AppState) -> bool:
    return _has_measures(state) and idle(state) and not _is_mirrored(state)


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "show_measures",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "&Measures of the Vessels"),
        QT_TRANSLATE_NOOP("Actions", "Show widths, lengths, tortuosity and other measures of this photograph"),
        shortcuts=("Ctrl+M",),
        enabled_when=has_document,
    ),
    Command(
        "export_measures",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "E&xport Measures..."),
        QT_TRANSLATE_NOOP(
            "Actions", "Write the measures of this photograph and of its segments as tables, with what they mean"
        ),
        short=QT_TRANSLATE_NOOP("Actions", "Export..."),
        enabled_when=_has_measures,
    ),
    Command(
        "mirror",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Error Bars over &Flips"),
        QT_TRANSLATE_NOOP(
            "Actions",
            "Run the network on the mirrored photograph, too, and widen the error bars by what it finds there",
        ),
        short=QT_TRANSLATE_NOOP("Actions", "Flips"),
        enabled_when=_may_mirror,
        checked_when=_is_mirrored,
    ),
    Command(
        "compare_groups",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Compare &Groups or Visits..."),
        QT_TRANSLATE_NOOP("Actions", "Compare the measures of two groups of photographs, or of two visits"),
    ),
    Command(
        "colour_width",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Colour Vessels by &Width"),
        QT_TRANSLATE_NOOP("Actions", "Paint each vessel in the colour of its width"),
        enabled_when=has_result,
        checked_when=_is_coloured("width"),
        section=1,
    ),
    Command(
        "colour_tortuosity",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Colour Vessels by &Tortuosity"),
        QT_TRANSLATE_NOOP("Actions", "Paint each vessel in the colour of its tortuosity"),
        enabled_when=has_result,
        checked_when=_is_coloured("tortuosity"),
        section=1,
    ),
    Command(
        "propose_disc",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "&Propose the Optic Disc"),
        QT_TRANSLATE_NOOP("Actions", "Look for the optic disc, where vessels meet and the retina is bright"),
        short=QT_TRANSLATE_NOOP("Actions", "Propose"),
        enabled_when=has_result,
        section=2,
    ),
    Command(
        "disc_circle",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Optic Disc as &Circle"),
        QT_TRANSLATE_NOOP("Actions", "Move a circle onto the optic disc, and size it by its edge"),
        short=QT_TRANSLATE_NOOP("Actions", "Circle"),
        enabled_when=may_undo,
        checked_when=lambda state: state.editing.tool == "disc_circle",
        group="tool",
        section=2,
    ),
    Command(
        "disc_ellipse",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "Optic Disc as &Ellipse"),
        QT_TRANSLATE_NOOP("Actions", "Move an ellipse onto the optic disc; the ends of its axes size and turn it"),
        short=QT_TRANSLATE_NOOP("Actions", "Ellipse"),
        enabled_when=may_undo,
        checked_when=lambda state: state.editing.tool == "disc_ellipse",
        group="tool",
        section=2,
    ),
    Command(
        "ruler",
        "measure",
        QT_TRANSLATE_NOOP("Actions", "&Ruler"),
        QT_TRANSLATE_NOOP("Actions", "Drag a line over the photograph to see its length"),
        short=QT_TRANSLATE_NOOP("Actions", "Ruler"),
        shortcuts=("Shift+R",),
        enabled_when=has_document,
        checked_when=lambda state: state.editing.tool == "ruler",
        group="tool",
        section=3,
    ),
)
