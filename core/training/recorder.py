"""What a run writes about itself: the event log, curves for TensorBoard, and pictures of a validation photograph."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.training.config import TrainingConfig
from core.training.data import HeldOut, TrainingData
from core.training.events import EventLog
from core.training.pictures import Pictures
from core.training.run_state import RunState
from core.training.tensorboard import TensorBoardLog
from core.training.validation import Validation
from core.types import FloatArray

EVENTS_FILE = "events.jsonl"


class RunRecorder:
    """Writes the records of a run into its folder; of several processes the first alone does.

    Raises OutputError where a file cannot be written.
    """

    def __init__(self, config: TrainingConfig, data: TrainingData, out: Path, *, writes: bool) -> None:
        self._config, self._data, self._out, self._writes = config, data, out, writes
        self._log = EventLog(out / EVENTS_FILE, writes=writes)
        self._pictures = Pictures(out)
        self._board: TensorBoardLog | None = None

    def begin_after(self, state: RunState, *, resumed: bool) -> None:
        """Drop what a killed run wrote after its last checkpoint."""
        self._log.cut_after(state.step if resumed else -1, state.validated_step)
        if self._config.run.tensorboard and self._writes:
            self._board = TensorBoardLog(self._out, state.step)

    def started(self, state: RunState, *, device: str, parameters: int) -> None:
        """The run begins, or is resumed."""
        config, sources = self._config, self._data.sources
        self._log.write(
            "started" if state.step == 0 else "resumed",
            step=state.step,
            steps=config.optimisation.steps,
            batch=config.optimisation.batch,
            validate_every=config.run.validate_every,
            choose_by=config.optimisation.choose_by,
            device=device,
            training=[sample.name for source in sources for sample in source.training],
            validation=[name for source in sources for name in source.held_out_names],
            sources={
                source.name: {
                    "training": [sample.name for sample in source.training],
                    "validation": source.held_out_names,
                }
                for source in sources
            },
            parameters=parameters,
        )
        if self._writes:
            photo, label = self._pictures.begin(self._watched.picture, self._watched.label)
            self._log.write("pictured", step=state.step, name=self._watched.name, photo=photo, label=label)

    def learned(self, state: RunState, rate: float, seconds_per_step: float) -> None:
        """Some steps are done: their mean loss, the learning rate, and how fast they were."""
        loss = float(np.mean(state.losses[-self._config.run.log_every :]))
        if self._board is not None:
            self._board.learned(state.step, loss, rate)
        self._log.write(
            "learned",
            step=state.step,
            training_loss=loss,
            learning_rate=rate,
            seconds_per_step=round(seconds_per_step, 4),
            images_per_second=round(self._config.optimisation.batch / max(seconds_per_step, 1e-6), 2),
        )

    def picture_of(self, held: HeldOut, values: FloatArray, step: int) -> str:
        """The file with the map of the photograph that is watched; empty for any other."""
        return self._pictures.add(step, values) if held is self._watched else ""

    def validated(
        self,
        step: int,
        result: Validation,
        losses: Sequence[float],
        *,
        rate: float,
        seconds_per_step: float,
        seconds: float,
        picture: str,
    ) -> None:
        """The scores of a validation, with the losses since the one before."""
        self._log.write(
            "validated",
            step=step,
            training_loss=float(np.mean(losses)) if losses else None,
            learning_rate=rate,
            seconds_per_step=round(seconds_per_step, 4),
            seconds=round(seconds, 3),
            picture=picture,
            validation=asdict(result),
        )
        if self._board is not None:
            self._board.validated(step, result)

    def stopped_early(self, state: RunState) -> None:
        """No validation was better for as long as the recipe has patience."""
        self._log.write("stopped_early", step=state.step, best_step=state.best_step)

    def finished(self, state: RunState, best: Validation, *, weights: str, last: str) -> None:
        """The weights files are written."""
        self._log.write(
            "finished", step=state.step, weights=weights, last=last, best_step=state.best_step, best=asdict(best)
        )
        if self._board is not None:
            self._board.close()

    @property
    def _watched(self) -> HeldOut:
        return self._data.sources[0].validation[0]
