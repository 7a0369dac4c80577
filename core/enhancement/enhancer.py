"""Enhancing a photograph: tile by tile, with progress and cancel, so that its size does not matter."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from core.enhancement.saving import EnhancedKind, save_enhanced
from core.errors import DeviceError, WeightsError
from core.inference.device import Device, choose_device, fastest_precision, threads
from core.inference.engines import weights_state
from core.inference.memory import bound_caches, return_freed
from core.inference.options import Precision
from core.inference.predictor import free_memory, is_out_of_memory
from core.inference.runner import Calls
from core.inference.tiling import Tile, plan_tiles
from core.models.catalogue import ModelEntry, list_models, load_model
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel
from core.networks.rrdb import RrdbNet
from core.photo.enhanced import enhanced_doubt
from core.progress import SILENT, Monitor, Progress
from core.types import ByteArray, FundusImage

Scale = Literal[1, 2]
SCALES: Final[tuple[Scale, ...]] = (1, 2)
ENHANCERS: Final[dict[Scale, str]] = {1: "serr-enhance-1x", 2: "serr-enhance-2x"}
"""The generators that come with the program, by their scale."""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_OVERLAP_PX = 64
_SMALLEST_TILE_PX = 128
_TILE_PX = {"cpu": 512, "cuda": 768, "mps": 512}
"""Sides of tiles in pixels of the photograph. With their overlap they gave the grey levels of the whole (measured)."""


_Kept = tuple[tuple[tuple[int, int], ...], RrdbNet, Calls]
"""The state of the weights that were copied, the copy, and what it calls."""
_KEPT: Final[WeakKeyDictionary[RrdbNet, dict[str, _Kept]]] = WeakKeyDictionary()
_LOCK: Final = Lock()


@dataclass(frozen=True, slots=True)
class EnhanceOptions:
    """How a generator is run. The defaults choose by themselves.

    Parameters
    ----------
    device : "auto", "cpu", "cuda", "cuda:1" or "mps".
    precision : "auto", "fp32", "bf16", or "fp16" (CUDA only). ``threads`` : of the CPU; None for all of torch's.
    tile_px : largest side of a tile in pixels of the photograph; None to choose by the device.
    """

    device: str = "auto"
    precision: Literal["auto"] | Precision = "auto"
    tile_px: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.tile_px is not None and self.tile_px < _SMALLEST_TILE_PX:
            raise ValueError(f"tile_px must be {_SMALLEST_TILE_PX} or more, not {self.tile_px}")


@dataclass(frozen=True, slots=True, eq=False)
class Enhancer:
    """A generator ready for use: ``scale`` is 1 (the photograph's own grid) or 2 (each side doubled)."""

    card: ModelCard
    module: RrdbNet
    path: Path
    sha256: str
    scale: Scale


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Enhanced:
    """An enhanced photograph. It is a picture that a network made, no measurement of the eye.

    Parameters
    ----------
    image : the original photograph, (H, W).
    rgb : uint8 (scale * H, scale * W, 3), red, green, blue.
    scale, card, sha256 : of the generator; ``sha256`` is that of its tensors.
    device, precision, tiles : what computed, in which number format, and in how many tiles.
    seconds : from the photograph in memory to the picture. ``notes`` : sentences for the user about fall-backs.
    """

    image: FundusImage
    rgb: ByteArray
    scale: Scale
    card: ModelCard
    sha256: str
    device: str
    precision: Precision
    tiles: int
    seconds: float
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        height, width = self.image.shape
        if self.rgb.dtype != np.uint8 or self.rgb.shape != (self.scale * height, self.scale * width, 3):
            raise ValueError(f"the enhanced picture is {self.rgb.dtype} {self.rgb.shape}, the original {height, width}")
        self.rgb.setflags(write=False)

    def __repr__(self) -> str:
        name = f" of {self.image.source.name}" if self.image.source else ""
        return f"<Enhanced{name}: {self.rgb.shape[1]} x {self.rgb.shape[0]} pixels by {self.card.name}>"

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.rgb, dtype, copy=copy)

    def _repr_png_(self) -> bytes:
        """The picture, which a notebook shows by itself."""
        return bytes(cv2.imencode(".png", np.ascontiguousarray(self.rgb[:, :, ::-1]))[1])

    def save(self, folder: str | Path, stem: str | None = None, *, overwrite: bool = False) -> dict[EnhancedKind, Path]:
        """Write the picture and its side-car (``core.enhancement.saving.save_enhanced``)."""
        return save_enhanced(self, Path(folder), stem, overwrite=overwrite, way_out="overwrite=True")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the enhanced picture in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]


