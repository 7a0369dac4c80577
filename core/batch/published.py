"""Results in an object store: made as files of this machine, and published when they are whole.

A store puts an object in place whole or not at all, but knows no way to do so with several. So the side-car decides: it
is published last, and taken away first where older results are replaced. Without a side-car there is no result.
"""

from contextlib import suppress
from pathlib import Path

from core.batch.stores import exists, explained, fetch, store
from core.errors import InputError
from core.sidecar import SUFFIX, read_sidecar, sidecar_path


class Publisher:
    """Results below an address of a store.

    Parameters
    ----------
    address : without a slash at its end.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def has(self, place: str) -> bool:
        """Whether the results of a photograph are there; ``place``: as of an ``Item``. Raises StoreError."""
        return exists(self._sidecar(place))

    def take(self, place: str, folder: Path) -> bool:
        """Fetch the results of a photograph into a folder, so that they can be judged; whether there are any.

        Raises
        ------
        StoreError : the store cannot be reached. OutputError : there is no room.
        """
        if not self.has(place):
            return False
        stem = place.rpartition("/")[2]
        path = sidecar_path(folder, stem)
        fetch(self._sidecar(place), path)
        try:
            names = read_sidecar(path).files.values()
        except InputError:  # damaged: whoever judges it says so
            return True
        for name in names:
            if name == Path(name).name and name != path.name:
                with suppress(InputError):  # deleted since
                    fetch(f"{self._folder(place)}{name}", folder / name)
        return True

    def publish(self, place: str, folder: Path) -> None:
        """Put the results of a photograph from a folder into the store, the side-car last, and remove the files.

        Raises
        ------
        StoreError : one cannot be written; what is there then has no side-car, or the older one with all its files.
        """
        path = sidecar_path(folder, place.rpartition("/")[2])
        names = [name for name in read_sidecar(path).files.values() if name != path.name]
        address = self._sidecar(place)
        if self.has(place):
            with explained(address, missing_is_fatal=True):
                store(address).rm_file(address)
        for name in names:
            self.put(folder / name, f"{self._folder(place)}{name}")
        self.put(path, address)
        self.forget(place, folder)

    def forget(self, place: str, folder: Path) -> None:
        """Remove the files of a photograph that are here: the store has them."""
        path = sidecar_path(folder, place.rpartition("/")[2])
        with suppress(InputError, OSError):
            for name in read_sidecar(path).files.values():
                if name == Path(name).name:
                    (folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            path.unlink(missing_ok=True)

    def put(self, path: Path, address: str) -> None:
        """Publish a file as an object. Raises StoreError."""
        with explained(address, missing_is_fatal=True):
            store(address).put_file(str(path), address)

    def _folder(self, place: str) -> str:
        folder = place.rpartition("/")[0]
        return f"{self.address}/{folder}/" if folder else f"{self.address}/"

    def _sidecar(self, place: str) -> str:
        return f"{self._folder(place)}{place.rpartition('/')[2]}{SUFFIX}"
