"""System packages for the set-up: which Linux it cannot serve, and installing what is missing without asking."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from serr_gui.system.libraries import find_manager, missing, needed_for
from tools.console import Failure, Log, say, step

OLDEST_GLIBC = {"x86_64": (2, 34), "aarch64": (2, 39)}
"""What the ready-made builds of PySide6 were linked against."""


def refuse_unfit_system() -> None:
    """Raises Failure on a Linux for which PySide6 and torch have no ready-made build, before anything is fetched."""
    if sys.platform != "linux":
        return
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        glibc = ""
    message = unfit_glibc(glibc, platform.machine())
    if message:
        raise Failure(message)


def unfit_glibc(glibc: str, machine: str) -> str | None:
    """Why Qt cannot run here, judged by the C library's version as ``confstr`` gives it ("glibc 2.36"), or None."""
    if machine not in OLDEST_GLIBC:
        return f"Qt and torch have no ready-made builds for Linux on {machine}; SERR runs on x86_64 and aarch64."
    if not glibc.startswith("glibc "):
        return (
            "This Linux does not use the GNU C library (Alpine, for example), and Qt and torch have no ready-made "
            "builds for it. Use Debian, Ubuntu, Fedora, openSUSE or Arch, or a container of one of them."
        )
    version = tuple(int(part) for part in glibc.removeprefix("glibc ").split(".")[:2])
    oldest = OLDEST_GLIBC[machine]
    if version >= oldest:
        return None
    newer = "Debian 12, Ubuntu 22.04, Fedora 35" if machine == "x86_64" else "Debian 13, Ubuntu 24.04, Fedora 40"
    return (
        f"Qt needs the GNU C library {oldest[0]}.{oldest[1]} or newer on {machine}; this system has "
        f"{version[0]}.{version[1]}. Use a newer one ({newer}, or later)."
    )


def qt_libraries_missing(needed: Mapping[str, tuple[str, str]] | None = None) -> list[str]:
    """Of these libraries, by default those of the screens that are named here; none on Windows and macOS."""
    return missing(needed_for(os.environ) if needed is None else needed) if sys.platform == "linux" else []


def privilege() -> list[str] | None:
    """What to put before a command to run it as root: nothing, ``sudo -n``, or None where that needs asking."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def install(wanted: Sequence[str], log: Log) -> bool:
    """Installs with the system's package manager where that needs no asking; False where it may not or fails."""
    manager = find_manager()
    prefix = privilege()
    if manager is None or prefix is None:
        return False
    command = manager.command(wanted)
    say(f"  {shlex.join([Path(part).name for part in prefix] + command)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        with step("system packages"):
            code, _ = log.run([*prefix, *command], env=env)
            if code != 0 and manager.refresh:  # a fresh system has no package lists yet
                log.run([*prefix, *manager.refresh], env=env)
                code, _ = log.run([*prefix, *command], env=env)
            if code != 0:
                raise Failure(f"{manager.name} ended with exit code {code}")
    except Failure:
        return False
    return True
