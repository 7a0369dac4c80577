"""Making a result again from its side-car: the same photograph, weights, settings and threshold give the same mask."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.errors import DeviceError, EngineError, FieldOfViewError, InputError, WeightsError
from core.files import display_path, file_sha256, path_text
from core.inference.device import choose_device
from core.inference.engine_choice import checked_engine
from core.inference.options import InferenceOptions
from core.models.catalogue import list_models, load_model
from core.models.temperature import Temperature
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import is_photo_path, read_fov, read_fundus
from core.photo.recipe import Preprocessing
from core.progress import SILENT, Monitor
from core.results import changed_files
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.sidecar import SideCar, pixels_sha256, read_sidecar
from core.types import FieldOfView, FundusImage

_MOST_HASHED: Final = 1000
"""So many pictures are read to find a photograph that was renamed."""


def replay_sidecar(
    path: Path, photo: Path | None = None, *, model: LoadedModel | None = None, monitor: Monitor = SILENT
) -> Segmentation:
    """Make the result of a side-car again, with its photograph, weights, recipe, field of view, options and threshold.

    On the machine that made it the mask is identical, pixel for pixel. Where it is not (another kind of processor), a
    sentence among the notes says so. Another says which files beside the side-car are not those that it describes.

    Parameters
    ----------
    photo : the photograph; None: where the side-car says, or beside the side-car, also under another name.
    model : the network; None: the one with the side-car's hash among the available models.

    Raises
    ------
    InputError : the side-car or the photograph is missing, changed or unreadable, or the mask was corrected by hand.
    FieldOfViewError, WeightsError : the field of view or the weights no longer exist, or are not the same.
    """
    path = Path(path)
    sidecar = read_sidecar(path)
    if sidecar.edited:
        raise InputError(
            f"The mask of {display_path(path)} was corrected by hand. Its side-car does not hold the strokes, so it "
            "cannot be made again."
        )
    image = read_fundus(photo_of(sidecar, photo))
    if sidecar.photo_sha256 not in {None, image.sha256}:
        raise InputError(f"{display_path(image.source or '')} was changed while it was read. Try again.")
    if model is None:
        model = _same_model(sidecar)
    elif model.sha256 != sidecar.model_sha256:
        raise WeightsError(f"{display_path(path)} was made with other weights than {model.card.name} has.")
    try:
        recipe = Preprocessing.from_dict(sidecar.record["model"]["preprocessing"])
        scaling = Temperature.from_record(sidecar.record["model"].get("scaling"))
        options = InferenceOptions.from_dict(sidecar.options)
    except (WeightsError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"The side-car {display_path(path)} is damaged ({error}).") from error
    notes = []
    changed = changed_files(sidecar)
    if changed:
        notes.append(
            f"{', '.join(changed)} beside it changed since, or came from another run: {display_path(path.name)} does "
            "not describe it. What is made again here is the result of the side-car."
        )
    try:
        choose_device(options.device)
    except DeviceError:
        notes.append(
            f'It was made on the device "{options.device}", which is not there: small differences are possible.'
        )
        options = replace(options, device="auto")
    try:
        checked_engine(options.engine, options.device)
    except EngineError:
        notes.append(f"It was made by the engine {options.engine}, which is not there: small differences are possible.")
        options = replace(options, engine="torch")
    model = replace(model, card=replace(model.card, preprocessing=recipe, scaling=scaling))
    field = same_field(sidecar, image)
    found = segment_photo(image, model, fov=field, options=options, rule=sidecar.rule, monitor=monitor)
    if pixels_sha256(found.mask.vessel) != sidecar.mask_sha256:
        notes.append(
            "The mask is not identical to that of the side-car: it was made on another kind of processor or with "
            "other versions."
        )
    return replace(found, notes=(*found.notes, *notes))


def photo_of(sidecar: SideCar, photo: Path | None = None) -> Path:
    """The photograph of a side-car: the one that is given, or that the side-car names, or of that name beside it.

    Where none of these is there, the one with its hash: beside the side-car, in the folder above, or in the folder that
    the side-car names.
    """
    folder = sidecar.path.absolute().parent
    if photo is not None:
        places = [Path(photo)]
    elif sidecar.photo is not None:
        places = [sidecar.photo, folder / sidecar.photo.name, folder.parent / sidecar.photo.name]
        places = [_on_disk(place) for place in places]
    else:
        raise InputError(
            f"{display_path(sidecar.path)} does not name its photograph. Say which one it is (--photo on the command "
            "line)."
        )
    there = [place for place in places if place.is_file()]
    for place in there:
        if sidecar.photo_sha256 in {None, file_sha256(place)}:
            return place
    if photo is None and sidecar.photo_sha256 is not None:
        for place in _pictures_in({path.parent: None for path in (folder / "any", folder, *places)}):
            if file_sha256(place) == sidecar.photo_sha256:
                return place
    if not there:
        known = f", with the SHA-256 {sidecar.photo_sha256}" if sidecar.photo_sha256 else ""
        raise InputError(
            f"The photograph {display_path(places[0])} of {display_path(sidecar.path.name)} is not there. Say where it "
            f"is (--photo on the command line): it is the same file, whatever its name{known}."
        )
    raise InputError(
        f"{display_path(there[0])} is not the photograph that {display_path(sidecar.path.name)} was made from, or has "
        "changed since. If you have it unchanged, say where it is (--photo on the command line)."
    )


def _pictures_in(folders: Iterable[Path]) -> list[Path]:
    """The pictures of folders, at most ``_MOST_HASHED`` of them."""
    found: list[Path] = []
    for folder in folders:
        with suppress(OSError):
            found += sorted(path for path in folder.iterdir() if is_photo_path(path) and path.is_file())
    return found[:_MOST_HASHED]


def _on_disk(path: Path) -> Path:
    """The file that a side-car means: in text, bytes of names that are not UTF-8 are escaped (``path_text``)."""
    if "\\" not in str(path) or path.exists():
        return path
    place = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        exact = place / part
        if "\\" in part and not exact.exists():
            with suppress(OSError):
                exact = next((one for one in place.iterdir() if path_text(one.name) == part), exact)
        place = exact
    return place


def _same_model(sidecar: SideCar) -> LoadedModel:
    for entry in list_models():
        if entry.card.sha256 == sidecar.model_sha256:
            return load_model(entry.path)
    raise WeightsError(
        f"{display_path(sidecar.path)} was made with weights ({sidecar.model}, SHA-256 {sidecar.model_sha256[:12]}...) "
        "that are not among the available models. Add them to the models, or give their file."
    )


def same_field(sidecar: SideCar, image: FundusImage) -> FieldOfView:
    """The field of view that a result was made in. Raises FieldOfViewError where it cannot be had again."""
    if sidecar.fov_origin == "full":
        field = FieldOfView.full(image.shape)
    elif sidecar.fov_origin == "estimated":
        field = estimate_field_of_view(image)
    elif sidecar.fov_origin == "file" and sidecar.fov_file is not None:
        field = read_fov(_on_disk(sidecar.fov_file), shape=image.shape)
    elif sidecar.fov_origin == "edited" and "fov" in sidecar.files:
        drawn = read_fov(sidecar.path.parent / sidecar.files["fov"], shape=image.shape)
        field = FieldOfView(drawn.inside, "edited")
    else:
        raise FieldOfViewError(
            f"The field of view of {display_path(sidecar.path)} was drawn by hand, and the side-car names no file with "
            "it, so the result cannot be made again."
        )
    if pixels_sha256(field.inside) != sidecar.fov_sha256:
        raise FieldOfViewError(
            f"The field of view is not the one that {display_path(sidecar.path)} was made with: its mask has changed, "
            "or another version of the program finds another one."
        )
    return field
