"""Enhancing the photograph on the screen, and writing what came out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import OutputError
from core.progress import Monitor, Progress
from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.state import Document
from serr_gui.tasks.segmenting import RunOptions

if TYPE_CHECKING:
    from core.enhancement.enhancer import Enhanced
    from core.models.catalogue import ModelEntry


@dataclass(frozen=True, slots=True)
class WrittenPicture:
    """The file of an enhanced picture; or ``in_the_way``, a file of another one, and nothing is written."""

    path: Path | None = None
    in_the_way: Path | None = None


def read_enhancers(monitor: Monitor) -> tuple[EnhancerChoice, ...]:
    """The networks that enhance photographs: headers only, no torch."""
    from core.models.catalogue import list_models

    return tuple(_choice(entry) for entry in list_models(task="enhancement", monitor=monitor))


def _choice(entry: "ModelEntry") -> EnhancerChoice:
    card = entry.card
    scale = card.config.get("scale", 1)
    grid = scale if isinstance(scale, int) else 1
    return EnhancerChoice(card.name, entry.path, entry.bundled, grid, card.notes, card.sha256)


def enhance_document(document: Document, request: RunOptions, monitor: Monitor) -> "Enhanced":
    """Enhance the photograph on the screen by the network ``request.model``.

    Raises
    ------
    SerrError : the network, the device or the photograph cannot be used.
    """
    monitor.step(Progress("Loading the model"))
    from core.enhancement.enhancer import EnhanceOptions, enhance_photo, load_enhancer

    run = request.run
    options = EnhanceOptions(device=request.device, precision=run.precision, threads=run.threads or None)
    return enhance_photo(document.image, load_enhancer(request.model), options=options, monitor=monitor)


def write_enhanced(picture: "Enhanced", folder: Path, overwrite: bool, monitor: Monitor) -> WrittenPicture:
    """Write an enhanced picture and its side-car, in place of those of the same photograph.

    Nothing is written where there is anything else of that name and ``overwrite`` does not say that it goes.

    Raises
    ------
    OutputError : the folder cannot be used.
    """
    from core.enhancement.saving import enhanced_names, save_enhanced
    from core.photo.sibling_files import photo_stem

    monitor.step(Progress("Writing the enhanced photograph"))
    source = picture.image.source
    stem = photo_stem(source) if source is not None else "photograph"
    try:
        return WrittenPicture(save_enhanced(picture, folder, stem, overwrite=overwrite)["picture"])
    except OutputError:
        there = [path for name in enhanced_names(stem).values() if (path := folder / name).exists()]
        if overwrite or not there:
            raise
        return WrittenPicture(in_the_way=there[0])
