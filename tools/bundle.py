"""The built program: made by PyInstaller from build.spec, packed, and kept until something that enters it changes."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from serr_gui.system.libraries import LIBRARIES, Manager, find_manager, line_to_run, loads
from tools.console import Failure, Log, say, step
from tools.environment import Environment
from tools.installer import debian_package
from tools.libraries import install, qt_libraries_missing

NAME = "serr-fundus"
ENTERS = ("core", "serr_gui", "resources", "docs", "packaging", "build.spec", "pyproject.toml", "LICENSE")
"""Files and folders of the checkout that make a built program what it is; besides them the installed packages do."""
MADE_FROM_THE_PROGRAM = ("docs/guide/command-line.md", "docs/guide/recipe.md")
"""Pages that the build of the guide writes; they are no part of what it is built from."""
STAMP = "built-from.txt"
_TOOLS = {"strip": False, "Xvfb": True, "xdotool": True}
"""Programs for the build, and whether it is its tests alone that need them."""
_XVFB = {"dnf": "xorg-x11-server-Xvfb", "zypper": "xorg-x11-server-Xvfb", "pacman": "xorg-server-xvfb"}
"""The package of Xvfb where it is not called as by apt."""


def place_for_builds(root: Path) -> Path:
    """``dist/`` in the checkout, or what SERR_BUILD_CACHE names: a folder that is kept between checkouts."""
    return Path(os.environ.get("SERR_BUILD_CACHE") or root / "dist")


def version_of(root: Path) -> str:
    """The version in pyproject.toml."""
    found = re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Failure("pyproject.toml has no version.")
    return found[1]


def fingerprint(environment: Environment, log: Log) -> str:
    """A hash over everything that enters a built program."""
    code, packages = log.run([environment.python, "-m", "pip", "freeze", "--all"])
    if code != 0:
        raise Failure("pip cannot list what is installed.")
    kept = "\n".join(others(packages))
    total = hashlib.sha256(f"{sys.version}\n{platform.platform()}\n{kept}\n".encode())
    for path in _inputs(environment.root):
        total.update(f"{path.relative_to(environment.root).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def others(packages: str) -> list[str]:
    """The lines of ``pip freeze`` without our own, which names the commit where the checkout is one of git."""
    lines = packages.splitlines()
    return [line for line in lines if not line.startswith("-e ") and NAME not in line.lower().replace("_", "-")]


def _inputs(root: Path) -> Iterator[Path]:
    for name in ENTERS:
        place = root / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            generated = path.suffix == ".pyc" or path.relative_to(root).as_posix() in MADE_FROM_THE_PROGRAM
            if path.is_file() and not generated:
                yield path


def build(environment: Environment, dist: Path, log: Log) -> Path:
    """The folder of the built program under ``dist``: that of the last time if nothing has changed, else a new one."""
    wanted = fingerprint(environment, log)
    folder, stamp = dist / NAME, dist / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and folder.is_dir():
        say(f"  The program in {folder} is built from what is here already.")
        return folder
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    work = environment.root / ".cache" / "package"
    with step("building the program (some minutes)"):
        command: list[str | Path] = [environment.python, "-m", "PyInstaller", "--noconfirm", "--distpath", dist]
        command += ["--workpath", work, environment.root / "build.spec"]
        code, output = log.run(command, cwd=environment.root, env=os.environ | {"PYTHONHASHSEED": "1"})
        if code != 0:
            last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
            raise Failure(f"The program cannot be built: {last}")
    shutil.copyfile(environment.root / "LICENSE", folder / "LICENSE")
    if sys.platform == "linux":
        code, output = log.run([environment.python, environment.root / "packaging" / "linked.py", folder])
        if code != 0:
            raise Failure(f"The built program would not start everywhere:\n{output.strip()}")
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def refuse_large_torch(environment: Environment) -> None:
    """A CUDA build of torch would make a program of some gigabytes, which nobody should get by accident."""
    asks = "import torch; print(torch.version.cuda or '')"
    cuda = subprocess.run([environment.python, "-c", asks], capture_output=True, text=True, check=False).stdout.strip()
    if cuda:
        raise Failure(
            f".venv has torch for CUDA {cuda}, which makes a program of several gigabytes. Start this with --torch cpu "
            "(it changes .venv), or with --torch cuda where that is what you want."
        )


def pack(folder: Path, version: str) -> Path:
    """The compressed download: a zip file on Windows, else a tar file that keeps the rights to execute."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    stem = folder.parent / f"{NAME}-{version}-{system}-{machine}"
    if system == "windows":
        path = stem.with_name(stem.name + ".zip")
        with step(path.name), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(folder.rglob("*")):
                packed.write(file, f"{NAME}-{version}/{file.relative_to(folder).as_posix()}")
        return path
    path = stem.with_name(stem.name + ".tar.xz")
    what = folder.parent / "SERR Fundus.app" if system == "macos" else folder
    with step(path.name):
        if shutil.which("xz") and system == "linux":  # two cores are twice as fast as one
            command = ["tar", "-C", str(folder.parent), "--owner=0", "--group=0", "-cf", str(path), "-I", "xz -T0 -4"]
            renamed = f"--transform=s,^{NAME},{NAME}-{version},"
            subprocess.run([*command, renamed, what.name], check=True)
        else:
            with tarfile.open(path, "w:xz", preset=4) as packed_tar:
                packed_tar.add(what, f"{NAME}-{version}" if system == "linux" else what.name)
    return path


