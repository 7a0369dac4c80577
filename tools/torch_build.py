"""Which of the many builds of torch this machine should get.

On Linux the package index's plain torch is the CUDA build, with some gigabytes of CUDA libraries; the CPU build lives
on PyTorch's own index. On Windows it is the other way round. On macOS there is one build for all.
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TorchChoice = Literal["auto", "cpu", "cuda", "default"]

PYTORCH = "https://download.pytorch.org/whl"
CUDA_13_DRIVER = 580
CUDA_12_DRIVER = 525
CUDA_13_CAPABILITY = 7.5  # Turing; the CUDA 12.6 build has the kernels from Maxwell (5.0) to Hopper (9.0)
CUDA_12_CAPABILITIES = (5.0, 9.9)


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA GPU: its name, the major version of its driver, and its compute capability (None where not told)."""

    name: str
    driver: int
    capability: float | None


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """One way to get torch: what to ask pip for, and an index to ask besides pip's own (None: pip's own alone)."""

    label: str
    requirement: str
    index: str | None = None


def parse_nvidia_smi(text: str) -> list[Gpu]:
    """GPUs from ``nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader``."""
    gpus = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) < 2 or not (driver := re.match(r"(\d+)\.", parts[1])):
            continue
        capability = re.fullmatch(r"\d+\.\d+", parts[2]) if len(parts) > 2 else None
        gpus.append(Gpu(parts[0], int(driver[1]), float(capability[0]) if capability else None))
    return gpus


def read_proc(folder: Path) -> list[Gpu]:
    """GPUs from ``/proc/driver/nvidia``, which the kernel driver makes even where its tools are not installed."""
    try:
        version = (folder / "version").read_text(errors="replace")
        cards = sorted((folder / "gpus").iterdir())
    except OSError:
        return []
    driver = re.search(r"Kernel Module.*?\s(\d{3,})\.\d+", version)
    return [Gpu(card.name, int(driver[1]), None) for card in cards] if driver else []


def find_gpus() -> list[Gpu]:
    """NVIDIA GPUs whose driver answers; an ``nvidia-smi`` that fails (a container without a card) counts as none."""
    tool = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path="/usr/lib/wsl/lib")
    if tool:
        query = [tool, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
        try:
            answer = subprocess.run(query, capture_output=True, text=True, errors="replace", timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return read_proc(Path("/proc/driver/nvidia"))
        if answer.returncode == 0 and (gpus := parse_nvidia_smi(answer.stdout)):
            return gpus
    return read_proc(Path("/proc/driver/nvidia"))


def cuda_tag(gpus: Iterable[Gpu]) -> tuple[str | None, str]:
    """The CUDA build that the best of these GPUs can use ("cu130", "cu126" or None), and why in a few words."""
    best = max(gpus, key=lambda gpu: gpu.capability or CUDA_13_CAPABILITY, default=None)
    if best is None:
        return None, "no NVIDIA GPU found"
    capability = best.capability if best.capability is not None else CUDA_13_CAPABILITY
    if best.driver >= CUDA_13_DRIVER and capability >= CUDA_13_CAPABILITY:
        return "cu130", f"for the {best.name}"
    if best.driver >= CUDA_12_DRIVER and CUDA_12_CAPABILITIES[0] <= capability <= CUDA_12_CAPABILITIES[1]:
        return "cu126", f"for the {best.name}"
    if capability < CUDA_12_CAPABILITIES[0]:
        return None, f"the {best.name} is too old for torch"
    return None, f"the driver {best.driver} of the {best.name} is too old, {CUDA_13_DRIVER} or newer would do"


def requirement(root: Path) -> tuple[str, str] | None:
    """The line of pyproject.toml that asks for torch, and the newest version that it allows; None without one."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    line = next((line for line in project.get("dependencies", []) if re.match(r"torch\b(?!-)", line)), None)
    if line is None:
        return None
    newest = re.search(r"[<=]=\s*([\d.]+)", line)
    if newest is None:
        raise ValueError(f"pyproject.toml sets no newest version of torch: {line}")
    return line, newest[1]


def candidates(
    choice: TorchChoice, system: str, gpus: Iterable[Gpu], own_sources: bool, asked: tuple[str, str]
) -> tuple[str, list[TorchBuild]]:
    """Why, and the builds to try in this order, until pip finds one.

    Parameters
    ----------
    choice : "auto" looks for a GPU; "default" takes whatever pip's own index gives.
    system : ``sys.platform``.
    own_sources : pip is set up with an index or folder of its own (a mirror, a disk): that is asked first.
    asked : the requirement for torch and its newest version.
    """
    line, version = asked
    plain = TorchBuild("the package index's build", line)
    if choice == "default" or system == "darwin":
        return "the only build for macOS" if system == "darwin" else "as asked", [plain]
    tag, why = cuda_tag(gpus) if choice in ("auto", "cuda") else (None, "as asked")
    if choice == "cuda" and tag is None:
        tag, why = "cu130", f"as asked, although {why}"
    if tag is None:
        if system == "win32":
            return why, [TorchBuild("CPU build", f"torch=={version}")]
        pinned = f"torch=={version}+cpu"
        theirs = TorchBuild("CPU build", pinned, f"{PYTORCH}/cpu")
        return why, [TorchBuild("CPU build", pinned), theirs] if own_sources else [theirs]
    label = f"CUDA {tag[2:-1]}.{tag[-1]} build, some gigabytes"
    if system != "win32" and tag == "cu130":  # what the package index itself has
        return why, [TorchBuild(label, f"torch=={version}")]
    return why, [TorchBuild(label, f"torch=={version}+{tag}", f"{PYTORCH}/{tag}")]


def has_own_sources(pip_config: str) -> bool:
    """Whether ``pip config list`` names an index or folder: then pip's owner has decided where to fetch from."""
    return bool(re.search(r"\.(index-url|extra-index-url|find-links|no-index)\s*=", pip_config))
