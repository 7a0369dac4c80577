"""Which build of torch a machine is given: judged on what the tools of real machines print."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.torch_build import (
    Gpu,
    TorchBuild,
    TorchChoice,
    candidates,
    cuda_tag,
    has_own_sources,
    parse_nvidia_smi,
    read_proc,
    requirement,
)

ROOT = Path(__file__).resolve().parent.parent
ASKED = ("torch>=2.9,<=2.13.0", "2.13.0")
PYTORCH = "https://download.pytorch.org/whl"

H200 = Gpu("NVIDIA H200", 580, 9.0)
LAPTOP = Gpu("NVIDIA GeForce RTX 3060 Laptop GPU", 550, 8.6)
OLD_CARD = Gpu("NVIDIA GeForce GTX 1080", 581, 6.1)
ANCIENT = Gpu("GeForce GTX 680", 470, 3.0)
NEW_CARD_OLD_DRIVER = Gpu("NVIDIA GeForce RTX 5090", 570, 12.0)


def test_what_nvidia_smi_prints_is_understood() -> None:
    text = "NVIDIA H200, 580.95.05, 9.0\nTesla K80, 470.256.02, 3.7\n"
    assert parse_nvidia_smi(text) == [Gpu("NVIDIA H200", 580, 9.0), Gpu("Tesla K80", 470, 3.7)]
    assert parse_nvidia_smi("Quadro M1000M, 390.77, [Not Supported]\n") == [Gpu("Quadro M1000M", 390, None)]
    assert parse_nvidia_smi("No devices were found\n") == []
    assert parse_nvidia_smi("") == []


def test_the_kernel_driver_is_found_without_its_tools(tmp_path: Path) -> None:
    assert read_proc(tmp_path) == []
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (root@host)\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
    )
    assert read_proc(tmp_path) == []
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    assert read_proc(tmp_path) == [Gpu("0000:01:00.0", 580, None)]


@pytest.mark.parametrize(
    ("gpus", "tag"),
    [
        ([], None),
        ([H200], "cu130"),
        ([LAPTOP], "cu126"),
        ([OLD_CARD], "cu126"),
        ([ANCIENT], None),
        ([NEW_CARD_OLD_DRIVER], None),
        ([ANCIENT, Gpu("NVIDIA T4", 580, 7.5)], "cu130"),
        ([Gpu("unknown", 580, None)], "cu130"),
        ([Gpu("unknown", 535, None)], "cu126"),
    ],
)
def test_a_gpu_gets_the_cuda_build_that_has_kernels_for_it(gpus: list[Gpu], tag: str | None) -> None:
    assert cuda_tag(gpus)[0] == tag


CPU_FROM_PYTORCH = TorchBuild("CPU build", "torch==2.13.0+cpu", f"{PYTORCH}/cpu")
CPU_FROM_OWN = TorchBuild("CPU build", "torch==2.13.0+cpu")


@pytest.mark.parametrize(
    ("choice", "system", "gpus", "own_sources", "requirements"),
    [
        ("auto", "linux", [], False, [("torch==2.13.0+cpu", f"{PYTORCH}/cpu")]),
        ("auto", "linux", [], True, [("torch==2.13.0+cpu", None), ("torch==2.13.0+cpu", f"{PYTORCH}/cpu")]),
        ("auto", "linux", [H200], False, [("torch==2.13.0", None)]),
        ("auto", "linux", [LAPTOP], False, [("torch==2.13.0+cu126", f"{PYTORCH}/cu126")]),
        ("auto", "linux", [NEW_CARD_OLD_DRIVER], False, [("torch==2.13.0+cpu", f"{PYTORCH}/cpu")]),
        ("auto", "win32", [], False, [("torch==2.13.0", None)]),
        ("auto", "win32", [H200], False, [("torch==2.13.0+cu130", f"{PYTORCH}/cu130")]),
        ("auto", "darwin", [], False, [("torch>=2.9,<=2.13.0", None)]),
        ("cpu", "linux", [H200], False, [("torch==2.13.0+cpu", f"{PYTORCH}/cpu")]),
        ("cuda", "linux", [], False, [("torch==2.13.0", None)]),
        ("default", "linux", [], True, [("torch>=2.9,<=2.13.0", None)]),
    ],
)
def test_where_torch_is_fetched(
    choice: TorchChoice, system: str, gpus: list[Gpu], own_sources: bool, requirements: list[tuple[str, str | None]]
) -> None:
    why, builds = candidates(choice, system, gpus, own_sources, ASKED)
    assert [(build.requirement, build.index) for build in builds] == requirements
    assert why


def test_the_newest_version_is_read_from_pyproject(tmp_path: Path) -> None:
    line, version = requirement(ROOT) or ("", "")
    assert line.startswith("torch")
    assert line.endswith(version)
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\ndependencies = ["torchmetrics>=1", "torch-optimizer==1.0"]\n')
    assert requirement(tmp_path) is None
    project.write_text('[project]\nname = "x"\ndependencies = ["torch>=2"]\n')
    with pytest.raises(ValueError, match="no newest version"):
        requirement(tmp_path)


@pytest.mark.parametrize(
    ("setting", "own"),
    [
        ({}, False),
        ({"PIP_CERT": "/etc/ssl/certs/ca.crt", "PIP_DEFAULT_TIMEOUT": "60"}, False),
        ({"PIP_INDEX_URL": "https://pypi.example/simple"}, True),
        ({"PIP_EXTRA_INDEX_URL": "https://pypi.example/simple"}, True),
        ({"PIP_FIND_LINKS": "/srv/wheels"}, True),
        ({"PIP_NO_INDEX": "1"}, True),
    ],
)
def test_pips_own_sources_are_respected(setting: dict[str, str], own: bool) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | setting
    command = [sys.executable, "-m", "pip", "config", "list"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert has_own_sources(answer.stdout) is own