def package(environment: Environment, dist: Path, *, packed: bool, large: bool) -> list[Path]:
    """Build the program and, unless only the folder is wanted, pack it; gives what was made."""
    if not large:
        refuse_large_torch(environment)
    with Log(environment.root / ".cache" / "package.log") as log:
        try:
            folder = build(environment, dist, log)
        except Failure as failure:
            raise Failure(f"{failure}\n(The full record is in {log.path})") from failure
        made = [folder]
        if packed:
            version = version_of(environment.root)
            made.append(pack(folder, version))
            if sys.platform == "linux" and shutil.which("dpkg-deb"):
                made.append(debian_package(environment.root, folder, version))
    return made


def install_for(purpose: Literal["build", "test"], root: Path) -> None:
    """Install what the system lacks to build the program, or to build and test it, in one go.

    Raises
    ------
    Failure : it may not be installed without asking; with the line to run.
    """
    if sys.platform != "linux":
        return
    manager = find_manager()
    programs = [name for name, only_for_tests in _TOOLS.items() if purpose == "test" or not only_for_tests]
    absent = [name for name in programs if shutil.which(name) is None]
    absent += qt_libraries_missing(LIBRARIES)  # whatever the screen here: the program is for all of them
    libpython = str(sysconfig.get_config_var("INSTSONAME"))
    if ".so" in libpython and not loads(libpython):  # Debian and Ubuntu link it into their python3
        absent.append(libpython)
    if not absent:
        return
    packages = [_package_of(name, manager) for name in absent]
    with Log(root / ".cache" / "package-tools.log") as log:
        if not install(packages, log):
            line = line_to_run(manager, packages)
            tests = " and test" if purpose == "test" else ""
            raise Failure(
                f"To build{tests} the program this system lacks {', '.join(absent)}. Run\n\n    {line}\n\n"
                "and start this again."
            )


def _package_of(name: str, manager: Manager | None) -> str:
    """The package of a program; what ``Manager`` knows a package for stays as it is."""
    if name == "Xvfb":
        return _XVFB.get(manager.name, "xvfb") if manager else name
    if name.startswith("libpython"):
        return name.partition(".so")[0]
    return "binutils" if name == "strip" else name


def megabytes(path: Path) -> float:
    """The size of a file, or of all files in a folder, in millions of bytes."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink()) / 1e6
