"""``--selftest``: the program segments its sample photograph in its own window, checks the result, and ends."""

import sys
from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from serr_gui.controller import Controller

_PLAUSIBLE_SHARE: Final = (0.03, 0.30)
"""Vessels cover about an eighth of a retina in such photographs; far from that the network did not work."""
_TIMEOUT_MS: Final = 300_000


def watch(controller: Controller, app: QApplication) -> None:
    """End the program with 0 after a plausible result, with 1 after a problem or five minutes."""
    guard = QObject(app)
    state = controller.state

    def end(code: int, sentence: str) -> None:
        if sys.stdout is not None:
            sys.stdout.write(sentence + "\n")
            sys.stdout.flush()
        controller.shutdown()
        app.exit(code)

    def on_document() -> None:
        if state.result is not None:
            share = state.result.vessel_share(state.rule.level)
            good = _PLAUSIBLE_SHARE[0] <= share <= _PLAUSIBLE_SHARE[1]
            sentence = f"selftest {'passed' if good else 'failed'}: vessels cover {share:.1%} of the field of view"
            QTimer.singleShot(0, guard, lambda: end(0 if good else 1, sentence))

    def on_notices() -> None:
        problems = [notice.text for notice in state.notices if notice.kind == "error"]
        if problems:
            QTimer.singleShot(0, guard, lambda: end(1, f"selftest failed: {problems[0]}"))

    state.events.document.connect(on_document)
    state.events.notices.connect(on_notices)
    QTimer.singleShot(_TIMEOUT_MS, guard, lambda: end(1, "selftest failed: no result in time"))
