"""Running a command in a root of its own (Linux, as root): namespaces whose mounts vanish with it, and chroot."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

NOBODY = 65534

ENTER = """
set -e
root=$1 user=$2
shift 2
mount --bind "$root" "$root"  # its / is then a mount, so that a root of its own can be made in there, too
while [ "$1" != -- ]; do
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
    shift 2
done
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" "$root" "$@"
"""


def command_in(
    root: Path,
    *words: str | Path,
    shown: Iterable[tuple[Path, Path]] = (),
    user: int = NOBODY,
    network: bool = False,
) -> list[str]:
    """The command line that runs ``words`` in ``root``.

    Parameters
    ----------
    shown : files and folders of this system with the place in the root, which must exist, where they can be read.
    user : number of the user and of the group.
    network : without it there is no interface but a dead ``lo``.
    """
    spaces = ["--mount", "--pid", *([] if network else ["--net"])]
    mounts = [str(path) for pair in shown for path in pair]
    inner = [str(root), f"{user}:{user}", *mounts, "--", *map(str, words)]
    return ["unshare", *spaces, "--fork", "--kill-child", "sh", "-c", ENTER, "sh", *inner]


def obstacle(*tools: str) -> str | None:
    """Why this computer cannot enter a root of its own, or lacks one of these programs for making it; or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can make and enter a root of its own"
    absent = [tool for tool in (*tools, "unshare", "chroot") if shutil.which(tool) is None]
    if absent:
        return f"a root of its own cannot be made: there is no {', '.join(absent)}"
    # A container may not be allowed to.
    trial = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    return f"this container may not make a root of its own: {done.stderr.strip()}" if done.returncode else None
