"""Photographs in object stores: found by listing, and fetched one at a time when their turn comes.

While it is worked on, an object is a file below the folder of the manifests, at a path that says its address. So each
photograph of a batch has a path, whether it is a file of this machine or in a store. Who may read a store is said by
the environment, as its vendor's own tools know it; no address, manifest or message of ours says it.
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from core.errors import InputError, SerrError
from core.files import atomic_path, display_path, ensure_folder, file_stamp, path_text, printable

PACKAGES: Final[Mapping[str, str]] = {
    **{"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs"},
    "memory": "fsspec",
}
"""What knows a kind of store. ``memory``: of this process alone, for trials."""
_FETCHED: Final = "fetched"
_BESIDE: Final = "serr-batch"
"""The folder of the manifests: what is fetched is in there."""
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.]+):[/\\]+(.*)", re.IGNORECASE | re.DOTALL)
PATTERN: Final = re.compile(r"[*\[]")
"""An address with one of these names many objects."""
_ODD: Final = re.compile(r'[%\\:*?"<>|\x00-\x1f\x7f]')
_SIGNED: Final = re.compile(
    r"[?&](sig|sv|se|token|signature|x-amz-[a-z-]+|x-goog-[a-z-]+|awsaccesskeyid)=", re.IGNORECASE
)
_SECRET_NAME: Final = re.compile(r"SECRET|TOKEN|PASSW|CREDENTIAL|CONNECTION_STRING|ACCESS_KEY|ACCOUNT_KEY|SAS")
_MARKS: Final = ("ETag", "etag", "md5Hash", "generation", "content_md5", "LastModified", "last_modified", "created")
_MOST_SAID: Final = 200
_OF_THIS_DISK: Final = frozenset(
    {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS, errno.ENAMETOOLONG, errno.EFBIG}
)


class StoreError(SerrError):
    """A store cannot be reached or used: what would be next meets the same."""


def address_of(given: Path | str) -> str | None:
    """The address in a store that somebody gave, None for a path of this machine. A path has lost one of the slashes.

    Raises
    ------
    InputError : the kind of store is not known, or the address has credentials in it.
    """
    text = os.fspath(given)
    found = _ADDRESS.fullmatch(text) if ":" in text else None
    if found is None or len(found[1]) < 2 or Path(given).exists():
        return None
    scheme, rest = found[1].lower(), found[2].replace("\\", "/") if os.name == "nt" else found[2]
    if scheme == "file":
        return None
    if scheme not in PACKAGES:
        known = ", ".join(f"{each}://" for each in PACKAGES)
        raise InputError(f"{scheme}:// is not a kind of store that can be used. Known are {known} and file://.")
    of_account = scheme in {"abfs", "abfss"}  # container@account
    if (":" if of_account else "@") in rest.partition("/")[0] or _SIGNED.search(rest):
        raise InputError(
            f"The address {scheme}://... has credentials in it, which would be written into manifests and tables. Give "
            "it without them, and the credentials by the environment, such as AWS_PROFILE or AWS_ACCESS_KEY_ID."
        )
    if not rest.strip("/"):
        raise InputError(f"{scheme}:// names no bucket. Give an address such as {scheme}://bucket/photographs.")
    return f"{scheme}://{rest.rstrip('/')}"


def plain_path(given: str) -> str:
    """A path of this machine, where it is given as file://; everything else as it is."""
    if given[:6].lower() != "file:/":
        return given
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(re.sub(r"^file:/+", "file:///", given, flags=re.IGNORECASE)).path)


def fetched_path(folder: Path, address: str) -> Path:
    """Where an object is while it is worked on; ``folder``: of the manifests."""
    scheme, _, rest = address.partition("://")
    return folder.joinpath(_FETCHED, scheme, *(_part(part) for part in rest.split("/")))


def address_at(path: Path) -> str | None:
    """The address of an object by the path that it has here, None for a file of this machine."""
    parts = path.parts
    for at in range(len(parts) - 3, 0, -1):
        if parts[at - 1] == _BESIDE and parts[at] == _FETCHED and parts[at + 1] in PACKAGES:
            return f"{parts[at + 1]}://{'/'.join(_named(part) for part in parts[at + 2 :])}"
    return None


def place_text(path: Path) -> str:
    """A photograph's path as text for programs: its address, where it is in a store."""
    return address_at(path) or path_text(path)


