"""A training that continues from a model, or learns from one: what it takes over from it."""

from pathlib import Path

from torch import Tensor

from core.enhancement.recipe import with_network
from core.errors import TrainingError
from core.models.catalogue import find_model, load_model
from core.models.weights_header import read_card
from core.training.config import TrainingConfig


def prepare_config(config: TrainingConfig) -> TrainingConfig:
    """The configuration as it will be run: where it starts from a model, with that model's network and recipe.

    A recipe belongs to its weights, so those of the configuration give way, but for the scale where it says so.

    Raises
    ------
    WeightsError : there is no such model, teacher, or enhancement network.
    """
    config = _with_teacher(config)
    if not config.network.start_from:
        return _with_enhancer(config)
    path = find_model(config.network.start_from)
    card = read_card(path)
    fields = {"architecture": card.architecture, "config": card.config, "start_from": str(path.absolute())}
    sources = card.sources if card.knows_its_sources else ()
    config = config.replaced("network", **fields, start_sha256=card.sha256, start_sources=sources)
    preprocessing = card.preprocessing.model_dump(mode="json")
    if not config.network.keep_scale:
        for field in ("fov_diameter_px", "fov_diameter_max_px"):
            preprocessing[field] = getattr(config.preprocessing, field)
    return _with_enhancer(config.replaced("preprocessing", **preprocessing))


def _with_teacher(config: TrainingConfig) -> TrainingConfig:
    if not config.teacher.model:
        return config
    path = find_model(config.teacher.model)
    card = read_card(path)
    sources = card.sources if card.knows_its_sources else ()
    return config.replaced("teacher", model=str(path.absolute()), sha256=card.sha256, sources=sources)


def _with_enhancer(config: TrainingConfig) -> TrainingConfig:
    if not config.preprocessing.enhance:
        return config
    return config.replaced("preprocessing", enhance_sha256=with_network(config.preprocessing).enhance_sha256)


def weights_to_start_from(config: TrainingConfig) -> dict[str, Tensor]:
    """The weights of the model that a prepared configuration starts from.

    Raises
    ------
    WeightsError : it cannot be read. TrainingError : it is another one than when the run was begun.
    """
    model = load_model(Path(config.network.start_from))
    if config.network.start_sha256 not in {"", model.sha256}:
        raise TrainingError(
            f"{config.network.start_from} is no longer the model that this run was begun with; put that one back, or "
            "begin a new run"
        )
    return dict(model.module.state_dict())
