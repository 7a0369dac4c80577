"""Writing files so that a reader never meets half of one, and telling a person why a file cannot be written.

Everything is written to a temporary file in the same folder and then put in place by ``os.replace``: the old file, if
any, stays whole until the new one is complete on the disk, and a failure or a cancel leaves nothing behind.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from core.errors import OutputError

TEMPORARY_PREFIX = ".serr-tmp-"
"""How temporary files begin; such a file is left over only where the machine itself stopped, and may be deleted."""

# EFBIG is a limit on file size (FAT, or set by the administrator): for a person the same trouble as a full disk.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def shown(path: Path | str) -> str:
    """A path as text that can always be printed: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def output_error(path: Path, error: OSError) -> OutputError:
    """The sentence for a person about an ``OSError`` that happened while ``path`` was being written."""
    name, folder = shown(path.name), shown(path.parent)
    if error.errno in _NO_ROOM:
        why = "there is no room left on the disk. Free some space or choose a folder on another disk."
    elif error.errno == errno.EISDIR:
        why = "a folder of that name is in the way. Rename it or choose another folder."
    elif error.errno in _NOT_ALLOWED:
        why = "the folder or the file is read-only or in use by another program. Choose another folder."
    elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
        why = "the path goes through a file that is not a folder. Choose another folder."
    elif error.errno == errno.ENOENT:
        why = "the folder does not exist (any more). Make it, or choose another one."
    elif error.errno in {errno.ENAMETOOLONG, errno.EINVAL}:
        why = "the disk does not take a file of that name. Choose a shorter, simpler one."
    else:
        why = f"the system says: {error.strerror or error}. Choose another folder."
    return OutputError(f"Cannot write {name} in {folder}: {why}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes ``path`` when the block ends without an error, and vanishes otherwise.

    The temporary file stands in the same folder and has the same suffix. The block should do nothing but write that
    file: every ``OSError`` in it is told as trouble with writing ``path``. An existing file keeps its permissions; one
    that is write-protected is not replaced. A symbolic link stays, and the file that it names is replaced.

    Raises
    ------
    OutputError : the folder is missing, full, read-only or not a folder, or the file is write-protected.
    """
    target = Path(os.path.realpath(path))
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}{target.suffix[:16]}"
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        if mode is not None and not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        yield temporary
        _flush_to_disk(temporary)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):  # already in place, or never made
            temporary.unlink()


def write_bytes_atomic(path: Path, data: bytes | memoryview) -> None:
    """Write ``data`` as the whole content of ``path``, or leave everything as it was and raise ``OutputError``."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write several files so that all of them are new or all are as before, and put them in place in the given order.

    All are complete on the disk before the first is put in place, so a disk that is full changes nothing.
    """
    with ExitStack() as stack:
        for path, data in reversed(list(files.items())):  # the stack ends in the opposite order
            temporary = stack.enter_context(atomic_path(path))
            try:
                temporary.write_bytes(data)
                _flush_to_disk(temporary)
            except OSError as error:  # here, or it would be told of the file that was begun last
                raise output_error(path, error) from error


def ensure_folder(folder: Path) -> Path:
    """Make ``folder`` with its parents where missing, prove that a file can be made in it, and return it.

    Called before long work, so that a wrong folder is not found out at its end.

    Raises
    ------
    OutputError : it cannot be made or written to, or a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        if error.errno in _NO_ROOM:
            why = "there is no room left on the disk. Free some space or choose a folder on another disk."
        elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
            why = "there is a file in its way, not a folder. Choose another folder."
        elif error.errno in _NOT_ALLOWED:
            why = "it is read-only, or you have no permission to write there. Choose another folder."
        else:
            why = f"the system says: {error.strerror or error}. Choose another folder."
        raise OutputError(f"The folder {shown(folder)} cannot be used for results: {why}") from error
    return folder


def file_sha256(path: Path) -> str | None:
    """SHA-256 of a file, None where it cannot be read (any more)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _flush_to_disk(path: Path) -> None:
    """Wait until the content is on the disk: some disks report only then that they are full."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
