"""The shared libraries that Qt takes from a Linux system: which are missing, and what installs them.

Needs nothing but the standard library: the set-up asks this before anything is installed.
"""

import ctypes
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    "libwayland-egl.so.1": ("libwayland-egl1", "wayland"),
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


def needed_for(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The libraries of every start, and those of the screens that the environment names."""
    chosen = environ.get("QT_QPA_PLATFORM", "")
    needed = dict(OFFSCREEN)
    if "xcb" in chosen or (not chosen and environ.get("DISPLAY")):
        needed |= X11
    if "wayland" in chosen or (not chosen and environ.get("WAYLAND_DISPLAY")):
        needed |= WAYLAND
    return needed


def missing(needed: Iterable[str], probe: Callable[[str], bool] = loads) -> list[str]:
    """Those of the libraries that the dynamic linker does not find, and ``FONTS`` where there is no font."""
    found = [soname for soname in needed if not probe(soname)]
    return found if any_font() else [*found, FONTS]


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager: the command that installs, and the one that fetches its lists where they are empty."""

    name: str
    install: tuple[str, ...]
    refresh: tuple[str, ...] = ()

    def packages(self, wanted: Iterable[str]) -> list[str]:
        """Package names for library names; names that no library has in the tables are passed on as they are."""
        return list(dict.fromkeys(self._package(name) for name in wanted))

    def _package(self, name: str) -> str:
        if name == FONTS:
            return FONT_PACKAGES[self.name]
        if name not in LIBRARIES:
            return name
        if self.name in ("dnf", "zypper"):
            return f"{name}()(64bit)"
        return LIBRARIES[name][0 if self.name == "apt-get" else 1]

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


def line_to_run(manager: Manager | None, wanted: Sequence[str]) -> str:
    """The exact line with which a person installs what is missing."""
    if manager is None:
        return "(install with this system's package manager what has " + ", ".join(wanted) + ")"
    if sys.platform != "win32" and os.geteuid() == 0:
        return shlex.join(manager.command(wanted))
    return "sudo " + shlex.join(manager.command(wanted))
