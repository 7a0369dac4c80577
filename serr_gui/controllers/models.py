"""Models and devices: what there is, and which of them the next run uses."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.progress import Monitor
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure
from serr_gui.model.state import DeviceChoice, ModelChoice

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry


class ModelController(QObject):
    """Keeps the model and device choosers' part of the state.

    ``added`` carries the ``ModelChoice`` of a model that came to the list. It is not chosen by that: a model is used,
    now and at the next start, only where a person chooses it. ``nameTaken`` carries a ``NameTaken``: a weights file
    that needs another name. ``cardRead`` carries a ``ModelEntry``. ``enhancersChanged`` : networks that
    enhance photographs, which do not belong to this list, came to the registry, got another name or were removed.
    """

    added = Signal(object)
    nameTaken = Signal(object)
    cardRead = Signal(object)
    enhancersChanged = Signal()

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._devices_started = False

    def start(self, wanted_model: str = "", added: Sequence[Path] = ()) -> None:
        """Look for models and then devices in the background.

        Parameters
        ----------
        wanted_model : the name or path of a model to choose.
        added : weights files that an earlier version kept as paths: they come into the registry.
        """
        self._context.workers.start(
            "models",
            partial(tasks.first_models, wanted_model, added),
            succeeded=self._on_first_models,
            failed=partial(self._on_models_failed, self.tr("The models cannot be read.")),
            noted=partial(self._context.notify, "warning"),
        )

    def set_model(self, path: Path) -> None:
        """Use another model from the next run on."""
        state = self._context.state
        if path != state.model and any(choice.path == path for choice in state.models):
            state.model = path
            self._context.follow_rule()
            self._context.settled.emit()

    def add_model(self, file: Path, name: str | None = None, notes: str | None = None) -> None:
        """Take a weights file into the registry, without choosing it; ``None``: name or notes as the file has them."""

        def done(outcome: "ModelEntry | tasks.NameTaken") -> None:
            if isinstance(outcome, tasks.NameTaken):
                self.nameTaken.emit(outcome)
            elif outcome.card.task == "enhancement":
                text = self.tr("The network {name} is added. View > Enhance offers it.")
                self._context.notify("success", text.format(name=outcome.card.name))
                self.enhancersChanged.emit()
            else:
                path = outcome.path
                self._refresh(choose=path if file == self._context.state.model else None, added=path, moved=file)

        self._context.workers.start(
            "own models",
            partial(tasks.add_model, file.absolute(), name, notes),
            succeeded=done,
            failed=partial(self._context.fail, self.tr("The weights file cannot be used.")),
        )

    def change_model(self, old_name: str, name: str, notes: str) -> None:
        """Give one of the person's own models another name and other notes."""
        self._change(partial(tasks.change_model, old_name, name, notes), self.tr("The model {name} is written."), name)

    def remove_model(self, name: str) -> None:
        """Remove one of the person's own models."""
        self._change(partial(tasks.remove_model, name), self.tr("The model {name} is removed."), name, gone=True)

    def change_enhancer(self, old_name: str, name: str, notes: str) -> None:
        """Give one of the person's own networks that enhance another name and other notes."""
        task, sentence = partial(tasks.change_model, old_name, name, notes), self.tr("The network {name} is written.")
        self._change(task, sentence, name, enhancer=True)

    def remove_enhancer(self, name: str) -> None:
        """Remove one of the person's own networks that enhance."""
        task, sentence = partial(tasks.remove_model, name), self.tr("The network {name} is removed.")
        self._change(task, sentence, name, enhancer=True)

    def export_model(self, file: Path, target: Path) -> None:
        """Write a weights file for another machine."""

        def done(outcome: Path) -> None:
            text = self.tr("The model is written to {name}. On another machine it is added with + beside Model.")
            self._context.notify("success", text.format(name=outcome.name), folder=outcome.parent)

        self._context.workers.start(
            "own models",
            partial(tasks.export_model, file, target),
            succeeded=done,
            failed=partial(self._context.fail, self.tr("The model cannot be written.")),
        )

    def read_card(self, path: Path, *, bundled: bool) -> None:
        """Read what a model says about itself; ``cardRead`` brings it."""
        self._context.workers.start(
            "card",
            partial(tasks.read_entry, path, bundled),
            succeeded=self.cardRead.emit,
            failed=partial(self._context.fail, self.tr("The card of the model cannot be read.")),
        )

    def set_device(self, request: str) -> None:
        """Ask for another device from the next run on."""
        self._context.state.device = request

    def _change(
        self, task: Callable[[Monitor], Path], sentence: str, name: str, *, gone: bool = False, enhancer: bool = False
    ) -> None:
        def done(outcome: Path) -> None:
            self._context.notify("success", sentence.format(name=name))
            if enhancer:
                self.enhancersChanged.emit()
            else:
                self._refresh(choose=None if gone else outcome)

        self._context.workers.start(
            "own models",
            task,
            succeeded=done,
            failed=partial(self._context.fail, self.tr("The model cannot be changed.")),
        )

    def _refresh(self, choose: Path | None = None, added: Path | None = None, moved: Path | None = None) -> None:
        """Read the registry again; ``choose`` one of its models, or tell of a new one.

        ``moved`` : a weights file that was used where it is, and is now in the registry.
        """
        state = self._context.state
        files = tuple(choice.path for choice in state.models if choice.path != moved)
        self._context.workers.start(
            "models",
            lambda monitor: tasks.read_models([path for path in files if path.exists()], monitor),
            succeeded=partial(self._on_models_refreshed, choose, added, str(choose or state.model or "")),
            failed=partial(self._context.fail, self.tr("The models cannot be read.")),
            noted=partial(self._context.notify, "warning"),
        )

    def _on_first_models(self, outcome: tasks.FirstModels) -> None:
        self._set_models(outcome.choices, outcome.wanted)
        self._context.settled.connect(self._start_devices)
        self._start_devices()

    def _on_models_refreshed(
        self, choose: Path | None, added: Path | None, wanted: str, outcome: tuple[ModelChoice, ...]
    ) -> None:
        state = self._context.state
        chosen = state.model_choice
        self._set_models(outcome, wanted)
        if choose is not None:
            self.set_model(choose)
        new = next((choice for choice in state.models if choice.path == added), None)
        if new is None:
            return
        self._context.notify("success", self.tr("The model {name} is added.").format(name=new.name))
        if chosen is None:
            self.set_model(new.path)
        elif new != state.model_choice:
            self.added.emit(new)

    def _on_models_failed(self, sentence: str, failure: Failure) -> None:
        self._context.fail(sentence, failure)
        self._on_first_models(tasks.FirstModels((), ""))

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

    def _set_models(self, models: tuple[ModelChoice, ...], wanted: str) -> None:
        """Show the models; where none of them is chosen, choose the one of the name or path that is wanted."""
        state = self._context.state
        state.models = models
        if state.model_choice is None and models:
            by_path = [choice for choice in models if str(choice.path) == wanted]
            by_name = [choice for choice in models if choice.name == wanted]
            if wanted and not by_path and not by_name:
                self._context.notify(
                    "warning",
                    self.tr("The model {name} is no longer available; {other} is used.").format(
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


def _first_choice(models: Sequence[ModelChoice]) -> ModelChoice:
    from core.models.catalogue import DEFAULT_MODEL

    return next((choice for choice in models if choice.name == DEFAULT_MODEL), models[0])
