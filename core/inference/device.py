"""Which devices there are, and which of them computes.

``OMP_WAIT_POLICY=PASSIVE`` should be in the environment before torch is imported (the programs' entry points see to
it): torch's threads then sleep between two steps instead of spinning, and a window on the same cores stays alive.
"""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from core.errors import DeviceError
from core.inference.options import Precision

_THREADS_EACH_CORE = 4


@dataclass(frozen=True, slots=True)
class Device:
    """A device by torch's name ("cpu", "cuda:0", "mps") and to a person ("NVIDIA RTX A2000", "CPU, 8 threads").

    ``note`` is a sentence for the user where ``auto`` could not take what seemed to be there.
    """

    torch_name: str
    label: str
    note: str = ""

    @property
    def kind(self) -> str:
        """ "cpu", "cuda" or "mps"."""
        return self.torch_name.partition(":")[0]


def list_devices() -> list[Device]:
    """The devices that can be used, in the order in which ``auto`` prefers them. The CPU is always there."""
    usable, _ = _survey()
    return usable


def choose_device(requested: str = "auto") -> Device:
    """The device for a name: "auto" (CUDA, then Apple's MPS, then the CPU), "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    DeviceError : the device that was asked for is not there or does not work.
    """
    usable, broken = _survey()
    requested = requested.strip().lower()
    if requested == "auto":
        first = usable[0]
        return Device(first.torch_name, first.label, " ".join(broken)) if broken and first.kind == "cpu" else first
    for device in usable:
        if requested in {device.torch_name, device.kind}:
            return device
    there = ", ".join(f"{device.torch_name} ({device.label})" for device in usable)
    why = "".join(f" {sentence}" for sentence in broken)
    if requested.partition(":")[0] == "cuda" and torch.version.cuda is None:
        why += " The installed torch was built without CUDA."
    raise DeviceError(
        f'There is no device "{requested}" to compute on.{why} Choose "auto" or an available one: {there}.'
    )


def free_bytes(device: Device) -> int | None:
    """Memory of the device that is free now, or None where the system does not say."""
    if device.kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device.torch_name)
        return int(free)
    if device.kind == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def fastest_precision(device: Device) -> Precision:
    """The number format in which the device is fastest without visible loss.

    On CUDA bf16 from compute capability 8, else fp16. On the CPU bf16 where the processor multiplies it faster than
    fp32: with AMX, and with AVX-512 BF16 but for Intel's, which do half as many a second as in fp32 (measured: 85
    and 160 GFLOP/s, docs/benchmarks/one-photograph.md). Elsewhere fp32: bf16 is emulated there and slower.
    """
    if device.kind == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device.torch_name) >= (8, 0) else "fp16"
    return "bf16" if device.kind == "cpu" and bf16_is_faster(_capabilities(), _is_intel()) else "fp32"


def bf16_is_faster(capabilities: Mapping[str, object], is_intel: bool) -> bool:
    """Whether a processor with these instructions multiplies bf16 faster than fp32."""
    return bool(capabilities.get("amx_bf16") or (capabilities.get("avx512_bf16") and not is_intel))


@contextmanager
def threads(count: int | None) -> Iterator[int]:
    """Compute on ``count`` threads of the CPU inside the block, or on as many as torch has; gives that number."""
    before = torch.get_num_threads()
    count = None if count is None else usable_threads(count)
    if count is None or count == before:
        yield before
        return
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)


def usable_threads(count: int) -> int:
    """As many threads as asked for, but not many more than there are cores.

    Recipes and side-cars ask, too, and some thousands of threads end the process.
    """
    return min(count, _THREADS_EACH_CORE * (os.cpu_count() or 1))


def _capabilities() -> Mapping[str, object]:
    """The instructions of an x86 processor that matter for number formats, by torch's names."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return {}
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        return dict(capabilities())
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # before torch had get_capabilities
    return {"avx512_bf16": bool(asked and asked())}


@cache
def _is_intel() -> bool:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            return any("GenuineIntel" in line for line in lines if line.startswith("vendor_id"))
    except OSError:  # no Linux
        return "intel" in f"{platform.processor()} {_capabilities().get('cpu_name', '')}".lower()


def _survey() -> tuple[list[Device], list[str]]:
    """Devices that compute, and a sentence for each that exists but does not."""
    usable, broken = [], []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = Device(f"cuda:{index}", torch.cuda.get_device_name(index))
            trouble = _trouble(device)
            if trouble:
                broken.append(f"The {device.label} cannot be used ({trouble}).")
            else:
                usable.append(device)
    if torch.backends.mps.is_available():
        usable.append(Device("mps", f"{platform.processor() or 'Apple'} GPU (Metal)"))
    count = torch.get_num_threads()
    usable.append(Device("cpu", f"CPU, {count} thread{'' if count == 1 else 's'}"))
    return usable, broken


def _trouble(device: Device) -> str:
    """Why the smallest sum fails on a device: a card too old for this torch, a driver too old, no memory at all."""
    try:
        one = torch.ones(1, device=device.torch_name)
        return "" if float(one + one) == 2.0 else "it computes wrongly"
    except RuntimeError as error:
        return str(error).partition(os.linesep)[0]
