"""Folders that cannot be written to, for real: a full disk, a read-only folder, a file where a folder should be.

Root may write everywhere, so a plain ``chmod`` would test nothing there; ``ordinary_rights`` makes permissions bind.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOM_BYTES = 8192
"""What fits into the full folder: an empty file does, a picture does not."""


@contextmanager
def ordinary_rights() -> Iterator[None]:
    """Make permission bits bind for root as well, in this thread and in those that it starts.

    Linux keeps capabilities for each thread: the two that let root read and write everything are taken out of the
    effective set and put back at the end; a program that is started meanwhile gets none, as if its user were not root.
    For an ordinary user there is nothing to do.
    """
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the interface, this thread
    before = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable for capabilities 0-31, then for 32-63
    assert libc.capget(header, before) == 0, os.strerror(ctypes.get_errno())
    without = (ctypes.c_uint32 * 6)(*before)
    without[0] &= ~0b110  # CAP_DAC_OVERRIDE is bit 1, CAP_DAC_READ_SEARCH bit 2
    secure = libc.prctl(27, 0, 0, 0, 0)  # PR_GET_SECUREBITS
    libc.prctl(28, secure | 1, 0, 0, 0)  # PR_SET_SECUREBITS with SECBIT_NOROOT: a new program's root is nothing special
    assert libc.capset(header, without) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        libc.prctl(28, secure, 0, 0, 0)
        assert libc.capset(header, before) == 0, os.strerror(ctypes.get_errno())


@contextmanager
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "read only"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        with ordinary_rights():
            yield folder
    finally:
        folder.chmod(0o755)


@contextmanager
def full_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes 8 KiB: a small tmpfs where mounting is allowed, else under the kernel's limit on file size.

    Both make the write itself fail after part of the data (ENOSPC, EFBIG); nothing is pretended.
    """
    folder = tmp_path / "full"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0:
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclass(frozen=True)
class SmallDisk:
    """A folder that can be made full, and empty again. ``mounted``: a disk of its own; else a limit on file size."""

    folder: Path
    mounted: bool

    @contextmanager
    def full(self) -> Iterator[None]:
        """For those who write into the folder (and for processes that are started meanwhile) there is no room."""
        if not self.mounted:
            import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            return
        filling = self.folder / "filling"
        with filling.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        try:
            yield
        finally:
            filling.unlink()


@contextmanager
def small_disk(tmp_path: Path, room_bytes: int) -> Iterator[SmallDisk]:
    """A folder on a disk of ``room_bytes`` where mounting is allowed, else an ordinary one."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={room_bytes}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield SmallDisk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def file_as_folder(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "no folder"
    path.write_text("a file")
    yield path


@dataclass(frozen=True)
class BadOutput:
    """``open`` gives the folder for as long as it is bad; the sentence must contain all ``words`` (lower case)."""

    name: str
    open: Callable[[Path], AbstractContextManager[Path]]
    words: tuple[str, ...]


BAD_OUTPUTS = (
    BadOutput("full disk", full_folder, ("room", "full")),
    BadOutput("read-only folder", read_only_folder, ("read-only",)),
    BadOutput("file in place of the folder", file_as_folder, ("no folder", "file")),
)
