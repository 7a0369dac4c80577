"""The whole state of a run in one safetensors file, so that a killed run resumes to the same curve.

There is no random state in it: every random choice is a function of the seed and the step (see ``augmentation``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from core.errors import TrainingError
from core.files import write_bytes_atomic
from core.strict import MOST_BYTES, Malformed, open_regular, parse_json, parse_tensor_header

_KEY = "serr_checkpoint"
_MOMENTS = frozenset({"step", "exp_avg", "exp_avg_sq"})  # of AdamW


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``tensors`` by dotted name ("network.", "mean.", "optimiser.", "best."); ``facts`` are plain JSON values."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under a prefix, without it."""
        return {
            name[len(prefix) + 1 :]: tensor for name, tensor in self.tensors.items() if name.startswith(prefix + ".")
        }


def refuse_not_numbers(checkpoint: Checkpoint) -> None:
    """Raises ValueError where a tensor holds what is not a number: else known after hours, when weights are written."""
    for name, tensor in checkpoint.tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"not all of its {name[:80]} are numbers")


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors on the CPU, under a prefix."""
    return {f"{prefix}.{name}": tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it atomically. Raises OutputError."""
    write_bytes_atomic(path, to_bytes(checkpoint.tensors, metadata={_KEY: json.dumps(checkpoint.facts)}))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises TrainingError where it is missing or damaged."""
    try:
        with open_regular(path) as raw:
            length = int.from_bytes(raw.read(8), "little")
            metadata, _ = parse_tensor_header(raw.read(length) if length <= MOST_BYTES else b"")
        facts = parse_json(metadata[_KEY], nan=True)
        if not isinstance(facts, dict):
            raise Malformed("its facts are not a mapping")
        with safe_open(path, framework="pt") as file:
            return Checkpoint({name: file.get_tensor(name) for name in file.keys()}, facts)  # noqa: SIM118
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path}; start the run without resuming") from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise TrainingError(
            f"the checkpoint {path} is damaged ({error}); start the run again in another folder"
        ) from None


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's moments, named "<parameter number>.<moment>"; its settings come from the configuration."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value) for number, part in state.items() for name, value in part.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the moments back. Raises ValueError where they are not those of the optimiser's parameters."""
    whole = optimiser.state_dict()
    shapes = [parameter.shape for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        text, _, moment = name.partition(".")
        number = int(text)
        if moment not in _MOMENTS or not 0 <= number < len(shapes) or tensor.shape not in {shapes[number], ()}:
            raise ValueError(f"its moment {name[:80]} belongs to another network")
        state.setdefault(number, {})[moment] = tensor
    if any(part.keys() != _MOMENTS for part in state.values()) or len(state) not in {0, len(shapes)}:
        raise ValueError("moments of its optimiser are missing")
    whole["state"] = state
    optimiser.load_state_dict(whole)
