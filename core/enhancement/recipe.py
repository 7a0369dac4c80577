"""The step of a recipe that enhances a photograph before it is prepared for a vessel network."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import WeightsError
from core.models.catalogue import find_model, list_models
from core.photo.recipe import Preprocessing
from core.progress import SILENT, Monitor
from core.types import FundusImage

if TYPE_CHECKING:  # it knows torch, which recipes without this step need not wait for
    from core.enhancement.enhancer import Enhancer


def as_recipe_wants(
    image: FundusImage,
    recipe: Preprocessing,
    *,
    device: str = "auto",
    threads: int | None = None,
    monitor: Monitor = SILENT,
) -> FundusImage:
    """The photograph that a recipe's other steps are to get: the same one, or an enhanced one on the same grid.

    It is computed in float32, so that a model's results do not depend on the number format of a device.

    Raises
    ------
    WeightsError : the recipe's enhancement network is not here, or is another one than the recipe was made with.
    DeviceError, Cancelled : as ``enhance_photo``.
    """
    if not recipe.enhance:
        return image
    from core.enhancement.enhancer import EnhanceOptions, enhance_photo

    options = EnhanceOptions(device=device, precision="fp32", threads=threads)
    made = enhance_photo(image, _checked(recipe), options=options, monitor=monitor)
    return FundusImage(made.rgb, source=image.source, pixel_um=image.pixel_um, sha256=image.sha256)


def with_network(recipe: Preprocessing) -> Preprocessing:
    """The recipe with the hash of its enhancement network, so that no other one takes its place later.

    Raises
    ------
    WeightsError : as ``as_recipe_wants``.
    """
    return recipe.model_copy(update={"enhance_sha256": _checked(recipe).sha256}) if recipe.enhance else recipe


def _checked(recipe: Preprocessing) -> "Enhancer":
    path = _by_hash(recipe.enhance_sha256) or find_model(recipe.enhance, task="enhancement")
    enhancer = _loaded(path, path.stat().st_mtime_ns if path.exists() else 0)
    if enhancer.scale != 1:
        raise WeightsError(
            f"The recipe's step 'enhance' names {recipe.enhance}, which changes the size of photographs. Name a "
            "network of scale 1."
        )
    if recipe.enhance_sha256 not in {"", enhancer.sha256}:
        raise WeightsError(
            f"The recipe was made with another enhancement network of the name {recipe.enhance} (SHA-256 "
            f"{recipe.enhance_sha256[:12]}...) than the one here ({enhancer.sha256[:12]}...). Put that one in its "
            "place, or choose another model."
        )
    return enhancer


def _by_hash(sha256: str) -> Path | None:
    """The network of a hash, whatever its name is now; None where no hash is known, or no network has it."""
    if not sha256:
        return None
    return next((one.path for one in list_models(task="enhancement") if one.card.sha256 == sha256), None)


@lru_cache(maxsize=2)
def _loaded(path: Path, changed_ns: int) -> "Enhancer":
    from core.enhancement.enhancer import load_enhancer

    return load_enhancer(path)
