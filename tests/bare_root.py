"""A root with almost nothing in it, to run the built program in: no Python, no network, no home, nothing to write to.

It is laid out from Debian's packages without their scripts, so that it holds what they hold and nothing else.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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

ENTER = """
set -e
mount --bind "$PROGRAM" "$ROOT$PLACE"
mount -o remount,bind,ro "$ROOT$PLACE"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
[ -z "$DISPLAY" ] || mount --bind /tmp/.X11-unix "$ROOT/tmp/.X11-unix"
exec chroot --userspec=65534:65534 "$ROOT" "$@"
"""


@dataclass(frozen=True)
class BareRoot:
    """``program`` is where the built program stands inside the root."""

    root: Path
    source: Path
    program: Path

    def seen(self, path: Path) -> Path:
        """A file under ``root``, as the program sees it."""
        return "/" / path.relative_to(self.root)

    def command(self, *words: str | Path) -> list[str]:
        # New namespaces: mounts that vanish with the process, no network interface but a dead lo, processes of its own.
        return [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
            "sh",
            *map(str, words),
        ]

    def environment(self, display: str = "") -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "ROOT": str(self.root),
            "PROGRAM": str(self.source),
            "PLACE": str(self.program),
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
        return subprocess.Popen(self.command(*words), env=self.environment(display), cwd="/")


def obstacle() -> str | None:
    """Why this computer cannot make and enter a root of its own, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can make and enter a root of its own"
    absent = [tool for tool in ("apt-get", "dpkg-deb", "unshare", "chroot") if shutil.which(tool) is None]
    if absent:
        return f"the root is laid out from Debian's packages; there is no {', '.join(absent)}"
    # A container may not be allowed to.
    trial = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    return f"this container may not make a root of its own: {done.stderr.strip()}" if done.returncode else None


def make_bare_root(folder: Path, program: Path) -> BareRoot:
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
    return BareRoot(root, program, place)
