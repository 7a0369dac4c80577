"""Models by name, by file, or loaded already."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.api.arguments import PathLike, described
from core.errors import ArgumentError
from core.models.catalogue import DEFAULT_MODEL, ModelEntry, find_model, list_models
from core.models.catalogue import load_model as read_model
from core.models.weights_file import LoadedModel
from core.networks.cost import Architecture, list_architectures

__all__ = [
    "DEFAULT_MODEL",
    "Architecture",
    "LoadedModel",
    "Model",
    "ModelEntry",
    "architectures",
    "as_model",
    "load_model",
    "models",
]

TASKS: Final = ("vessels", "enhancement", "any")
Model = PathLike | LoadedModel


def models(task: Literal["vessels", "enhancement", "any"] = "vessels") -> list[ModelEntry]:
    """The models that can be named: those that ship with the program, then your own. Only headers are read.

    Parameters
    ----------
    task : "vessels", "enhancement" (for ``enhance``), or "any"; ``card.task`` of each says which.
    """
    if task not in TASKS:
        raise ArgumentError(f"task must be one of {', '.join(TASKS)}, not {described(task)}.")
    return list_models(task=None if task == "any" else task)


def architectures() -> list[Architecture]:
    """The networks that ``train`` can train from scratch: what each is, its fields, parameters and GFLOP."""
    return list_architectures()


def load_model(model: PathLike = DEFAULT_MODEL) -> LoadedModel:
    """A model in memory, for many photographs.

    Parameters
    ----------
    model : a name from ``models()`` or the path of a weights file.

    Raises
    ------
    SerrError : there is no such model, or its file is damaged, unsafe or too new.
    """
    return as_model(model)


def as_model(model: Model) -> LoadedModel:
    """A model from its name, its file, or one that is loaded already. The last ones stay in memory."""
    if isinstance(model, LoadedModel):
        return model
    if not isinstance(model, str | os.PathLike) or not os.fspath(model):
        raise ArgumentError(
            f"model must be a name such as {DEFAULT_MODEL!r}, the path of a weights file or a loaded model, not "
            f"{described(model)}."
        )
    path = find_model(model if isinstance(model, str) else Path(model))
    try:
        status = path.stat()
    except OSError:
        return read_model(path)  # it says what is wrong
    return _kept(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _kept(path: Path, _changed: int, _bytes: int) -> LoadedModel:
    return read_model(path)
