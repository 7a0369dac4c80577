"""Runners: where one is made from a network, and where it is kept from one photograph to the next.

To rewrite a network for inference takes the processor about 35 ms, more than a GPU needs for the whole photograph. So
what was made for a model is kept with it, as long as somebody holds the model and its weights stay as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

import torch
from torch import nn

from core.inference.device import Device
from core.inference.options import Engine, Precision
from core.inference.runner import Runner, TorchRunner
from core.models.weights_file import LoadedModel
from core.networks.base import Network

_Place = tuple[Engine, str]
_State = tuple[Precision, int, tuple[tuple[int, int], ...]]
"""What a runner was made of: number format, threads, and where each tensor is and how often it was written to."""

_KEPT: Final[WeakKeyDictionary[LoadedModel, dict[_Place, tuple[_State, Runner]]]] = WeakKeyDictionary()
_LOCK: Final = Lock()


@contextmanager
def runner_for(
    model: LoadedModel,
    device: Device,
    precision: Precision,
    *,
    engine: Engine = "torch",
    on_layer: Callable[[], None],
    on_strip: Callable[[], None],
) -> Iterator[Runner]:
    """A runner for this block alone: the one that an earlier block has left, or a new one.

    Of several threads with the same model each gets its own, and one of them is kept for each engine and device. After
    an exception it is not kept: the run may have ended anywhere.

    Parameters
    ----------
    on_layer : called after every layer. ``on_strip`` : called within a long one. Both may raise to end the run.

    Raises
    ------
    EngineError : the engine cannot run the network.
    """
    weights = weights_state(model.module)
    place, state = (engine, device.torch_name), (precision, torch.get_num_threads(), weights or ())
    with _LOCK:
        kept = _KEPT.get(model, {}).pop(place, None)
    runner = kept[1] if kept is not None and kept[0] == state else _made(engine, model.module, device, precision)
    runner.device = device  # its label may have changed
    runner.calls.on_layer, runner.calls.on_strip = on_layer, on_strip
    yield runner
    runner.release()
    if weights is not None:
        with _LOCK:
            _KEPT.setdefault(model, {})[place] = state, runner


def _made(engine: Engine, module: Network, device: Device, precision: Precision) -> Runner:
    if engine == "openvino":
        from core.inference.openvino_runner import OpenVinoRunner

        return OpenVinoRunner(module, device, precision)
    return TorchRunner(module, device, precision)


def weights_state(module: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """Where each tensor is and how often it was written to; None where torch does not count that.

    CUDA graphs write without being counted. Training uses them, and makes a ``LoadedModel`` for each validation.
    """
    tensors = list(_tensors(module))
    if any(tensor.is_inference() for tensor in tensors):
        return None
    return tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)


def _tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    """All parameters and buffers, in an order of their own: torch's way through them takes 3 ms a photograph."""
    left, seen = [module], {module}
    while left:
        layer = left.pop()
        for tensors in (layer._parameters, layer._buffers):
            yield from (tensor for tensor in tensors.values() if tensor is not None)
        inner = [each for each in layer._modules.values() if each is not None and each not in seen]
        seen.update(inner)
        left += inner
