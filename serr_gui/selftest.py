"""``--selftest``: in its own window the program segments its sample photograph, compares the mask with the stored one,
trains for two steps in a process of its own, and ends with 0 if all went well."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QProcess, QTimer

from core.resources import command_line, resource_path
from core.types import BoolArray
from serr_gui.controllers.controller import Controller

ENOUGH_DICE: Final = 0.98
"""Processors and GPUs round differently; another model or another recipe agrees far less."""
_TIMEOUT_MS: Final = 600_000
TINY_RECIPE: Final = """
[data]
validation_photos = 1
[network]
config = { width = 4, depth = 2 }
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = 2
batch = 2
crop_px = 48
precision = "fp32"
[run]
validate_every = 2
threads = 1
"""


def reference_path() -> Path:
    """The mask of the sample that the default model makes at its own threshold, with the hash of its tensors."""
    return resource_path("sample", "retina_mask.png")


def read_reference() -> tuple[BoolArray, str]:
    """The stored mask (H, W), and the SHA-256 of the tensors of the model that made it."""
    from PIL import Image

    with Image.open(reference_path()) as picture:
        return np.asarray(picture.convert("L")) > 127, str(picture.info.get("model-sha256", ""))


def dice(first: BoolArray, second: BoolArray) -> float:
    """2 |A and B| / (|A| + |B|); 0 for masks of different shapes."""
    if first.shape != second.shape:
        return 0.0
    both, sizes = int((first & second).sum()), int(first.sum()) + int(second.sum())
    return 2 * both / sizes if sizes else 1.0


def learned_curve() -> list[float]:
    """Two groups told apart by every part of scikit-learn that ships: [0, 0, 1, 1]."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    values, groups = np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1])
    scores = np.zeros(4)
    for learned, held in StratifiedKFold(2).split(values, groups):
        scores[held] = LogisticRegression().fit(values[learned], groups[learned]).predict_proba(values[held])[:, 1]
    curve = IsotonicRegression().fit_transform(scores, groups) * roc_auc_score(groups, scores)
    return [float(value) for value in curve]


class SelfTest(QObject):
    """Watches the program carry out ``StartOptions.selftest``. ``finish`` is called once, with the exit code."""

    def __init__(self, controller: Controller, finish: Callable[[int], None], parent: QObject) -> None:
        super().__init__(parent)
        self._controller = controller
        self._finish: Callable[[int], None] | None = finish
        self._folder = tempfile.TemporaryDirectory(prefix="serr-selftest-")
        self._training: QProcess | None = None
        events = controller.state.events
        events.document.connect(self._on_document)
        events.notices.connect(self._on_notices)
        QTimer.singleShot(_TIMEOUT_MS, self, lambda: self._end(1, "no result in time"))

    def _on_document(self) -> None:
        result = self._controller.state.result
        if result is None or self._training is not None:
            return
        mask = result.mask(self._controller.state.rule).vessel
        agreement = dice(mask, read_reference()[0])
        _say(f"the mask of the sample agrees with the stored one: Dice {agreement:.4f}")
        if agreement < ENOUGH_DICE:
            self._end(
                1, f"the mask differs from the stored one (Dice {agreement:.4f}, at least {ENOUGH_DICE} expected)"
            )
            return
        curve = learned_curve()
        if curve != [0.0, 0.0, 1.0, 1.0]:
            self._end(1, f"scikit-learn gives another curve than it should: {curve}")
            return
        _say("the parts of scikit-learn that ship work")
        self._start_training()

    def _start_training(self) -> None:
        from core.datasets.synthetic import write_drive_layout

        folder = Path(self._folder.name)
        write_drive_layout(folder, 3, side=112)
        recipe = folder / "recipe.toml"
        recipe.write_text(TINY_RECIPE, encoding="utf-8")
        program, *words = command_line()
        words += [
            "train",
            "--root",
            str(folder),
            "--config",
            str(recipe),
            "--out",
            str(folder / "run"),
            "--device",
            "cpu",
        ]
        self._training = QProcess(self)
        self._training.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._training.finished.connect(self._on_training_ended)
        self._training.errorOccurred.connect(lambda _error: self._end(1, f"{program} cannot be started"))
        self._training.start(program, words)

    def _on_training_ended(self, code: int) -> None:
        assert self._training is not None
        weights = list(Path(self._folder.name, "run").glob("*.safetensors"))
        if code == 0 and len(weights) > 1:  # the checkpoint, and the model
            _say("a training of two steps has written its weights")
            self._end(0, "")
        else:
            said = self._training.readAllStandardOutput().toStdString().strip()
            self._end(1, f"the training ended with exit code {code}: {said}")

    def _on_notices(self) -> None:
        problems = [notice.text for notice in self._controller.state.notices if notice.kind == "error"]
        if problems:
            self._end(1, problems[0])

    def _end(self, code: int, problem: str) -> None:
        if self._finish is None:
            return
        finish, self._finish = self._finish, None
        _say(f"failed: {problem}" if code else "passed")
        if self._training is not None and self._training.state() != QProcess.ProcessState.NotRunning:
            self._training.kill()
            self._training.waitForFinished()
        self._folder.cleanup()
        # After the event that led here is over.
        QTimer.singleShot(0, self, lambda: finish(code))


def _say(sentence: str) -> None:
    if sys.stdout is not None:  # a windowed build has none on Windows
        sys.stdout.write(f"selftest: {sentence}\n")
        sys.stdout.flush()
