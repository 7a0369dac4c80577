"""The header of a weights file: its model card and the places of its tensors.

The card is JSON under one key of the header's metadata: listing models reads a few kilobytes of each file, and needs
neither torch nor NumPy.
"""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.errors import WeightsError
from core.files import display_path
from core.models.model_card import ModelCard, Task
from core.strict import Malformed, TensorPlace, open_regular, parse_json, parse_tensor_header

SUFFIX: Final = ".safetensors"
FORMAT_VERSION: Final = 2
_UNSCALED_VERSION = 1
"""That of a file whose probabilities are the network's own, which a program that knows no scaling may read."""
PICKLE_SUFFIXES: Final = frozenset({".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy", ".npz"})
"""Suffixes of files that may run a program when they are opened, which are refused."""

METADATA_KEY: Final = "serr_model"
"""Of the card in the metadata of the header."""
_MAX_HEADER_BYTES = 16 << 20
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
FLOATS: Final = frozenset({"F16", "F32", "F64"})
WHOLE: Final = "I64"
"""The kinds of numbers that networks have."""
NEWER: Final = "A newer version of this program may be needed."


def read_card(path: str | Path) -> ModelCard:
    """The model card of a weights file, from its header alone: the tensors are neither read nor verified.

    Raises
    ------
    WeightsError : the file is missing, unreadable, not a weights file of this program, cut short, or too new.
    """
    return read_header(Path(path))[0]


def read_header(path: Path) -> tuple[ModelCard, dict[str, TensorPlace]]:
    """The card of a weights file, and the places of its tensors, which are those that the file has.

    Raises
    ------
    WeightsError : as ``read_card``.
    """
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
        raise unreadable(path, error) from error
    except Malformed as error:
        raise _not_a_model(path) from error
    if len(header) < length:
        raise damaged(path, "it ends too early")
    card, places = _parse_header(path, header)
    whole = 8 + length + max((place.stop for place in places.values()), default=0)
    if kinds := {place.dtype for place in places.values()} - FLOATS - {WHOLE}:
        raise WeightsError(
            f"{display_path(path)} has numbers of a kind that no network here has ({', '.join(sorted(kinds))})."
        )
    if size != whole:
        raise damaged(path, f"it should have {whole} bytes, but has {size}")
    return card, places


def with_card(data: bytes, card: ModelCard) -> bytes:
    """The content of a weights file with another name, notes or the like in its card; its tensors stay as they are.

    Raises
    ------
    ValueError, KeyError : ``data`` is not that of a weights file.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"][METADATA_KEY] = card_text(card)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def wrong_task(name: str, found: Task, wanted: Task) -> str:
    """The sentence on a model that is for something else than what is asked for."""
    return f"{name} {_DOES[found]}; needed is one that {_DOES[wanted]}."


def card_text(card: ModelCard) -> str:
    """The card as it is in the metadata."""
    values = card.to_dict()
    if card.scaling.is_none:
        del values["scaling"]
    if not card.styles:
        del values["styles"]
    version = _UNSCALED_VERSION if card.scaling.is_none else FORMAT_VERSION
    return json.dumps({"format_version": version, "card": values}, ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=32)
def _parse_header(path: Path, header: bytes) -> tuple[ModelCard, dict[str, TensorPlace]]:
    """The card and the tensors that a safetensors header announces; the same header is parsed once."""
    try:
        metadata, places = parse_tensor_header(header)
        card = parse_json(metadata[METADATA_KEY])
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
        raise WeightsError(f"{display_path(path)} cannot be used: {error}. {NEWER}") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise damaged(path, f"its model card cannot be used ({error!r:.200})") from error


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


def damaged(path: Path, what: str) -> WeightsError:
    """The error for a file that does not hold what it should."""
    return WeightsError(f"{display_path(path)} is damaged: {what}. Copy or download it again.")


def unreadable(path: Path, error: OSError) -> WeightsError:
    """The error for a file that cannot be opened or read."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return WeightsError(f"{display_path(path)} cannot be used. {_PICKLE_ADVICE}")
    if isinstance(error, FileNotFoundError):
        return WeightsError(
            f"{display_path(path)} does not exist. Check the path, or choose one of the available models."
        )
    return WeightsError(
        f"{display_path(path)} cannot be read ({error.strerror or error}). Check that it is a file and may be read."
    )
