"""The scores of a comparison that follow from the state: pure functions, quick enough for each step of the slider."""

from dataclasses import asdict, dataclass

from core.evaluation.confusion import Counts
from core.files import display_path
from serr_gui.model.comparison import (
    COURSE_SCORES,
    EXPERTS,
    CentreLines,
    Comparison,
    ComparisonInputs,
    CourseScores,
    ErrorLayer,
    ErrorList,
    ErrorSearch,
    ScoredLabel,
)
from serr_gui.model.state import AppState

_DIAMETER_FOR_A_PIXEL = 540
"""In a field of view of so many pixels (as in DRIVE) a border of one pixel is left out, in larger ones more."""


def comparison_inputs(state: AppState) -> ComparisonInputs | None:
    """What there is to compare now; None without a label or a field of view."""
    document = state.document
    if document is None:
        return None
    result = document.result
    fov = document.fov or (result.segmentation.fov if result else None)
    first, second = (slot.label if slot else None for slot in document.labels)
    if fov is None or (first is None and second is None):
        return None
    probability, levels = (result.segmentation.probability, result.levels) if result else (None, None)
    left_out = document.questionable if state.view.skip_questionable else None
    rule = result.shaped if result is not None else None
    return ComparisonInputs(probability, levels, (first, second), fov, state.view.region, left_out, rule)


def comparison(state: AppState) -> Comparison | None:
    """What came out for exactly that; None without anything to compare, or while it is being computed."""
    now, made = comparison_inputs(state), state.comparison
    return made if now is not None and made is not None and made.comparison_inputs.same_as(now) else None


def error_layer(state: AppState) -> ErrorLayer | None:
    """What the error map is painted from: after a stroke that of before, which the canvas has kept up to date."""
    now, made = comparison_inputs(state), state.comparison
    if now is None or made is None or not now.same_but_levels(made.comparison_inputs):
        return None
    return made.errors


def scored_label(state: AppState, expert: int = 0) -> ScoredLabel | None:
    """The map against an expert."""
    made = comparison(state)
    return made.scored_label[expert] if made is not None else None


def model_counts(state: AppState, expert: int = 0) -> Counts | None:
    """The mask that is shown, with the stroke that is being painted, against an expert's label."""
    against = scored_label(state, expert)
    if against is None:
        return None
    counts = against.histogram.counts_at(state.shown_rule.level)
    stroke, made = state.stroke, comparison(state)
    if stroke is None or made is None or not stroke.comparison.comparison_inputs.same_as(made.comparison_inputs):
        return counts
    return stroke.added_to(counts, expert)


def centre_lines(state: AppState) -> CentreLines | None:
    """clDice and pieces of the mask that is shown; None while they are being computed."""
    now, made = comparison_inputs(state), state.centre_lines
    if now is None or made is None or not made.comparison_inputs.same_as(now):
        return None
    return made if made.level == state.shown_rule.level or now.probability is None else None


def error_search(state: AppState) -> ErrorSearch:
    """Which errors a person wants to step through; borders grow with the photograph."""
    fov = state.document.fov if state.document is not None else None
    border = max(1, round(fov.diameter_px / _DIAMETER_FOR_A_PIXEL)) if fov is not None else 1
    return ErrorSearch(state.view.error_filter, border if state.view.skip_borders else 0)


def error_list(state: AppState) -> ErrorList | None:
    """The errors of the mask that is shown, if they were looked for."""
    now, made = comparison_inputs(state), state.errors
    if now is None or made is None or not made.comparison_inputs.same_as(now):
        return None
    return made if made.level == state.shown_rule.level and made.search == error_search(state) else None


@dataclass(frozen=True, slots=True)
class Column:
    """ScoreSet of one pair by name, None while they are computed; ``has_map``: a probability map takes part."""

    values: dict[str, float | None]
    has_map: bool


def score_columns(state: AppState) -> tuple[Column | None, Column | None, Column | None]:
    """Model against expert 1, model against expert 2, expert 2 against expert 1; None where one is missing."""
    now = comparison_inputs(state)
    if now is None:
        return None, None, None
    made = comparison(state)
    lines = centre_lines(state)
    courses = [_course_values(one) for one in (lines.values if lines is not None else (None, None, None))]
    columns: list[Column | None] = []
    for expert in EXPERTS:
        if now.probability is None or now.labels[expert] is None:
            columns.append(None)
            continue
        against = made.scored_label[expert] if made is not None else None
        values: dict[str, float | None] = {}
        counts = model_counts(state, expert)
        if against is not None and counts is not None:
            values |= asdict(counts.scores())
            values["auc_roc"] = against.areas.auc_roc if against.areas is not None else None
        columns.append(Column(values | courses[expert], True))
    between = None
    if now.labels[0] is not None and now.labels[1] is not None:
        counted = asdict(made.between.scores()) if made is not None and made.between is not None else {}
        between = Column(counted | courses[2], False)
    return columns[0], columns[1], between


def _course_values(found: CourseScores | None) -> dict[str, float | None]:
    return {name: found[name] if found is not None else None for name in COURSE_SCORES}


def curve_facts(state: AppState) -> dict[str, object]:
    """What a table of the curve says about itself: photograph, label, region, model."""
    document, made = state.document, comparison(state)
    if document is None or document.result is None or made is None:
        return {}
    label = document.labels[0]
    card = document.result.segmentation.card
    return {
        "photograph": display_path(document.path.name),
        "label": display_path(label.file.path.name) if label else "",
        "region": made.comparison_inputs.region,
        "field_of_view": made.comparison_inputs.fov.origin,
        "model": card.name,
        "model_sha256": document.result.segmentation.model_sha256,
        "corrected_by_hand": document.result.is_corrected and document.result.shaped is None,
    }
