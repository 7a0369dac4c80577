"""Commands of the menu View: stepping, overlays, zoom, the photograph's channels, themes."""

from collections.abc import Callable
from typing import Final

from serr_gui.actions.command import Command, Std, has_document
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.selectors import enhanced_photo, next_listed, seen_enhanced
from serr_gui.model.state import AppState, Base, Theme


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
        enabled_when=has_document,
        checked_when=_is_base(base),
        group="base",
    )


def _theme(theme: Theme, text: str, tip: str) -> Command:
    return Command(f"theme_{theme}", "theme", text, tip, checked_when=_is_theme(theme), group="theme")


def _can_enhance(state: AppState) -> bool:
    """There is an enhanced picture to show or to hide, or one can be made."""
    may_run = state.task is None and state.enhancing.choice is not None
    return enhanced_photo(state) is not None or (has_document(state) and may_run)


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "previous",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Previous Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Go to the previous photograph of the list"),
        icon="previous",
        shortcuts=("A",),
        enabled_when=lambda state: next_listed(state, -1) is not None,
        repeats=True,
    ),
    Command(
        "next",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Next Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Go to the next photograph of the list"),
        icon="next",
        shortcuts=("D",),
        enabled_when=lambda state: next_listed(state, 1) is not None,
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
        "show_edits",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Corrected Pixels"),
        QT_TRANSLATE_NOOP("Actions", "Show which pixels were made vessel (yellow) or background (pink) by hand"),
        shortcuts=("Shift+V",),
        checked_when=lambda state: state.view.show_edits,
        section=1,
    ),
    Command(
        "show_questionable",
        "view",
        QT_TRANSLATE_NOOP("Actions", "&Questionable Pixels"),
        QT_TRANSLATE_NOOP("Actions", "Show the pixels that were marked as questionable, hatched in violet"),
        shortcuts=("Shift+Q",),
        checked_when=lambda state: state.view.show_questionable,
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
        enabled_when=has_document,
        section=2,
    ),
    Command(
        "actual_size",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Actual &Size"),
        QT_TRANSLATE_NOOP("Actions", "Show one pixel of the photograph on one pixel of the screen (100 %)"),
        icon="actual-size",
        shortcuts=("Ctrl+0",),
        enabled_when=has_document,
        section=2,
    ),
    Command(
        "zoom_in",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Zoom &In"),
        QT_TRANSLATE_NOOP("Actions", "Enlarge the photograph"),
        icon="zoom-in",
        shortcuts=(Std.ZoomIn, "Ctrl+="),
        enabled_when=has_document,
        section=2,
        repeats=True,
    ),
    Command(
        "zoom_out",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Zoom &Out"),
        QT_TRANSLATE_NOOP("Actions", "Make the photograph smaller"),
        icon="zoom-out",
        shortcuts=(Std.ZoomOut,),
        enabled_when=has_document,
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
        "Shift+B",
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
        "enhance",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Enhan&ce (Before and After)"),
        QT_TRANSLATE_NOOP(
            "Actions",
            "Let a network make the photograph clearer, and compare both by a line over it; masks stay on the original",
        ),
        short=QT_TRANSLATE_NOOP("Actions", "Enhance"),
        shortcuts=("F6",),
        enabled_when=_can_enhance,
        checked_when=lambda state: seen_enhanced(state) is not None,
        section=3,
    ),
    Command(
        "enhancers",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Net&works That Enhance..."),
        QT_TRANSLATE_NOOP("Actions", "Add, rename, export and remove networks that enhance photographs"),
        section=3,
    ),
    Command(
        "two_models",
        "view",
        QT_TRANSLATE_NOOP("Actions", "Compare &Models on This Photograph..."),
        QT_TRANSLATE_NOOP("Actions", "Show what two models find side by side, and where they differ"),
        enabled_when=lambda state: has_document(state) and len(state.models) > 1,
        section=3,
    ),
    Command(
        "full_screen",
        "view",
        QT_TRANSLATE_NOOP("Actions", "F&ull Screen"),
        QT_TRANSLATE_NOOP("Actions", "Use the whole screen"),
        shortcuts=("F11",),
        section=3,
    ),
    Command(
        "reset_panels",
        "panels",
        QT_TRANSLATE_NOOP("Actions", "&Reset Layout"),
        QT_TRANSLATE_NOOP("Actions", "Arrange the panels as at the first start, and bring the window onto the screen"),
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
)
