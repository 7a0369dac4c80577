"""The shared libraries that Qt takes from a Linux system: which are missing, and what installs them."""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Failure, Log, say, step

# For each library the package names of apt and pacman. dnf and zypper need none: they find a library by its own name.
OFFSCREEN = {
    "libEGL.so.1": ("libegl1", "libglvnd"),
    "libGL.so.1": ("libgl1", "libglvnd"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype2"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libX11.so.6": ("libx11-6", "libx11"),
}
X11 = {
    "libX11-xcb.so.1": ("libx11-xcb1", "libx11"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-glx.so.0": ("libxcb-glx0", "libxcb"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
}
WAYLAND = {
    "libwayland-client.so.0": ("libwayland-client0", "wayland"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "wayland"),
}
LIBRARIES = OFFSCREEN | X11 | WAYLAND

FONTS = "a font"
FONT_PACKAGES = {
    "apt-get": "fonts-dejavu-core",
    "pacman": "ttf-dejavu",
    "dnf": "dejavu-sans-fonts",
    "zypper": "dejavu-fonts",
}
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")

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


def loads(soname: str) -> bool:
    """Whether the dynamic linker finds the library and everything that it needs."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def any_font(folders: Iterable[str] = FONT_FOLDERS) -> bool:
    """Without a single font Qt draws a window with no letters in it."""
    for folder in folders:
        for _, _, files in os.walk(Path(folder).expanduser()):
            if any(name.lower().endswith((".ttf", ".otf", ".ttc", ".pfb")) for name in files):
                return True
    return False


def qt_libraries_missing(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> list[str]:
    """As ``missing``, and nothing where Qt brings all that it needs: on Windows and macOS."""
    return missing(environ) if system == "linux" else []


def missing(environ: Mapping[str, str], probe: Callable[[str], bool] = loads) -> list[str]:
    """The libraries that Qt would not find: those of every start and those of the screens that are named."""
    needed = dict(OFFSCREEN)
    if environ.get("DISPLAY"):
        needed |= X11
    if environ.get("WAYLAND_DISPLAY"):
        needed |= WAYLAND
    found = [soname for soname in needed if not probe(soname)]
    return found if any_font() else [*found, FONTS]


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager: the command that installs, and the one that fetches its lists where they are empty."""

    name: str
    install: tuple[str, ...]
    refresh: tuple[str, ...] = ()

    def packages(self, wanted: Iterable[str]) -> list[str]:
        """Package names for library names; names that are no library of the tables are passed on as they are."""
        names = []
        for item in wanted:
            if item == FONTS:
                names.append(FONT_PACKAGES[self.name])
            elif item not in LIBRARIES:
                names.append(item)
            elif self.name in ("dnf", "zypper"):
                names.append(f"{item}()(64bit)")
            else:
                names.append(LIBRARIES[item][0 if self.name == "apt-get" else 1])
        return list(dict.fromkeys(names))

    def command(self, wanted: Iterable[str]) -> list[str]:
        return [*self.install, *self.packages(wanted)]


MANAGERS = (
    Manager("apt-get", ("apt-get", "install", "-y", "--no-install-recommends"), ("apt-get", "update")),
    Manager("dnf", ("dnf", "install", "-y")),
    Manager("zypper", ("zypper", "--non-interactive", "install")),
    Manager("pacman", ("pacman", "-S", "--noconfirm", "--needed"), ("pacman", "-Sy")),
)


def find_manager(which: Callable[[str], str | None] = shutil.which) -> Manager | None:
    return next((manager for manager in MANAGERS if which(manager.name)), None)


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


def line_to_run(manager: Manager | None, wanted: Sequence[str]) -> str:
    """The exact line with which a person installs what is missing."""
    if manager is None:
        return "(install with this system's package manager what has " + ", ".join(wanted) + ")"
    if sys.platform != "win32" and os.geteuid() == 0:
        return shlex.join(manager.command(wanted))
    return "sudo " + shlex.join(manager.command(wanted))


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
