"""Writing files so that a reader never meets half of one, and telling a person why a file cannot be written.

Everything is written to a temporary file in the same folder and then put in place by ``os.replace``: the old file, if
any, stays whole until the new one is complete on the disk, and a failure or a cancel leaves nothing behind.
"""

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from core.errors import OutputError
from core.strict import Malformed, open_regular

TEMPORARY_PREFIX = ".serr-tmp-"
"""How temporary files begin; such a file is left over only where the program was killed, and may be deleted."""

_TEMPORARY_NAME: Final = re.compile(re.escape(TEMPORARY_PREFIX) + r"[0-9a-f]{12}(\..*)?", re.DOTALL)
_LEFT_OVER_S: Final = 3600
"""A temporary file that nobody has written to for so long belongs to a process that is gone."""

# Control characters (a terminal obeys them), line and paragraph separators, and marks that turn the direction of
# writing (eye\u202egpj.exe reads as eyeexe.jpg).
UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)

# EFBIG is a limit on file size (FAT, or set by the administrator): for the user the same trouble as a full disk.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def display_path(path: Path | str) -> str:
    r"""A path as one line of text that is safe to print, to write and to show.

    Bytes that are not UTF-8, control characters and marks of the direction of writing become escapes such as ``\xff``
    and ``\u202e``, so that different names stay different.
    """
    return printable(path_text(path))


def path_text(path: Path | str) -> str:
    r"""A path as text for a program that reads it again: as it is, but for bytes that are not UTF-8 (``\xff``)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def printable(text: str, *, keep: str = "") -> str:
    """Text without characters that a terminal or a text box obeys instead of showing; ``keep`` has exceptions."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def output_error(path: Path, error: OSError) -> OutputError:
    """The sentence for the user about an ``OSError`` that happened while ``path`` was being written."""
    name, folder = display_path(path.name), display_path(path.parent)
    if error.errno in _NO_ROOM:
        why = "there is no room left on the disk. Free some space or choose a folder on another disk."
    elif error.errno == errno.EISDIR:
        why = "a folder of that name is in the way. Rename it or choose another folder."
    elif error.errno in _NOT_ALLOWED:
        why = "the folder or the file is read-only or in use by another program. Choose another folder."
    elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
        why = "the path goes through a file that is not a folder. Choose another folder."
    elif error.errno == errno.ENOENT:
        why = "the folder does not exist. Make it, or choose another one."
    elif error.errno in {errno.ENAMETOOLONG, errno.EINVAL}:
        why = "the disk does not take a file of that name. Choose a shorter, simpler one."
    else:
        why = f"the system says: {error.strerror or error}. Choose another folder."
    return OutputError(f"Cannot write {name} in {folder}: {why}")


@contextmanager
def atomic_path(
    path: Path, *, follow_link: bool = False, private: bool = False, is_flushed: bool = False
) -> Iterator[Path]:
    """A temporary path to write to; it becomes ``path`` when the block ends without an error, and vanishes otherwise.

    The temporary file is in the same folder and has the same suffix. The block should do nothing but write that
    file: every ``OSError`` in it becomes an error about writing ``path``. An existing file keeps its permissions; one
    that is write-protected is not replaced.

    Parameters
    ----------
    follow_link : where ``path`` is a symbolic link, write the file that it names. For a path that a person named. Else
        the link itself is replaced: a link in a folder of results, whoever put it there, leads no result elsewhere.
    private : only the user may read the file (settings and the like, which name photographs of patients).
    is_flushed : the block itself waits until its file is on the disk.

    Raises
    ------
    OutputError : the folder is missing, full, read-only or not a folder, or the file is write-protected.
    """
    # Of a path that is not followed the folder is resolved still: it is where the temporary file must be.
    target = Path(os.path.realpath(path)) if follow_link else Path(os.path.realpath(path.parent), path.name)
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}{target.suffix[:16]}"
    try:
        mode = _mode_of(target)
        if private:
            mode = 0o600
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield temporary
        if not is_flushed:
            _flush_to_disk(temporary)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):  # already in place, or never made
            temporary.unlink()