def enhancers(*, monitor: Monitor = SILENT) -> list[ModelEntry]:
    """The generators there are: those that came with the program, then the person's own."""
    return list_models(task="enhancement", monitor=monitor)


def load_enhancer(name_or_path: str | Path | None = None, *, scale: Scale = 1) -> Enhancer:
    """Read a generator by its name or path; None: the one for ``scale`` that came with the program.

    Raises
    ------
    WeightsError : there is none of that name, it does not enhance photographs, or its file is damaged.
    """
    return as_enhancer(load_model(ENHANCERS[scale] if name_or_path is None else name_or_path, task="enhancement"))


def as_enhancer(model: LoadedModel) -> Enhancer:
    """A loaded model as a generator. Raises WeightsError where its network gives no pictures."""
    if not isinstance(model.module, RrdbNet):
        raise WeightsError(f"{model.card.name} is a {model.card.architecture} network, which gives no pictures.")
    return Enhancer(model.card, model.module, model.path, model.sha256, model.module.scale)


def enhance_photo(
    image: FundusImage,
    enhancer: Enhancer,
    *,
    options: EnhanceOptions = EnhanceOptions(),
    monitor: Monitor = SILENT,
) -> Enhanced:
    """Enhance a photograph.

    Parameters
    ----------
    image : the photograph, (H, W), of any size.
    enhancer : from ``load_enhancer``; may be used for any number of photographs, and by several threads.
    monitor : asked between all layers; may end the work.

    Raises
    ------
    DeviceError : the device is not there, or nothing has enough memory.
    WeightsError : the generator gives values that are not numbers.
    Cancelled : by the monitor.
    """
    started, notes = time.perf_counter(), list[str]()
    device = choose_device(options.device)

    def tell(sentence: str) -> None:
        notes.append(sentence)
        monitor.note(sentence)

    already = enhanced_doubt(image)
    for sentence in (device.note, already.text if already is not None else ""):
        if sentence:
            tell(sentence)
    precision = fastest_precision(device) if options.precision == "auto" else options.precision
    side = options.tile_px or _TILE_PX[device.kind]
    with threads(options.threads):
        while True:
            ran_out = False
            try:
                rgb, tiles = _run(image.rgb, enhancer, device, precision, side=side, monitor=monitor)
                break
            except _NotFinite:
                if precision == "fp32":
                    raise WeightsError(
                        f"{enhancer.card.name} gives values that are not numbers for this photograph. Choose another "
                        "model."
                    ) from None
                tell(f"{precision} is not exact enough for {enhancer.card.name}: it is run again in fp32.")
                precision = "fp32"
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = True  # until the end of this block the exception keeps the run's tensors alive
            if ran_out:
                device, side = _less(device, side, tell)
                precision = precision if device.kind != "cpu" or precision != "fp16" else "fp32"
    return_freed()
    took = time.perf_counter() - started
    return Enhanced(
        *(image, rgb, enhancer.scale, enhancer.card, enhancer.sha256, device.label, precision, tiles, took),
        notes=tuple(notes),
    )


class _NotFinite(Exception):  # noqa: N818 - never leaves this module
    pass


