"""Trained networks as files: safetensors with a model card in the header (``weights_header``), never pickle.

A weights file says by itself which network it is for, how a photograph must be prepared, and which threshold to use. A
SHA-256 over the tensors is in the card and is verified when the file is loaded.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.errors import WeightsError
from core.files import display_path, write_bytes_atomic
from core.models.model_card import ModelCard, Task
from core.models.weights_header import (
    FLOATS,
    METADATA_KEY,
    NEWER,
    SUFFIX,
    WHOLE,
    card_text,
    damaged,
    read_header,
    unreadable,
    wrong_task,
)
from core.strict import TensorPlace

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.networks.base import Network

_MAX_FILE_BYTES = 1 << 30
_SHOWN = 100

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoadedModel:
    """A network ready for inference (evaluation mode, no gradients, float32), with its card, file and checked hash."""

    card: ModelCard
    module: "Network"
    path: Path
    sha256: str


def save_model(path: str | Path, module: "nn.Module", card: ModelCard, *, half: bool = False) -> Path:
    """Write a network's weights with its card, all or nothing.

    Parameters
    ----------
    path : file to write; its suffix must be ``.safetensors``.
    half : store matrices and convolutions as float16 (half the size). Vectors (norms, biases) stay float32, where
        rounding costs most and saves nothing. A loaded model computes in float32 in either case.

    Raises
    ------
    WeightsError : wrong suffix, or weights that are not finite numbers.
    OutputError : the file cannot be written.
    """
    from safetensors.numpy import save

    from core import __version__

    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise WeightsError(f"A weights file is written as {SUFFIX}: give {display_path(path.name)} that suffix.")
    tensors: Tensors = {}
    for name, tensor in module.state_dict().items():
        array: npt.NDArray[Any] = np.array(tensor.detach().cpu().numpy(), order="C")
        if np.issubdtype(array.dtype, np.floating):
            with np.errstate(over="ignore"):  # found and said by the next check
                array = array.astype(np.float16 if half and array.ndim > 1 else np.float32)
        tensors[name] = array
    _refuse_not_finite(path, tensors)
    card = replace(
        card,
        sha256=_sha256(tensors),
        created=card.created or datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )
    write_bytes_atomic(path, save(tensors, metadata={METADATA_KEY: card_text(card)}))
    return path


def read_model(path: Path, device: "str | torch.device" = "cpu", *, task: Task | None = "vessels") -> LoadedModel:
    """Read a weights file, build its network, and verify every tensor.

    Raises
    ------
    WeightsError : the file is missing, unsafe (pickle), damaged, for another network or task, or newer than this
        program.
    """
    card, places = read_header(path)
    if task is not None and card.task != task:
        raise WeightsError(f"{wrong_task(display_path(path), card.task, task)} Choose another model.")
    module = _lay_out(path, card, places)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise WeightsError(
                f"{display_path(path)} is larger than {_MAX_FILE_BYTES >> 30} GB: that is not a model of this program."
            )
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error

    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:  # KeyError: a dtype that numpy does not have
        raise damaged(path, str(error)) from error
    sha256 = _sha256(tensors)
    if sha256 != card.sha256:
        raise damaged(path, f"its tensors have the SHA-256 {sha256[:12]}..., its card says {card.sha256[:12]}...")
    _refuse_not_finite(path, tensors)
    return LoadedModel(card, _filled(module, tensors).to(device), path, sha256)


def _lay_out(path: Path, card: ModelCard, places: Mapping[str, TensorPlace]) -> "Network":
    """The network of a card without memory for its weights, which are those that the file's header announces.

    So a file cannot ask for more than the tensors that it brings, and one that does not fit is not even read.
    """
    import torch

    from core.networks import registry

    try:
        with torch.device("meta"):
            module = registry.build(card.architecture, card.config)
    except WeightsError as error:
        raise WeightsError(
            f"{display_path(path)} is made for a network that cannot be built here: {error}. {NEWER}"
        ) from error
    if module.in_channels != card.preprocessing.planes:
        raise WeightsError(
            f"{display_path(path)} contradicts itself: its network reads {module.in_channels} planes, its recipe "
            f"prepares {card.preprocessing.planes}. Ask for a sound copy."
        )
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: place.shape for name, place in places.items()}
    if expected != found:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        first = wrong[0]
        raise WeightsError(
            f"{display_path(path)} does not fit the network that its card describes: {len(wrong)} of {len(expected)} "
            f"tensors differ, the first is {first[:_SHOWN]} (expected {expected.get(first, 'none')}, found "
            f"{found.get(first, 'none')})."
        )
    for name, tensor in module.state_dict().items():
        usable = FLOATS if tensor.dtype.is_floating_point else {WHOLE}
        if places[name].dtype not in usable:
            raise WeightsError(
                f"{display_path(path)} does not fit the network that its card describes: its tensor {name} has numbers "
                f"of the kind {places[name].dtype}."
            )
    return module


def _filled(module: "Network", tensors: Tensors) -> "Network":
    """The network with its weights."""
    import torch

    state = {}
    for name, array in tensors.items():
        is_float = np.issubdtype(array.dtype, np.floating)
        state[name] = torch.from_numpy(
            array.astype(np.float32 if is_float else array.dtype)
        )  # a copy: data is read-only
    module.load_state_dict(state, assign=True)
    return module.eval().requires_grad_(False)


def _sha256(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name]
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)  # as in the file, on every machine
        digest.update(f"{name}\0{array.dtype.name}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _refuse_not_finite(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise WeightsError(
                f"The weights for {display_path(path)} hold values that are not finite numbers (first in {name})."
            )
