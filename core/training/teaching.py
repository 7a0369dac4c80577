"""Distillation: a network learns from the probabilities of another one, beside or in the place of an expert's label.

Hinton et al. 2015, arXiv 1503.02531, without a temperature: vessel or not are two classes, and what a larger network
knows of them is in its probabilities. The teacher sees each photograph once, as it is; what the pupil sees are its
random crops and changes.
"""

from pathlib import Path
from threading import Lock

from core.datasets.leakage import fingerprint
from core.enhancement.recipe import as_recipe_wants
from core.errors import TrainingError
from core.inference.predictor import predict
from core.models.catalogue import find_model, load_model
from core.photo.finding import photos_in
from core.photo.label_matching import on_grid
from core.photo.preprocessing import NetInput, prepare, restore
from core.training.config import TeacherSection, TrainingConfig
from core.types import FieldOfView, FloatArray, FundusImage


class Teacher:
    """A model that gives targets. May be asked from several threads, and answers one at a time.

    Raises
    ------
    WeightsError : there is no such model. TrainingError : it is another one than when the run was begun.
    """

    def __init__(self, part: TeacherSection) -> None:
        self._part, self._asked = part, Lock()
        self._model = load_model(find_model(part.model))
        if part.sha256 not in {"", self._model.sha256}:
            raise TrainingError(
                f"the teacher {part.model} is no longer the model that this run was begun with; put that one back, or "
                "begin a new run"
            )

    @classmethod
    def of(cls, config: TrainingConfig) -> "Teacher | None":
        """The teacher of a recipe, None where it has none."""
        return cls(config.teacher) if config.teacher.model else None

    def says(self, image: FundusImage, fov: FieldOfView, prepared: NetInput) -> FloatArray:
        """The teacher's probabilities on the grid of ``prepared``, float32 (h, w), 0 outside the field of view."""
        recipe = self._model.card.preprocessing
        with self._asked:
            seen = prepare(as_recipe_wants(image, recipe), fov, recipe)
            values = restore(predict(self._model, seen).values, seen, fov)
        return on_grid(self._model.card.scaling.apply(values), prepared, "soft")

    def beside(self, target: FloatArray, image: FundusImage, fov: FieldOfView, prepared: NetInput) -> FloatArray:
        """The mean of a label on the grid and the teacher's probabilities, weighted by the recipe's share."""
        share = self._part.share
        mixed: FloatArray = (1.0 - share) * target + share * self.says(image, fov, prepared)
        return mixed


def unlabelled_photographs(part: TeacherSection, root: Path) -> tuple[Path, ...]:
    """The photographs without labels of a recipe.

    Raises
    ------
    InputError : the folder cannot be read. TrainingError : it has none.
    """
    if not part.photographs:
        return ()
    folder = root / part.photographs
    photos = photos_in(folder).photos
    if not photos:
        raise TrainingError(
            f"there is no photograph in {folder}, from which the teacher's probabilities were to be learned"
        )
    return photos


def learned_from_teacher(part: TeacherSection, root: Path) -> dict[str, object]:
    """For the card: the teacher, what it had learned from, and which photographs without labels it was asked about."""
    sources = list(part.sources)
    if photos := unlabelled_photographs(part, root):
        sources.append({"dataset": "photographs without labels", "fingerprints": sorted(map(fingerprint, photos))})
    return {
        "name": Path(part.model).stem,
        "sha256": part.sha256,
        "share": part.share,
        "sources": sources,
        "knows_sources": bool(part.sources),  # the list alone does not tell: it has the photographs without labels, too
    }
