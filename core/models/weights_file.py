"""Trained networks as files: safetensors with a model card in the header, never pickle.

A weights file says by itself which network it is for, how a photograph must be prepared, and which threshold to use.
The card is JSON under one key of the header's metadata: listing models reads a few kilobytes and needs no torch. A
SHA-256 over the tensors is in the card and is verified when the file is loaded.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import WeightsError
from core.files import display_path, write_bytes_atomic
from core.models.model_card import ModelCard, Task
from core.strict import Malformed, TensorPlace, open_regular, parse_json, parse_tensor_header

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.networks.base import Network

SUFFIX: Final = ".safetensors"
FORMAT_VERSION: Final = 2
_UNSCALED_VERSION = 1
"""That of a file whose probabilities are the network's own, which a program that knows no scaling may read."""
PICKLE_SUFFIXES: Final = frozenset({".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy", ".npz"})
"""Suffixes of files that may run a program when they are opened, which are refused."""

_METADATA_KEY = "serr_model"
_MAX_HEADER_BYTES = 16 << 20
_MAX_FILE_BYTES = 1 << 30
_PICKLE_ADVICE = (
    "A file of that kind can run any program when it is opened, so it is not read here. Ask its author for a "
    ".safetensors file with a model card, or convert it on a machine that you can lose: read it with "
    "torch.load(..., weights_only=True) and write it with core.models.weights_file.save_model."
)
_DOES: Final[Mapping[Task, str]] = {
    "vessels": "finds vessels",
    "artery_vein": "tells arteries from veins",
    "enhancement": "enhances photographs and finds no vessels",
}
_FLOATS = frozenset({"F16", "F32", "F64"})
_WHOLE = "I64"
_SHOWN = 100
_NEWER = "A newer version of this program may be needed."

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoadedModel:
    """A network ready for inference (evaluation mode, no gradients, float32), with its card, file and checked hash."""

    card: ModelCard
    module: "Network"
    path: Path
    sha256: str


def read_card(path: str | Path) -> ModelCard:
    """The model card of a weights file, from its header alone: the tensors are neither read nor verified.

    Raises
    ------
    WeightsError : the file is missing, unreadable, not a weights file of this program, cut short, or too new.
    """
    return _read_header(Path(path))[0]


def _read_header(path: Path) -> tuple[ModelCard, dict[str, TensorPlace]]:
    """The card of a weights file, and the places of its tensors, which are those that the file has."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            _refuse_pickle(path, start)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or not 2 <= length <= _MAX_HEADER_BYTES:
                raise _not_a_model(path)
            header = file.read(length)
    except OSError as error:
        raise _unreadable(path, error) from error
    except Malformed as error:
        raise _not_a_model(path) from error
    if len(header) < length:
        raise _damaged(path, "it ends too early")
    card, places = _parse_header(path, header)
    whole = 8 + length + max((place.stop for place in places.values()), default=0)
    if kinds := {place.dtype for place in places.values()} - _FLOATS - {_WHOLE}:
        raise WeightsError(
            f"{display_path(path)} has numbers of a kind that no network here has ({', '.join(sorted(kinds))})."
        )
    if size != whole:
        raise _damaged(path, f"it should have {whole} bytes, but has {size}")
    return card, places


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
    write_bytes_atomic(path, save(tensors, metadata={_METADATA_KEY: _card_text(card)}))
    return path


def with_card(data: bytes, card: ModelCard) -> bytes:
    """The content of a weights file with another name, notes or the like in its card; its tensors stay as they are.

    Raises
    ------
    ValueError, KeyError : ``data`` is not that of a weights file.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"][_METADATA_KEY] = _card_text(card)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def read_model(path: Path, device: "str | torch.device" = "cpu", *, task: Task | None = "vessels") -> LoadedModel:
    """Read a weights file, build its network, and verify every tensor.

    Raises
    ------
    WeightsError : the file is missing, unsafe (pickle), damaged, for another network or task, or newer than this
        program.
    """
    card, places = _read_header(path)
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
        raise _unreadable(path, error) from error

    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:  # KeyError: a dtype that numpy does not have
        raise _damaged(path, str(error)) from error
    sha256 = _sha256(tensors)
    if sha256 != card.sha256:
        raise _damaged(path, f"its tensors have the SHA-256 {sha256[:12]}..., its card says {card.sha256[:12]}...")
    _refuse_not_finite(path, tensors)
    return LoadedModel(card, _filled(module, tensors).to(device), path, sha256)


