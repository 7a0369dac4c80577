"""From a prepared photograph to vessel probabilities: whole where that fits, else tile by tile.

The plane is padded by reflection at the bottom and right to a multiple of the network's stride. Where the whole plane
would take more memory than the budget, it is cut into overlapping tiles that all get the squeeze-and-excitation gates
of the whole plane (``core.inference.se_gates``), and the tiles' probabilities are blended on the CPU in float32. Out of
memory is not an end: smaller tiles are tried, then the CPU, and the user is warned.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt
from typing import NamedTuple

import numpy as np
import torch

from core.errors import DeviceError, EngineError, WeightsError
from core.inference.device import Device, choose_device, fastest_precision, free_bytes, threads
from core.inference.engine_choice import checked_engine
from core.inference.engines import runner_for
from core.inference.memory import return_freed
from core.inference.options import SMALLEST_TILE_PX, Engine, InferenceOptions, Precision, TestTimeAugmentation
from core.inference.runner import Runner
from core.inference.tiling import Blender, TilePlan, plan_tiles
from core.models.weights_file import LoadedModel
from core.photo.preprocessing import NetInput
from core.progress import SILENT, Monitor, Progress
from core.types import FloatArray

_AUTOMATIC = InferenceOptions()
_CPU_BYTES = 1 << 30  # what a run on the CPU may take at most, and of the memory that is free now
_SHARE_OF_FREE = {"cpu": 0.25, "cuda": 0.6, "mps": 0.4}
_FLIPS: dict[TestTimeAugmentation, tuple[tuple[int, ...], ...]] = {"none": ((),), "flips": ((), (2,), (1,), (1, 2))}


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Probabilities on the network's grid and how they came about.

    Parameters
    ----------
    values : float32 (h, w) in [0, 1], exactly 0 outside the field of view.
    device_label : the device that really computed. ``precision`` : the number format that it used.
    tiles : 1 where the photograph was run whole. ``tile_shape`` : their height and width in pixels.
    passes : how often the tiles of one view were run, at most, to settle the gates; ``gate_change`` : by how much a
        gate would still have moved.
    options : with every choice made, so that a second run with them does the same.
    notes : sentences for the user about fall-backs.
    """

    values: FloatArray
    device_label: str
    tiles: int
    precision: Precision
    notes: tuple[str, ...]
    tile_shape: tuple[int, int]
    passes: int
    gate_change: float
    options: InferenceOptions


