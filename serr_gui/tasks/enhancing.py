"""Enhancing the photograph on the screen, and writing what came out."""

from typing import TYPE_CHECKING

from core.progress import Monitor, Progress
from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.state import Document
from serr_gui.tasks.segmenting import RunOptions

if TYPE_CHECKING:
    from core.enhancement.enhancer import Enhanced
    from core.models.catalogue import ModelEntry


def read_enhancers(monitor: Monitor) -> tuple[EnhancerChoice, ...]:
    """The networks that enhance photographs: headers only, no torch."""
    from core.models.catalogue import list_models

    return tuple(_choice(entry) for entry in list_models(task="enhancement", monitor=monitor))


def _choice(entry: "ModelEntry") -> EnhancerChoice:
    card = entry.card
    scale = card.config.get("scale", 1)
    return EnhancerChoice(card.name, entry.path, entry.bundled, scale if isinstance(scale, int) else 1, card.notes)


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
