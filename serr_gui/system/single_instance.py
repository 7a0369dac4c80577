"""One running program for each person and screen: a second start hands its files to the first, and ends."""

import getpass
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from serr_gui.model.settings import config_folder

_PATIENCE_MS: Final = 3000
"""How long a second start waits for the first to answer before it opens a window of its own."""
_TAKEN: Final = b"taken\n"


class Instance(QObject):
    """``asked`` carries the requests of later starts: what ``hand_over`` was given there."""

    asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server: QLocalServer | None = None

    def hand_over(self, options: Mapping[str, Any]) -> bool:
        """Give the requests of this start, as JSON values, to the program that runs already. False: there is none."""
        socket = QLocalSocket()
        socket.connectToServer(_name())
        if not socket.waitForConnected(_PATIENCE_MS):
            return False
        socket.write(json.dumps(options).encode() + b"\n")
        answered = socket.waitForBytesWritten(_PATIENCE_MS) and socket.waitForReadyRead(_PATIENCE_MS)
        taken = answered and bytes(socket.readAll().data()) == _TAKEN
        socket.disconnectFromServer()
        return taken

    def listen(self) -> None:
        """From now on later starts find this program. Where that cannot be, each start has a window of its own."""
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(self._on_connection)
        if not server.listen(_name()):
            QLocalServer.removeServer(_name())  # left behind by a program that was ended by force
            server.listen(_name())
        self._server = server

    def close(self) -> None:
        """Later starts do not find this program any more."""
        if self._server is not None:
            self._server.close()

    def _on_connection(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(lambda socket=socket: self._on_words(socket))
            if socket.canReadLine():
                self._on_words(socket)

    def _on_words(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            return
        try:
            options = json.loads(bytes(socket.readLine().data()))
        except ValueError:
            socket.abort()
            return
        socket.write(_TAKEN)
        socket.flush()
        if isinstance(options, dict):
            self.asked.emit(options)


def _name() -> str:
    """Its own for each person, screen and folder of settings."""
    screen = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or ""
    try:
        person = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user that the system does not know
        person = str(os.getuid()) if hasattr(os, "getuid") else ""
    text = "\n".join((person, screen, str(Path(config_folder()).absolute())))
    return f"serr-fundus-{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:16]}"
