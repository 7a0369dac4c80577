"""A root with almost nothing in it, to run the built program in: no Python, no network, no home, nothing to write to.

It is laid out from Debian's packages without their scripts, so that it holds what they hold and nothing else.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.clean_root import command_in

PACKAGES = (
    "libc6",
    "libgcc-s1",
    "zlib1g",
    "libegl1",
    "libgl1",
    "libglvnd0",
    "libglx0",
    "libopengl0",
    "libx11-6",
    "libxcb1",
    "libxau6",
    "libxdmcp6",
    "libbsd0",
    "libmd0",
    "xkb-data",
    "fonts-dejavu-core",
    "dash",
    "coreutils",
    "libselinux1",
    "libpcre2-8-0",
    "libacl1",
    "libattr1",
    "libgmp10",
)
"""The C library, what the .deb asks for, a font, keyboard tables; and a shell with cat, for questions of the tests."""
PATIENCE_S = 300
TOOLS = ("apt-get", "dpkg-deb")
"""What lays it out."""
X_SOCKETS = Path("/tmp/.X11-unix")


@dataclass(frozen=True)
class CleanRoot:
    """``program`` is where the built program stands inside the root."""

    root: Path
    source: Path
    program: Path

    def seen(self, path: Path) -> Path:
        """A file under ``root``, as the program sees it."""
        return "/" / path.relative_to(self.root)

    def command(self, *words: str | Path, display: str = "") -> list[str]:
        shown = [(self.source, self.program)]
        if display:
            shown.append((X_SOCKETS, X_SOCKETS))
        return command_in(self.root, *words, shown=shown)

    def environment(self, display: str = "") -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "OMP_NUM_THREADS": "2",
            "DISPLAY": display,
            **({} if display else {"QT_QPA_PLATFORM": "offscreen"}),
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def shell(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("/bin/sh", "-c", script, "sh", *words)

    def start(self, *words: str | Path, display: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*words, display=display), env=self.environment(display), cwd="/")


def make_clean_root(folder: Path, program: Path) -> CleanRoot:
    """Lay out the root in an empty folder. ``program`` is the folder of the built program."""
    root, packages = folder / "root", folder / "packages"
    packages.mkdir(mode=0o777)
    packages.chmod(0o777)  # apt fetches as a user of its own
    folder.chmod(0o755)
    fetched = subprocess.run(
        ["apt-get", "download", "-q", *PACKAGES], cwd=packages, capture_output=True, text=True, check=False
    )
    if fetched.returncode != 0:  # a fresh system has no package lists yet
        subprocess.run(["apt-get", "update", "-q"], check=True, capture_output=True)
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=packages, check=True, capture_output=True)
    root.mkdir(mode=0o755)
    for name in ("bin", "lib", "lib64", "sbin"):  # as Debian lays out a merged /usr
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages.glob("*.deb"):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as contents:
            subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=contents.stdout, check=True)
        assert contents.returncode == 0
    place = Path("/opt") / program.parent.name / program.name
    for name in ("proc", "dev", "tmp/.X11-unix", str(place).lstrip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    return CleanRoot(root, program, place)