def _mode_of(target: Path) -> int | None:
    """The permissions of a file that is to be replaced, None where there is none.

    Raises
    ------
    OSError : it may not be replaced.
    """
    try:
        status = target.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(status.st_mode):  # a link, which says nothing of the file that takes its place
        return None
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return status.st_mode & 0o777


def write_bytes_atomic(
    path: Path, data: bytes | memoryview, *, follow_link: bool = False, private: bool = False
) -> None:
    """Write ``data`` as the whole content of ``path``, or leave everything as it was and raise ``OutputError``.

    ``follow_link`` and ``private`` : see ``atomic_path``.
    """
    with atomic_path(path, follow_link=follow_link, private=private) as temporary:
        temporary.write_bytes(data)


def write_together(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write several files so that all of them are new or all are as before, and put them in place in the given order.

    All are complete on the disk before the first is put in place, so a disk that is full changes nothing. A path may
    come twice: a mark that says that the others are being written is put in place first and replaced at the end.
    """
    with ExitStack() as stack:
        for path, data in reversed(list(files)):  # the stack ends in the opposite order
            temporary = stack.enter_context(atomic_path(path, is_flushed=True))
            try:
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:  # here, or it would be told of the file that was begun last
                raise output_error(path, error) from error


def ensure_folder(folder: Path) -> Path:
    """Make ``folder`` with its parents where missing, prove that a file can be made in it, and return it.

    Called before long work, so that a wrong folder is not found out at its end. Temporary files of processes that were
    killed long ago are removed from it.

    Raises
    ------
    OutputError : it cannot be made or written to, or a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}"
        probe.touch(exist_ok=False)
        now = probe.stat().st_mtime  # by the clock of the folder's own machine
        probe.unlink()
    except OSError as error:
        raise _no_results_in(folder, error) from error
    _remove_left_over(folder, now)
    return folder


def check_folder(folder: Path) -> None:
    """Refuse what ``ensure_folder`` would refuse, as far as can be said without writing anything.

    Raises
    ------
    OutputError : a file is in the folder's place or in its way, or it may not be written to.
    """
    try:
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))
    except OSError as error:
        raise _no_results_in(folder, error) from error


def _no_results_in(folder: Path, error: OSError) -> OutputError:
    if error.errno in _NO_ROOM:
        why = "there is no room left on the disk. Free some space or choose a folder on another disk."
    elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
        why = "there is a file in its way, not a folder. Choose another folder."
    elif error.errno in _NOT_ALLOWED:
        why = "it is read-only, or you have no permission to write there. Choose another folder."
    else:
        why = f"the system says: {error.strerror or error}. Choose another folder."
    return OutputError(f"The folder {display_path(folder)} cannot be used for results: {why}")


def private_folder(folder: Path) -> Path:
    """Make a folder with its missing parents that only the user may look into, and return it.

    An existing one keeps its permissions: it may be shared on purpose.

    Raises
    ------
    OSError : it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def private_opener(path: str, flags: int) -> int:
    """For ``open(..., opener=private_opener)``: only the user may read the file."""
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):
        with suppress(OSError):  # another user's, or a disk without permissions
            os.fchmod(descriptor, 0o600)
    return descriptor


def _remove_left_over(folder: Path, now: float) -> None:
    """Remove our own temporary files that nobody has written to for an hour."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY_NAME.fullmatch(entry.name):
                with suppress(OSError):  # gone meanwhile, or another user's
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and now - status.st_mtime > _LEFT_OVER_S:
                        Path(entry.path).unlink()


def is_there(path: Path) -> bool:
    """Whether a path from somewhere else is that of a file; also where no file could be called so."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of the last change in nanoseconds of a file, None where it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def file_sha256(path: Path) -> str | None:
    """SHA-256 of a file, None where it cannot be read (any more), or is a pipe, which would block."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, Malformed):
        return None


def _flush_to_disk(path: Path) -> None:
    """Wait until the content is on the disk: some disks report only then that they are full."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
