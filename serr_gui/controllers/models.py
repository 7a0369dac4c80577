"""Models and devices: what there is, and which of them the next run uses."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure
from serr_gui.model.state import DeviceChoice, ModelChoice


class ModelController(QObject):
    """Keeps the model and device choosers' part of the state.

    ``added`` carries the ``ModelChoice`` of a model that came to the list. It is not chosen by that: a model is used,
    now and at the next start, only where a person chooses it.
    """

    added = Signal(object)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._wanted_model = ""
        self._devices_started = False

    def start(self, wanted_model: str = "") -> None:
        """Look for models and then devices in the background. ``wanted_model`` is a name or path of the last time."""
        self._wanted_model = wanted_model
        self._context.workers.start(
            "models",
            partial(tasks.read_models, self._context.state.model_files),
            succeeded=self._on_models_read,
            failed=partial(self._on_models_failed, self.tr("The models cannot be read.")),
            noted=partial(self._context.notify, "warning"),
        )

    def refresh(self, choose: Path | None = None, added: Path | None = None) -> None:
        """Look for models again, after the person's own have changed; ``choose`` one of them, or tell of a new one."""
        state = self._context.state
        self._wanted_model = str(choose or state.model or "")
        self._context.workers.start(
            "models",
            partial(tasks.read_models, tuple(path for path in self._context.state.model_files if path.exists())),
            succeeded=partial(self._on_models_refreshed, choose, added),
            failed=partial(self._context.fail, self.tr("The models cannot be read.")),
            noted=partial(self._context.notify, "warning"),
        )

    def set_model(self, path: Path) -> None:
        """Use another model from the next run on."""
        state = self._context.state
        if path != state.model and any(choice.path == path for choice in state.models):
            state.model = path
            self._context.follow_rule()
            self._context.settled.emit()

    def add_model(self, path: Path) -> None:
        """Add a weights file to the models that can be chosen."""
        self._context.workers.start(
            "model",
            partial(tasks.check_model_file, path.absolute()),
            succeeded=self._on_model_checked,
            failed=partial(self._context.fail, self.tr("The weights file cannot be used.")),
        )

    def set_device(self, request: str) -> None:
        """Ask for another device from the next run on."""
        self._context.state.device = request

    def _on_models_read(self, outcome: tuple[ModelChoice, ...]) -> None:
        self._set_models(outcome)
        self._context.settled.connect(self._start_devices)
        self._start_devices()

    def _on_models_refreshed(self, choose: Path | None, added: Path | None, outcome: tuple[ModelChoice, ...]) -> None:
        self._set_models(outcome)
        if choose is not None:
            self.set_model(choose)
        new = next((choice for choice in self._context.state.models if choice.path == added), None)
        if new is not None and new != self._context.state.model_choice:
            self.added.emit(new)

    def _on_models_failed(self, sentence: str, failure: Failure) -> None:
        self._context.fail(sentence, failure)
        self._on_models_read(())

    def _start_devices(self) -> None:
        """Look for devices, which imports torch: not while the first photograph is on its way to the screen."""
        workers = self._context.workers
        if self._devices_started or workers.busy("find") or workers.busy("open"):
            return
        self._devices_started = True
        workers.start(
            "devices",
            tasks.read_devices,
            succeeded=self._on_devices_read,
            failed=partial(self._on_devices_failed, self.tr("The network's library cannot be loaded.")),
        )

    def _on_devices_read(self, outcome: tuple[DeviceChoice, ...]) -> None:
        state = self._context.state
        state.devices = outcome
        kind = state.device.partition(":")[0]
        state.device = next((device.request for device in outcome if device.request.partition(":")[0] == kind), "auto")
        state.library_ready = True

    def _on_devices_failed(self, sentence: str, failure: Failure) -> None:
        self._context.state.library_ready = True
        self._context.fail(sentence, failure)

    def _set_models(self, models: tuple[ModelChoice, ...]) -> None:
        state = self._context.state
        state.models = models
        if state.model_choice is None and models:
            wanted = self._wanted_model
            by_path = [choice for choice in models if str(choice.path) == wanted]
            by_name = [choice for choice in models if choice.name == wanted]
            if wanted and not by_path and not by_name:
                self._context.notify(
                    "warning",
                    self.tr("The model {name} is not there any more; {other} is used.").format(
                        name=Path(wanted).stem, other=_first_choice(models).name
                    ),
                )
            state.model = (by_path or by_name or [_first_choice(models)])[0].path
            self._context.follow_rule()
        if not models:
            self._context.notify(
                "warning",
                self.tr(
                    "There is no trained model. Add a weights file (.safetensors) with Segment > Add Weights File."
                ),
            )
        self._context.settled.emit()

    def _on_model_checked(self, outcome: ModelChoice) -> None:
        state = self._context.state
        if all(choice.path != outcome.path for choice in state.models):
            self._context.state.model_files = (*self._context.state.model_files, outcome.path)
            state.models = (*state.models, outcome)
        self._context.notify("success", self.tr("The model {name} is added.").format(name=outcome.name))
        if state.model_choice is None:
            self.set_model(outcome.path)
        elif state.model != outcome.path:
            self.added.emit(outcome)


def _first_choice(models: Sequence[ModelChoice]) -> ModelChoice:
    from core.models.catalogue import DEFAULT_MODEL

    return next((choice for choice in models if choice.name == DEFAULT_MODEL), models[0])