def wrong_task(name: str, found: Task, wanted: Task) -> str:
    """The sentence on a model that is for something else than what is asked for."""
    return f"{name} {_DOES[found]}; needed is one that {_DOES[wanted]}."


def _card_text(card: ModelCard) -> str:
    values = card.to_dict()
    if card.scaling.is_none:
        del values["scaling"]
    if not card.styles:
        del values["styles"]
    version = _UNSCALED_VERSION if card.scaling.is_none else FORMAT_VERSION
    return json.dumps({"format_version": version, "card": values}, ensure_ascii=False, allow_nan=False)


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
            f"{display_path(path)} is made for a network that cannot be built here: {error}. {_NEWER}"
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
        usable = _FLOATS if tensor.dtype.is_floating_point else {_WHOLE}
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


@lru_cache(maxsize=32)
def _parse_header(path: Path, header: bytes) -> tuple[ModelCard, dict[str, TensorPlace]]:
    """The card and the tensors that a safetensors header announces; the same header is parsed once."""
    try:
        metadata, places = parse_tensor_header(header)
        card = parse_json(metadata[_METADATA_KEY])
        version = card["format_version"]
        if type(version) is not int:
            raise Malformed("its version is not a whole number")
    except (Malformed, TypeError, KeyError) as error:
        why = f" ({error})" if isinstance(error, Malformed) else ""
        raise _not_a_model(path, why) from error
    if version > FORMAT_VERSION:
        raise WeightsError(
            f"{display_path(path)} was written by a newer version of this program (format {version}): update the "
            "program."
        )
    try:
        return ModelCard.from_dict(card["card"]), places
    except WeightsError as error:
        raise WeightsError(f"{display_path(path)} cannot be used: {error}. {_NEWER}") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise _damaged(path, f"its model card cannot be used ({error!r:.200})") from error


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


def _refuse_pickle(path: Path, start: bytes) -> None:
    """By name and by content: zip archives (new .pth files) and the pickle protocol mark (old ones)."""
    # A header of 640 bytes begins like a pickle, too; what follows then makes the length small.
    starts_like_pickle = start[:2] in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}
    pickled = starts_like_pickle and int.from_bytes(start, "little") > _MAX_HEADER_BYTES
    if path.suffix.lower() in PICKLE_SUFFIXES or start[:4] == b"PK\x03\x04" or pickled:
        raise WeightsError(f"{display_path(path)} is a PyTorch or pickle file. {_PICKLE_ADVICE}")


def _not_a_model(path: Path, why: str = "") -> WeightsError:
    return WeightsError(
        f"{display_path(path)} is not a weights file of this program{why}: it needs to be {SUFFIX} with a model card "
        "inside."
    )


def _damaged(path: Path, what: str) -> WeightsError:
    return WeightsError(f"{display_path(path)} is damaged: {what}. Copy or download it again.")


def _unreadable(path: Path, error: OSError) -> WeightsError:
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return WeightsError(f"{display_path(path)} cannot be used. {_PICKLE_ADVICE}")
    if isinstance(error, FileNotFoundError):
        return WeightsError(
            f"{display_path(path)} does not exist. Check the path, or choose one of the available models."
        )
    return WeightsError(
        f"{display_path(path)} cannot be read ({error.strerror or error}). Check that it is a file and may be read."
    )