def predict(
    model: LoadedModel,
    net_input: NetInput,
    options: InferenceOptions = _AUTOMATIC,
    *,
    monitor: Monitor = SILENT,
) -> Prediction:
    """Run a network over a prepared photograph.

    Raises
    ------
    DeviceError : the device is not there, or nothing has enough memory even for small tiles.
    EngineError : the engine is not installed, or cannot run this network, or not on this device or in tiles.
    WeightsError : the network is for other input than this, or gives values that are not numbers.
    Cancelled : by the monitor, which is asked between all layers.
    """
    planes = net_input.planes
    wanted, given = model.module.in_channels, model.module.out_channels
    if wanted != planes.shape[0]:
        raise WeightsError(f"{model.card.name} reads {wanted} planes, but the photograph has {planes.shape[0]} planes.")
    if given != 1:
        raise WeightsError(f"{model.card.name} gives {given} planes, but one map of vessels is asked for.")
    engine = checked_engine(options.engine, options.device)
    device = choose_device(options.device if engine == "torch" else "cpu")
    notes: list[str] = []

    def tell(sentence: str) -> None:
        notes.append(sentence)
        monitor.note(sentence)

    if device.note:
        tell(device.note)
    precision = _fastest(engine, device) if options.precision == "auto" else options.precision
    longest = max(planes.shape[1:])
    with threads(options.threads) as count:
        attempt: _Attempt | None = _Attempt(device, precision, options.tile_px)
        while attempt is not None:
            side, ran_out = attempt.side or longest, False
            try:
                report = _Reporter(monitor)
                with runner_for(
                    *(model, attempt.device, attempt.precision),
                    engine=engine,
                    on_layer=report.advance,
                    on_strip=report.poll,
                ) as runner:
                    side = attempt.side or _side_by_memory(net_input.inside.shape, runner)
                    _refuse_more_than_free(side, net_input.inside.shape, runner)
                    settled = replace(
                        options, device=attempt.device.torch_name, precision=attempt.precision, threads=count
                    )
                    result = _run(runner, net_input, replace(settled, tile_px=max(side, SMALLEST_TILE_PX)), report)
                if result.tiles > 1 and model.module.reach_px:
                    tell(
                        f"{model.card.name} looks at more than a piece of the photograph at once: done in "
                        f"{result.tiles} pieces, its result differs from that of the whole photograph."
                    )
                return replace(result, notes=tuple(notes))
            except _NotFinite:
                if attempt.precision == "fp32":
                    raise WeightsError(
                        f"{model.card.name} gives values that are not numbers for this photograph. "
                        "Choose another model."
                    ) from None
                tell(f"{attempt.precision} is not exact enough for {model.card.name}: it is run again in fp32.")
                attempt = attempt._replace(precision="fp32")
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = True  # continue outside of this block: until then the exception keeps the run's tensors alive
            if ran_out:
                free_memory(attempt.device)
                attempt = fall_back(attempt.device, attempt.precision, min(side, longest) // 2, options, tell)
    raise DeviceError(
        f"There is not enough memory ({device.label}) for this photograph, even in small pieces. "
        "Close other programs and try again."
    )


def _fastest(engine: Engine, device: Device) -> Precision:
    """OpenVINO's bf16 gives neither the mask of torch's bf16 nor that of fp32; its fp32 gives that of torch's."""
    return "fp32" if engine == "openvino" else fastest_precision(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any of the devices."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    signs = (
        *("out of memory", "not enough memory", "can't allocate memory", "Cannot allocate memory", "ALLOC_FAILED"),
        "could not create a primitive",  # what oneDNN says when there is no memory for its own work
    )
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


class _NotFinite(Exception):  # noqa: N818 - never leaves this module
    pass


class _Attempt(NamedTuple):
    device: Device
    precision: Precision
    side: int | None  # largest side of a tile, None to choose by memory


def fall_back(
    device: Device, precision: Precision, side: int, options: InferenceOptions, tell: Callable[[str], None]
) -> _Attempt | None:
    """What to try after memory ran out: tiles of this side; where that is too small, the CPU; then None."""
    if side >= SMALLEST_TILE_PX:
        tell(f"{device.label}: memory ran out. The photograph is done in pieces of at most {side} pixels instead.")
        return _Attempt(device, precision, side)
    if device.kind == "cpu":
        return None
    cpu = choose_device("cpu")
    tell(f"{device.label}: too little memory is free. The photograph is done on the {cpu.label} instead.")
    return _Attempt(cpu, fastest_precision(cpu) if options.precision == "auto" else "fp32", options.tile_px)


def free_memory(device: Device) -> None:
    """Give back what a failed attempt has left behind, on the device and here.

    Where Python's own search for garbage is switched off, none is made here: the program may hold things that end only
    in another thread, as a desktop program does.
    """
    if gc.isenabled():
        gc.collect()
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()
    return_freed()


class _Reporter:
    """Turns the layers' calls into progress of the stage that runs."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.begin("Finding vessels", 0)

    def begin(self, stage: str, total: int) -> None:
        self._stage, self._done, self._total = stage, 0, total

    def advance(self) -> None:
        """A layer is done."""
        self._done = min(self._done + 1, self._total)
        self.poll()

    def poll(self) -> None:
        """Nothing is done yet, but the monitor may want to end the work."""
        self._monitor.step(Progress(self._stage, self._done, self._total))


def _run(runner: Runner, net_input: NetInput, options: InferenceOptions, report: _Reporter) -> Prediction:
    """One attempt, with every choice made."""
    assert options.tile_px is not None
    height, width = net_input.inside.shape
    below, right = -height % runner.stride, -width % runner.stride
    side = max(options.tile_px - options.tile_px % runner.stride, runner.stride)
    overlap = min(max(options.overlap_px, runner.reach_px), side // 2 - side // 2 % runner.stride)
    plan = plan_tiles((height + below, width + right), side, overlap, runner.stride)
    if len(plan) > 1 and not runner.shares_gates:
        raise EngineError(
            f"The engine {options.engine} cannot do this photograph in pieces, for which it is too large here "
            f"({width} x {height} pixels): the network needs the whole of it. Use the engine torch."
        )

    flips = _FLIPS[options.tta]
    report.begin("Finding vessels", len(flips) * runner.layers)
    total: FloatArray = np.zeros((height, width), np.float32)
    means: list[torch.Tensor] | None = None
    passes, change = 1, 0.0
    for number, axes in enumerate(flips, start=1):
        view = np.pad(np.flip(net_input.planes, axes), ((0, 0), (0, below), (0, right)), mode="reflect")
        if len(plan) == 1:
            values = runner.run(view)[0]
        else:
            name = f"view {number} of {len(flips)}" if len(flips) > 1 else ""
            values, means, done, moved = _run_tiles(
                runner, view, plan, means=means, tolerance=options.gate_tolerance, report=report, name=name
            )
            passes, change = max(passes, done), max(change, moved)
        total += np.flip(values[:height, :width], tuple(axis - 1 for axis in axes))
    total /= np.float32(len(flips))
    if not np.isfinite(total).all():
        raise _NotFinite
    total[~net_input.inside] = 0.0
    total.setflags(write=False)
    return Prediction(total, runner.label, len(plan), runner.precision, (), plan.tile, passes, change, options)


def _run_tiles(
    runner: Runner,
    view: FloatArray,
    plan: TilePlan,
    *,
    means: list[torch.Tensor] | None,
    tolerance: float,
    report: _Reporter,
    name: str,
) -> tuple[FloatArray, list[torch.Tensor], int, float]:
    """Run the tiles until the gates of the whole plane are settled.

    Starts with the gates that follow from ``means``, or with each tile's own. Gives the blended probabilities, the
    means of the last pass, the number of passes, and by how much a gate moved last.
    """
    gates = runner.gates
    last = len(gates) + 1
    for number in range(1, last + 1):
        stage = "Measuring the whole photograph" if len(gates) and means is None else "Finding vessels"
        report.begin(_stage(stage, name, f"pass {number}" if number > 2 else ""), len(plan) * runner.layers)
        blender = Blender(plan)
        gates.begin(means)
        for tile in plan:
            gates.at(tile)
            blender.add(tile, runner.run(view[(slice(None), *tile.window)])[0])
        measured = gates.end()
        change = gates.change(means, measured) if len(gates) else 0.0
        if change <= tolerance or number == last:
            return blender.result, measured, number, change
        means = measured
    raise AssertionError("the last pass returns")


def _stage(stage: str, *details: str) -> str:
    said = ", ".join(detail for detail in details if detail)
    return f"{stage} ({said})" if said else stage


def _refuse_more_than_free(side: int, shape: tuple[int, int], runner: Runner) -> None:
    """Raise MemoryError where a tile needs more than is free: some systems would rather end the process than say so."""
    free = free_bytes(runner.device)
    if free is not None and min(side, shape[0]) * min(side, shape[1]) * runner.bytes_per_pixel > free:
        raise MemoryError


def _side_by_memory(shape: tuple[int, int], runner: Runner) -> int:
    """The largest side of a tile that the free memory allows; the longer side of the plane where all of it fits."""
    free = free_bytes(runner.device)
    budget = _CPU_BYTES if free is None else int(free * _SHARE_OF_FREE[runner.device.kind])
    if runner.device.kind == "cpu":
        budget = min(budget, _CPU_BYTES)
    pixels = budget // runner.bytes_per_pixel
    padded = (shape[0] + runner.stride) * (shape[1] + runner.stride)
    return max(shape) + runner.stride if padded <= pixels else max(isqrt(pixels), 2 * SMALLEST_TILE_PX)
