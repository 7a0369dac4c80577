"""What the state says about thresholds: the model's own, its drawing styles, and that of a new result."""

from collections.abc import Sequence

from core.models.drawing_style import DrawingStyle
from core.types import ThresholdRule
from serr_gui.model.result import Result
from serr_gui.model.state import AppState, PhotoItem


def model_rule(state: AppState) -> ThresholdRule | None:
    """The model's own threshold: that of the model which made the result, else of the chosen one."""
    if state.result:
        return state.result.segmentation.card.rule
    choice = state.model_choice
    return ThresholdRule(choice.default_level, "model") if choice else None


def model_styles(state: AppState) -> tuple[DrawingStyle, ...]:
    """The drawing styles of the model which made the result, else of the chosen one."""
    if state.result:
        return state.result.segmentation.card.styles
    return state.model_choice.styles if state.model_choice else ()


def shown_style(state: AppState) -> str | None:
    """The drawing style that the threshold is; empty for the model's own threshold, None for any other."""
    if state.rule.origin == "model":
        return ""
    return next((style.name for style in model_styles(state) if style.rule == state.rule), None)


def style_rule(styles: Sequence[DrawingStyle], name: str) -> ThresholdRule | None:
    """The threshold of a drawing style; None where the model has no style of that name."""
    return next((style.rule for style in styles if style.name == name), None)


def rule_of_new_result(state: AppState, item: PhotoItem, result: Result) -> ThresholdRule | None:
    """The threshold of a photograph whose vessels were found, perhaps again; None for the model's own.

    One that a person has set stays. A drawing style becomes that of another model, since levels of models differ.
    """
    styles, made_by = result.segmentation.card.styles, item.made_by
    if item.rule is None:
        return style_rule(styles, state.draw_like) if made_by is None else None
    if not item.rule.style or made_by is None or made_by.path == result.model_path:
        return item.rule
    return style_rule(styles, item.rule.style)
