"""What the state says about thresholds: the model's own, its drawing styles, and that of a new result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.models.drawing_style import DrawingStyle
from core.threshold_rule import ThresholdRule
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

    One that a person has set stays; where a method has found it in the map of another model, it is by hand now.
    A drawing style becomes that of another model, since levels of models differ.
    """
    styles, made_by = result.segmentation.card.styles, item.made_by
    if item.rule is None:
        return style_rule(styles, state.draw_like) if made_by is None else None
    if made_by is None or made_by.path == result.model_path:
        return item.rule
    if item.rule.style:
        return style_rule(styles, item.rule.style)
    return replace(item.rule, origin="user")


@dataclass(frozen=True, slots=True)
class RulesForAll:
    """The threshold of each photograph of the list, None for its model's own; ``kept`` : those that keep theirs."""

    rules: Mapping[Path, ThresholdRule | None]
    kept: frozenset[Path]


def rules_for_all(state: AppState) -> RulesForAll:
    """The threshold, or the drawing style, of the photograph on the screen for every photograph of the list.

    A style is that of the model which made each result, and a photograph without a result gets it with the first one.
    Levels of models differ, so another threshold is for results of the same model alone; where a method has found it
    in this photograph, the others have it by hand.
    """
    shown, model = state.item, state.result.model_path if state.result is not None else state.model
    styles = {choice.path: choice.styles for choice in state.models}
    if model is not None:
        styles[model] = model_styles(state)
    rules: dict[Path, ThresholdRule | None] = {}
    kept: set[Path] = set()
    for item in state.photos:
        if shown is not None and item.path == shown.path:
            continue
        made_by = item.made_by.path if item.made_by is not None else None
        if state.rule.origin == "model":
            rules[item.path] = None
        elif state.rule.origin == "style":
            rule = style_rule(styles.get(made_by, ()), state.rule.style) if made_by is not None else None
            if made_by is None or rule is not None:
                rules[item.path] = rule
            else:
                kept.add(item.path)
        elif made_by in (None, model):
            rules[item.path] = replace(state.rule, origin="user")
        else:
            kept.add(item.path)
    return RulesForAll(rules, frozenset(kept))
