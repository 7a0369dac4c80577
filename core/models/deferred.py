"""A model whose weights are read when they are needed: who reads photographs meanwhile does not wait for torch."""

from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

from core.errors import WeightsError
from core.files import display_path
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, read_model
from core.models.weights_header import read_card
from core.startup import importing


class KnownModel(Protocol):
    """What says which model a result is wanted of: a ``LoadedModel``, or one that is loaded later."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def sha256(self) -> str: ...


class DeferredModel:
    """The model of a weights file: its card at once, its network at the first call of ``loaded``.

    Raises
    ------
    WeightsError : the file has no card that can be used (``read_card``).
    """

    def __init__(self, path: Path) -> None:
        self.card = read_card(path)
        self._path = path
        self._lock = Lock()

    @property
    def sha256(self) -> str:
        """Of the tensors, as the card says; ``loaded`` verifies it."""
        return self.card.sha256

    def loaded(self) -> LoadedModel:
        """The network. Raises WeightsError as ``read_model``, or where the file has changed since."""
        with self._lock:  # of several threads that read photographs one loads it
            return self._loaded

    @cached_property
    def _loaded(self) -> LoadedModel:
        with importing():
            model = read_model(self._path)
        if model.card != self.card:
            raise WeightsError(f"{display_path(self._path)} was replaced while it was read. Start again.")
        return model


def loaded(model: KnownModel) -> LoadedModel:
    """The network of a model, loaded now where it was not yet. Raises WeightsError as ``DeferredModel.loaded``."""
    if isinstance(model, DeferredModel):
        return model.loaded()
    assert isinstance(model, LoadedModel)
    return model
