"""Commands of the menu Compare: experts' labels, where is counted, the error map, thresholds from a label."""

from collections.abc import Callable
from typing import Final, get_args

from core.evaluation.confusion import Region
from serr_gui.actions.command import Command, has_document
from serr_gui.model.comparison import ErrorFilter
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.score_selectors import scored_label
from serr_gui.model.selectors import has_label, may_evaluate
from serr_gui.model.state import AppState

ERROR_FILTERS: Final[tuple[ErrorFilter, ...]] = get_args(ErrorFilter)


def _is_judged(state: AppState) -> bool:
    return scored_label(state) is not None


def _can_swap(state: AppState) -> bool:
    return has_label(state, 0) or has_label(state, 1)


def _has_both(state: AppState) -> bool:
    return _is_judged(state) and has_label(state, 1)


def _counts_in(region: Region) -> Callable[[AppState], bool]:
    return lambda state: state.view.region == region


def _looks_for(request: ErrorFilter) -> Callable[[AppState], bool]:
    return lambda state: state.view.error_filter == request


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "load_label",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "&Load Label of Expert 1..."),
        QT_TRANSLATE_NOOP("Actions", "Choose the file in which an expert drew this photograph's vessels"),
        icon="expert",
        shortcuts=("Ctrl+L",),
        enabled_when=has_document,
    ),
    Command(
        "load_second_label",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Load Label of Expert &2..."),
        QT_TRANSLATE_NOOP("Actions", "Choose the file in which a second expert drew this photograph's vessels"),
        shortcuts=("Ctrl+Shift+L",),
        enabled_when=has_document,
    ),
    Command(
        "label_folder",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Labels of Expert 1 in a &Folder..."),
        QT_TRANSLATE_NOOP("Actions", "Choose a folder whose files are named like the photographs"),
    ),
    Command(
        "second_label_folder",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Labels of Expert 2 in a F&older..."),
        QT_TRANSLATE_NOOP("Actions", "Choose a folder whose files are named like the photographs"),
    ),
    Command(
        "swap_labels",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "S&wap Experts"),
        QT_TRANSLATE_NOOP("Actions", "Measure against the other expert: expert 1 is taken for the truth"),
        icon="swap",
        enabled_when=_can_swap,
    ),
    Command(
        "region_fov",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Count &Inside the Field of View"),
        QT_TRANSLATE_NOOP("Actions", "All scores count the pixels inside the field of view, as is usual"),
        checked_when=_counts_in("fov"),
        group="region",
        section=1,
    ),
    Command(
        "region_image",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Count in the Whole I&mage"),
        QT_TRANSLATE_NOOP("Actions", "All scores count every pixel; the black border then counts as found right"),
        checked_when=_counts_in("image"),
        group="region",
        section=1,
    ),
    Command(
        "show_errors",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "&Error Map"),
        QT_TRANSLATE_NOOP("Actions", "Show missed, false and right vessels in colours, in place of the mask"),
        icon="errors",
        short=QT_TRANSLATE_NOOP("Actions", "Errors"),
        shortcuts=("Shift+E",),
        checked_when=lambda state: state.view.show_errors,
        section=2,
    ),
    Command(
        "show_label",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Expert &Label Alone"),
        QT_TRANSLATE_NOOP("Actions", "Show the vessels that the expert has drawn, in place of the mask"),
        shortcuts=("Shift+T",),
        checked_when=lambda state: state.view.show_label,
        section=2,
    ),
    Command(
        "next_error",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "&Next Error"),
        QT_TRANSLATE_NOOP("Actions", "Go to the largest error, then to the next smaller one"),
        icon="next",
        shortcuts=("N",),
        enabled_when=_is_judged,
        section=2,
        repeats=True,
    ),
    Command(
        "previous_error",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "&Previous Error"),
        QT_TRANSLATE_NOOP("Actions", "Go back to the next larger error"),
        icon="previous",
        shortcuts=("Shift+N",),
        enabled_when=_is_judged,
        section=2,
        repeats=True,
    ),
    Command(
        "skip_questionable",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Leave &Questionable Pixels Out"),
        QT_TRANSLATE_NOOP("Actions", "Count agreement and errors without the pixels that are marked as questionable"),
        checked_when=lambda state: state.view.skip_questionable,
        section=2,
    ),
    Command(
        "show_curves",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "&Curves"),
        QT_TRANSLATE_NOOP("Actions", "Show or hide ROC and precision-recall, and move the threshold along them"),
        icon="curve",
        shortcuts=("Ctrl+R",),
        section=3,
    ),
    Command(
        "show_evaluation",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "T&able of All Photographs"),
        QT_TRANSLATE_NOOP("Actions", "Show or hide the scores of all open photographs, the worst first"),
        icon="table",
        shortcuts=("Ctrl+T",),
        section=4,
    ),
    Command(
        "evaluate_all",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "E&valuate All"),
        QT_TRANSLATE_NOOP("Actions", "Measure every open photograph against its label, and segment what has no result"),
        icon="table",
        short=QT_TRANSLATE_NOOP("Actions", "Evaluate All"),
        shortcuts=("Ctrl+Shift+T",),
        enabled_when=may_evaluate,
        section=4,
    ),
    Command(
        "export_evaluation",
        "compare",
        QT_TRANSLATE_NOOP("Actions", "Export &Report..."),
        QT_TRANSLATE_NOOP("Actions", "Write the scores of all photographs as HTML, PDF, CSV or JSON"),
        icon="export",
        short=QT_TRANSLATE_NOOP("Actions", "Export Report"),
        enabled_when=lambda state: state.evaluation is not None and state.evaluation.report is not None,
        section=4,
    ),
    *(
        Command(f"errors_{request}", "errors", text, tip, checked_when=_looks_for(request), group="errors")
        for request, text, tip in zip(
            ERROR_FILTERS,
            (
                QT_TRANSLATE_NOOP("Actions", "&All Errors"),
                QT_TRANSLATE_NOOP("Actions", "&Missed Vessels"),
                QT_TRANSLATE_NOOP("Actions", "&False Vessels"),
            ),
            (
                QT_TRANSLATE_NOOP("Actions", "Step through missed and false vessels, the largest first"),
                QT_TRANSLATE_NOOP("Actions", "Step through what the expert drew and the mask does not have"),
                QT_TRANSLATE_NOOP("Actions", "Step through what the mask has and the expert did not draw"),
            ),
            strict=True,
        )
    ),
    Command(
        "threshold_best_f1",
        "suggest",
        QT_TRANSLATE_NOOP("Actions", "&Best F1"),
        QT_TRANSLATE_NOOP("Actions", "The threshold with the largest F1 on this label: its scores are then biased"),
        enabled_when=_is_judged,
    ),
    Command(
        "threshold_youden",
        "suggest",
        QT_TRANSLATE_NOOP("Actions", "&Youden"),
        QT_TRANSLATE_NOOP(
            "Actions",
            "The threshold with the largest sensitivity + specificity on this label: its scores are then biased",
        ),
        enabled_when=_is_judged,
    ),
    Command(
        "threshold_expert",
        "suggest",
        QT_TRANSLATE_NOOP("Actions", "&Sensitivity of Expert 2"),
        QT_TRANSLATE_NOOP(
            "Actions",
            "The threshold at which the model finds as much of expert 1's vessels as expert 2 did: its scores "
            "are then biased",
        ),
        enabled_when=_has_both,
    ),
)