def place_shown(path: Path) -> str:
    """The same for people, in one line."""
    return display_path(place_text(path))


def stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change of a photograph, None where it is not there.

    Of an object, instead of the time, a number that its store's tag for this content (etag) makes. Raises StoreError.
    """
    address = address_at(path)
    if address is None:
        return file_stamp(path)
    try:
        with explained(address):
            info = store(address).info(address)
    except InputError:  # it is gone, or may not be read
        return None
    mark = next((str(info[name]) for name in _MARKS if info.get(name)), "")
    return int(info.get("size") or 0), int.from_bytes(hashlib.sha256(mark.encode()).digest()[:8]) >> 1


def exists(address: str) -> bool:
    """Whether there is such an object. Raises StoreError."""
    try:
        with explained(address, missing_is_fatal=True):
            try:
                store(address).info(address)
            except FileNotFoundError:
                return False
    except InputError as error:
        raise StoreError(str(error)) from None
    return True


@contextmanager
def fetched(path: Path) -> Iterator[None]:
    """A photograph is a file at its path in the block; one of a store is fetched for it, and removed behind it.

    Raises
    ------
    InputError : the object does not exist, or may not be read. StoreError : the store cannot be reached.
    OutputError : there is no room for it.
    """
    address = address_at(path)
    if address is None:
        yield
        return
    fetch(address, path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def fetch(address: str, path: Path) -> None:
    """Make a file of an object, whole or not at all. Raises as ``fetched``."""
    system = store(address)
    ensure_folder(path.parent)
    with atomic_path(path) as temporary, explained(address, writes_here=True):
        system.get_file(address, str(temporary))


@lru_cache(maxsize=8)
def _system(scheme: str) -> Any:
    import fsspec

    return fsspec.filesystem(scheme, use_listings_cache=False)


def store(address: str) -> Any:
    """What speaks with a store. Raises InputError where its package is missing."""
    scheme = address.partition("://")[0]
    try:
        return _system(scheme)
    except ImportError:
        name = PACKAGES[scheme]
        raise InputError(
            f"{scheme}:// needs the package {name}, which is not installed. Install it: pip install "
            f'"serr-fundus[stores]"{"" if name == "s3fs" else f" {name}"}'
        ) from None
    except Exception as error:  # noqa: BLE001 - of the vendors' packages; what they raise has no common kind
        raise _unusable(address, error) from None


@contextmanager
def explained(address: str, *, missing_is_fatal: bool = False, writes_here: bool = False) -> Iterator[None]:
    """What a store's package raises, as a sentence without credentials.

    With ``writes_here`` a full or failing disk of this machine stays an ``OSError``.

    Raises
    ------
    InputError : there is no such object, or it may not be used. StoreError : all else, and with ``missing_is_fatal``
    that, too.
    """
    shown = display_path(address)
    try:
        yield
    except SerrError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        if missing_is_fatal:
            raise _unusable(address, error) from None
        why = "may not be used with these credentials" if isinstance(error, PermissionError) else "does not exist"
        raise InputError(f"{shown} {why}. Check the address, and who is signed in.") from None
    except Exception as error:
        if writes_here and isinstance(error, OSError) and error.errno in _OF_THIS_DISK:
            raise
        raise _unusable(address, error) from None


def _unusable(address: str, error: Exception) -> StoreError:
    bucket = "/".join(address.split("/")[:3])
    return StoreError(
        f"The store {display_path(bucket)} cannot be used "
        f"({type(error).__name__}: {without_secrets(str(error))}). Check the address, the credentials and the network; "
        "then start the same command again: what is done stays done."
    )


def without_secrets(text: str) -> str:
    """One line of what a package said, without values of the environment that may be credentials, and signatures."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name.upper()) and len(value) > 3:
            text = text.replace(value, "***")
    text = " ".join(re.sub(r"\?\S+", "?***", printable(text)).split())
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}..."


def _part(name: str) -> str:
    """A part of a key as a name of a file, which tells it again."""
    if name in {"", ".", ".."}:
        return name.replace(".", "%2E") or "%"
    return _ODD.sub(lambda found: f"%{ord(found[0]):02X}", name)


def _named(part: str) -> str:
    return "" if part == "%" else unquote(part)


def each_of(work: Callable[[Any], Any], items: list[Any], threads: int = 16) -> list[Any]:
    """The same for many objects at once, in their order: a store answers slowly, but to many."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads, "store") as pool:
        return list(pool.map(work, items))