def _less(device: Device, side: int, tell: Callable[[str], None]) -> tuple[Device, int]:
    """What to try after memory ran out: smaller tiles, then the CPU. Raises DeviceError where nothing is left."""
    free_memory(device)
    if side > _SMALLEST_TILE_PX:
        smaller = max(side // 2, _SMALLEST_TILE_PX)
        tell(f"{device.label}: memory ran out. The photograph is done in pieces of {smaller} pixels instead.")
        return device, smaller
    if device.kind == "cpu":
        raise DeviceError(
            f"There is not enough memory ({device.label}) to enhance this photograph, even in small pieces. Close "
            "other programs and try again."
        )
    cpu = choose_device("cpu")
    tell(f"{device.label}: too little memory is free. The photograph is done on the {cpu.label} instead.")
    return cpu, _TILE_PX["cpu"]


def _run(
    rgb: ByteArray, enhancer: Enhancer, device: Device, precision: Precision, *, side: int, monitor: Monitor
) -> tuple[ByteArray, int]:
    """The enhanced picture and the number of tiles. Of each tile the core is kept, which is far from its edges."""
    bound_caches()
    scale, stride = enhancer.scale, enhancer.module.stride
    (height, width), dtype = rgb.shape[:2], _DTYPES[precision]
    padded = np.pad(rgb, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
    plan = plan_tiles((padded.shape[0], padded.shape[1]), side, _OVERLAP_PX, stride)
    out = np.empty((scale * padded.shape[0], scale * padded.shape[1], 3), np.uint8)
    with (
        _ready(enhancer.module, device) as (module, calls),
        torch.inference_mode(),
        torch.autocast(device.kind, dtype, enabled=precision != "fp32"),
    ):
        layers = sum(isinstance(layer, nn.Conv2d) for layer in module.modules())
        calls.on_layer = _Report(monitor, len(plan) * layers).advance
        for tile in plan:
            x = torch.from_numpy(np.ascontiguousarray(padded[tile.window])).to(device.torch_name)
            x = (x.permute(2, 0, 1)[None].float() / 255.0).contiguous(memory_format=torch.channels_last)
            y = module(x)[0].float()
            if not bool(y.isfinite().all()):
                raise _NotFinite
            levels = (y.clamp(0, 1) * 255.0).round().byte().permute(1, 2, 0).cpu().numpy()
            target, source = _cores(tile, scale)
            out[target] = levels[source]
    return np.ascontiguousarray(out[: scale * height, : scale * width]), len(plan)


@contextmanager
def _ready(module: RrdbNet, device: Device) -> Iterator[tuple[RrdbNet, Calls]]:
    """A copy of a generator on a device, for this block alone, and what it calls after each convolution.

    So a loaded generator is never changed and may serve several threads. A copy is kept for the next photograph, as
    long as somebody holds the generator and its weights stay as they are (``core.inference.engines``).
    """
    state = weights_state(module)
    with _LOCK:
        kept = _KEPT.get(module, {}).pop(device.torch_name, None)
    if kept is not None and kept[0] == state:
        _, own, calls = kept
    else:
        own, calls = copy.deepcopy(module).eval().to(torch.device(device.torch_name)), Calls()
        own = own.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for layer in own.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(calls.layer)
    yield own, calls
    calls.clear()
    if state is not None:
        with _LOCK:
            _KEPT.setdefault(module, {})[device.torch_name] = state, own, calls


def _cores(tile: Tile, scale: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the core of a tile is in the enhanced picture, and in the enhanced tile."""

    def larger(part: tuple[slice, slice]) -> tuple[slice, slice]:
        rows, columns = (slice(scale * one.start, scale * one.stop) for one in part)
        return rows, columns

    return larger(tile.core), larger(tile.core_in_tile)


class _Report:
    """Progress from layer to layer; the monitor may end the work at each."""

    def __init__(self, monitor: Monitor, total: int) -> None:
        self._monitor, self._done, self._total = monitor, 0, total
        monitor.step(Progress("Enhancing the photograph", 0, total))

    def advance(self) -> None:
        self._done += 1
        self._monitor.step(Progress("Enhancing the photograph", self._done, self._total))
