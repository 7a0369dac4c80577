"""The curves of a run for TensorBoard, beside the event log; wants the package ``tensorboard``."""

from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.training.validation import Validation

FOLDER = "tensorboard"
"""In the folder of the run; ``tensorboard --logdir RUN`` finds it."""


class TensorBoardLog:
    """Writes scalars. What a killed run wrote after its last checkpoint is hidden when the run resumes.

    Raises
    ------
    TrainingError : the package is not installed.
    """

    def __init__(self, run: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise TrainingError(
                "the recipe wants curves for TensorBoard, but the package tensorboard is not installed; install it "
                "(pip install tensorboard) or set run.tensorboard = false"
            ) from None
        self._writer: Any = SummaryWriter(str(run / FOLDER), purge_step=step + 1)

    def learned(self, step: int, loss: float, rate: float) -> None:
        """The mean loss since the last point, and the learning rate."""
        self._writer.add_scalar("training/loss", loss, step)
        self._writer.add_scalar("training/learning_rate", rate, step)

    def validated(self, step: int, result: Validation) -> None:
        """The scores that choose the weights, and those of each data set."""
        for name in ("loss", "auc_roc", "auc_pr", "f1"):
            self._writer.add_scalar(f"validation/{name}", getattr(result, name), step)
        if len(result.sources) > 1:
            for source, scores in result.sources.items():
                self._writer.add_scalar(f"{source}/auc_roc", scores.auc_roc, step)
                self._writer.add_scalar(f"{source}/f1", scores.f1, step)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
