"""The model card of a run: what its weights file says about itself."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from core.datasets.layouts import data_set_names, published_title
from core.models.drawing_style import DrawingStyle, style_name
from core.models.model_card import ModelCard
from core.threshold_rule import LEVELS
from core.training.config import TrainingConfig
from core.training.data import TrainingData
from core.training.validation import SourceScores, Validation

_COUNTED = "inside the field of view, all pixels pooled; threshold chosen on the same photographs by F1"
_CHOSEN_ON = {
    True: f"held-out training photographs, {_COUNTED}, so F1 here is optimistic",
    False: f"the same photographs that it learned from, {_COUNTED}: no test of the model",
}


def plain_card(config: TrainingConfig, network_config: Mapping[str, object], data: TrainingData) -> ModelCard:
    """The card before anything is chosen: how to run the network, and what it learns from."""
    start = config.network
    history = f"{Path(start.start_from).stem} ({start.start_sha256[:12]}), then " if start.start_from else ""
    return ModelCard(
        name=config.model_name,
        architecture=config.network.architecture,
        config=dict(network_config),
        preprocessing=config.preprocessing,
        trained_on=history + data.protocol,
        training=_recipe(config, data),
        seeds=(config.run.seed,),
        licence="MIT (weights); the training photographs have terms of their own",
    )


def _recipe(config: TrainingConfig, data: TrainingData) -> dict[str, object]:
    """The recipe, without what is in the card anyway, and without folders and names that concern nobody else.

    A user's own source keeps the name of its file, and fingerprints by which its photographs are known again.
    """
    recipe: dict[str, Any] = config.model_dump(mode="json", exclude={"preprocessing", "network", "teacher"})
    for source, used in zip(recipe["data"]["sources"], data.sources, strict=True):
        if used.fingerprints:
            source["dataset"] = PurePath(source["dataset"]).name
            source["labels"] = ""  # the name of an expert
            source["fingerprints"] = list(used.fingerprints)
    start = config.network
    if start.start_from:
        name, sources = Path(start.start_from).stem, list(start.start_sources)
        recipe["started_from"] = {"name": name, "sha256": start.start_sha256, "sources": sources}
    if data.taught_by:
        recipe["taught_by"] = dict(data.taught_by)
    return recipe


def chosen_card(card: ModelCard, step: int, chosen: Validation) -> ModelCard:
    """The card of the weights of a step, with the threshold and the scores of its validation."""
    return replace(
        card,
        training=card.training | {"best_step": step},
        default_threshold=chosen.level / LEVELS,
        scores=_scores(chosen),
        styles=_styles(chosen),
    )


def last_card(card: ModelCard, step: int, last: Validation) -> ModelCard:
    """The card of the weights that a run ended with."""
    notes = f"The weights of the last step ({step}), to continue from; the chosen ones are in {card.name}."
    return replace(chosen_card(card, step, last), name=f"{card.name}-last", notes=notes)


def _styles(chosen: Validation) -> tuple[DrawingStyle, ...]:
    """How the experts of several data sets draw, each by the photographs of it that were held out."""
    if len(chosen.sources) < 2:
        return ()
    found: dict[str, DrawingStyle] = {}
    for source, scores in chosen.sources.items():
        if scores.held_out:
            name = _style_name(source)
            found.setdefault(name, DrawingStyle(name, scores.best_level, scores.photographs))
    return tuple(found.values())


def _style_name(source: str) -> str:
    """A published data set as its publication calls it; the name of a source may have a split or a number behind it."""
    name, slash, rest = source.partition("/")
    return style_name(f"{published_title(name)}{slash}{rest}" if name in data_set_names() else source)


def _scores(chosen: Validation) -> tuple[dict[str, object], ...]:
    """The scores by which a model was chosen: of each data set, and, where there are several, their mean."""

    def figures(dataset: str, of: Validation | SourceScores) -> dict[str, object]:
        return {
            "protocol": _CHOSEN_ON[of.held_out],
            "data": dataset,
            "auc_roc": of.auc_roc,
            "auc_pr": of.auc_pr,
            "f1": of.f1,
        }

    each = [figures(name, scores) for name, scores in chosen.sources.items()]
    return tuple(each) if len(each) == 1 else (figures("mean over the data sets", chosen), *each)
