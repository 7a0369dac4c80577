"""One running program for each user and screen: a second start hands its files to the first, and ends."""

import getpass
import hashlib
import json
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from core.strict import Malformed, parse_json
from serr_gui.model.settings import config_folder

_PATIENCE_MS: Final = 3000
"""How long a second start waits for the first to answer before it opens a window of its own."""
_TAKEN: Final = b"taken\n"
_MOST_BYTES: Final = 1 << 20


class Instance(QObject):
    """``asked`` carries the requests of later starts: what ``hand_over`` was given there."""

    asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server: QLocalServer | None = None

    def hand_over(self, options: Mapping[str, Any]) -> bool:
        """Give the requests of this start, as JSON values, to the program that runs already. False: there is none."""
        name = _name()
        if name is None:
            return False
        connection = QLocalSocket()
        connection.connectToServer(name)
        if not connection.waitForConnected(_PATIENCE_MS):
            return False
        if not _is_ours(connection):  # it would be told the names of photographs
            connection.abort()
            return False
        connection.write(json.dumps(options).encode() + b"\n")
        answered = connection.waitForBytesWritten(_PATIENCE_MS) and connection.waitForReadyRead(_PATIENCE_MS)
        taken = answered and bytes(connection.readAll().data()) == _TAKEN
        connection.disconnectFromServer()
        return taken

    def listen(self) -> None:
        """From now on later starts find this program. Where that cannot be, each start has a window of its own."""
        name = _name()
        if name is None:
            return
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(self._on_connection)
        if not server.listen(name):
            QLocalServer.removeServer(name)  # left behind by a program that was ended by force
            server.listen(name)
        self._server = server

    def close(self) -> None:
        """Later starts do not find this program any more."""
        if self._server is not None:
            self._server.close()

    def _on_connection(self) -> None:
        assert self._server is not None
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.disconnected.connect(connection.deleteLater)
            connection.setReadBufferSize(_MOST_BYTES)
            if not _is_ours(connection):
                connection.abort()
                continue
            connection.readyRead.connect(lambda connection=connection: self._on_words(connection))
            if connection.canReadLine():
                self._on_words(connection)

    def _on_words(self, connection: QLocalSocket) -> None:
        if not connection.canReadLine():
            if connection.bytesAvailable() >= _MOST_BYTES:
                connection.abort()
            return
        try:
            options = parse_json(bytes(connection.readLine().data()), surrogates=True)
        except Malformed:
            connection.abort()
            return
        connection.write(_TAKEN)
        connection.flush()
        if isinstance(options, dict):
            self.asked.emit(options)


def _name() -> str | None:
    """Its own for each person, screen and folder of settings; None where there is no private place for it.

    A name that others can guess, in a folder that is theirs, too, could be taken by them first.
    """
    folder = _private_folder()
    if folder is None:
        return None
    screen = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or ""
    try:
        person = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user that the system does not know
        person = str(os.getuid()) if hasattr(os, "getuid") else ""
    text = "\n".join((person, screen, str(Path(config_folder()).absolute())))
    name = f"serr-fundus-{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:16]}"
    return name if folder == Path() else str(folder / name)


def _private_folder() -> Path | None:
    """A folder that only this user may enter, None where there is none; ``Path()`` for the named pipes of Windows.

    Those are for this user alone by ``UserAccessOption``.
    """
    if sys.platform == "win32":
        return Path()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_absolute() and _is_private(Path(runtime)):
        return Path(runtime)
    folder = Path(tempfile.gettempdir(), f"serr-fundus-{os.getuid()}")
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    return folder if _is_private(folder) else None


def _is_private(folder: Path) -> bool:
    """Whether it is a real folder of this user that nobody else may look into."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _is_ours(connection: QLocalSocket) -> bool:
    """Whether the program at the other end is this user's, where the system says so; the private folder does else."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    try:
        with socket.socket(fileno=os.dup(int(connection.socketDescriptor()))) as same:
            _, user, _ = struct.unpack("3i", same.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    except OSError:
        return False
    return bool(user == os.getuid())
