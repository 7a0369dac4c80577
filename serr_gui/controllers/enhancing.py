"""Enhanced pictures of the photograph on the screen: the run, what is kept of it, and whether it is seen."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.files import display_path
from core.session.records import EnhancedRecord
from serr_gui.canvas.wipe import Wipe
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.photos import PhotoController
from serr_gui.controllers.workers import Failure
from serr_gui.model.enhancing import EnhancedPhoto, EnhancerChoice, places_now, with_another
from serr_gui.model.selectors import enhanced_photo
from serr_gui.tasks import enhancing as enhancing_work
from serr_gui.tasks.segmenting import RunOptions

if TYPE_CHECKING:
    from core.enhancement.enhancer import Enhanced


class EnhancingController(QObject):
    """Keeps ``state.enhancing``. The photograph, its labels and its measures stay what they are.

    ``thereAlready`` carries an ``EnhancedPhoto``, and folder and name of a file in the way of its picture.
    """

    thereAlready = Signal(object, Path, str)

    def __init__(self, context: ControllerContext, foreground: ForegroundTask, photos: PhotoController) -> None:
        super().__init__(context)
        self._context, self._long, self._photos = context, foreground, photos
        self._made_here: set[Path] = set()
        context.state.events.photos.connect(self._forget_closed)
        context.state.events.document.connect(self._say_what_was_enhanced)

    def start(self) -> None:
        """Look for the networks that enhance."""
        self._context.workers.start(
            "enhancers",
            enhancing_work.read_enhancers,
            succeeded=self._on_choices,
            failed=partial(self._context.fail, self.tr("The networks that enhance photographs cannot be read.")),
            noted=partial(self._context.notify, "warning"),
        )

    def toggle(self) -> None:
        """Show the enhanced picture of the photograph on the screen, or put it aside; where there is none, make it."""
        state = self._context.state
        if enhanced_photo(state) is not None:
            self._change(shown=not state.enhancing.shown)
        elif state.enhancing.chosen is not None and state.task is None:
            self._enhance(self._model_before() or state.enhancing.chosen)

    def choose(self, model: Path) -> None:
        """Enhance by another network: its picture is shown, and made first where that is necessary."""
        state = self._context.state
        document, enhancing = state.document, state.enhancing
        if document is None or enhancing.made(document.path, document.image, model) is not None:
            self._change(chosen=model)
        else:
            self._enhance(model)

    def write(self, made: EnhancedPhoto, folder: Path, *, overwrite: bool = False) -> None:
        """Write an enhanced picture, next to whatever else is running.

        Where another file has its name, ``thereAlready`` asks for what to do.
        """

        def written(outcome: enhancing_work.WrittenPicture) -> None:
            if outcome.in_the_way is not None:
                self.thereAlready.emit(made, folder, outcome.in_the_way.name)
            elif outcome.path is not None:
                text = self.tr("{name} is written, with a side-car that says that a network made it.")
                self._context.notify("success", text.format(name=display_path(outcome.path.name)), folder=folder)

        self._context.workers.start(
            "enhanced files",
            partial(enhancing_work.write_enhanced, made.picture, folder, overwrite),
            succeeded=written,
            failed=partial(self._context.fail, self.tr("The enhanced photograph could not be written.")),
            completes=True,
        )

    def _before(self) -> EnhancedRecord | None:
        """Which network enhanced the photograph on the screen at an earlier time, and not in this window."""
        state = self._context.state
        document, item = state.document, state.item
        if document is None or item is None or item.path != document.path or item.path in self._made_here:
            return None
        return item.enhanced

    def _say_what_was_enhanced(self) -> None:
        before, item = self._before(), self._context.state.item
        if before is not None and item is not None:
            text = self.tr(
                "{name} was enhanced by {network} before. Enhanced pictures are not kept with the work: View > Enhance "
                "(F6) makes it again."
            )
            text = text.format(name=display_path(item.path.name), network=before.network)
            self._context.notify("info", text, until="photo")

    def _model_before(self) -> Path | None:
        """The network of an earlier time, where it is available still."""
        before = self._before()
        if before is None:
            return None
        for choice in self._context.state.enhancing.choices:
            if choice.sha256 == before.sha256:
                return choice.path
        text = self.tr("The network {network}, which enhanced this photograph before, is missing: another one is used.")
        self._context.notify("warning", text.format(network=before.network))
        return None

    def _enhance(self, model: Path) -> None:
        state = self._context.state
        document = state.document
        if document is None or state.task is not None:
            return
        name = display_path(document.path.name)
        problem = self.tr("{name} could not be enhanced.").format(name=name)

        def failed(failure: Failure) -> None:
            self._change(running=None)
            self._context.fail(problem, failure, until="work")

        request = RunOptions(model, state.device, state.run)
        self._change(running=model)
        self._long.begin(
            "enhance",
            lambda monitor: enhancing_work.enhance_document(document, request, monitor),
            name=name,
            succeeded=partial(self._on_enhanced, document.path, model),
            failed=failed,
            cancelled=lambda: self._change(running=None),
        )

    def _on_enhanced(self, path: Path, model: Path, outcome: "Enhanced") -> None:
        state = self._context.state
        if all(item.path != path for item in state.photos):  # closed meanwhile
            self._change(running=None)
            return
        wipe = Wipe(outcome.rgb, self.tr("Original"), self.tr("Enhanced"))
        made = EnhancedPhoto(path, model, outcome, wipe)
        kept = with_another(state.enhancing.kept, made)
        self._made_here.add(path)
        self._change(kept=kept, running=None, chosen=model, shown=True)
        self._context.set_item(path, enhanced=EnhancedRecord(outcome.card.name, outcome.sha256, outcome.scale))

    def _on_choices(self, choices: tuple[EnhancerChoice, ...]) -> None:
        """Where none is chosen, the first that came with the program and keeps the grid is.

        A network that has another name now keeps its pictures; those of one that was removed are let go.
        """
        enhancing = self._context.state.enhancing
        best = sorted(choices, key=lambda choice: (not choice.bundled, choice.scale))
        now = places_now(enhancing.choices, choices)
        chosen = now.get(enhancing.chosen) if enhancing.chosen is not None else None
        kept = tuple(replace(each, model=now[each.model]) for each in enhancing.kept if each.model in now)
        self._change(choices=choices, chosen=chosen or (best[0].path if best else None), kept=kept)

    def _forget_closed(self) -> None:
        """Let go of the pictures, which are large, of photographs that were closed."""
        state = self._context.state
        there = {item.path for item in state.photos}
        kept = tuple(each for each in state.enhancing.kept if each.photo in there)
        if len(kept) < len(state.enhancing.kept):
            self._change(kept=kept)

    def _change(self, **changes: object) -> None:
        state = self._context.state
        state.enhancing = replace(state.enhancing, **changes)  # type: ignore[arg-type]
        self._photos.refresh_base_view()
