"""Making a result again from its side-car: the same photograph, weights, settings and threshold give the same mask."""

from dataclasses import replace
from pathlib import Path

from core.errors import DeviceError, FieldOfViewError, InputError, WeightsError
from core.files import file_sha256, shown
from core.inference.device import choose_device
from core.inference.predictor import InferenceOptions
from core.models.catalogue import list_models, load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import Preprocessing
from core.photo.reading import read_fov, read_fundus
from core.progress import SILENT, Monitor
from core.results import changed_files
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.sidecar import SideCar, pixels_sha256, read_sidecar
from core.types import FieldOfView, FundusImage


def replay_sidecar(
    path: Path, photo: Path | None = None, *, model: LoadedModel | None = None, monitor: Monitor = SILENT
) -> Segmentation:
    """Make the result of a side-car again, with its photograph, weights, recipe, field of view, options and threshold.

    On the machine that made it the mask is identical, pixel for pixel. Where it is not (another kind of processor), a
    sentence among the notes says so. Another says which files beside the side-car are not those that it describes.

    Parameters
    ----------
    photo : the photograph; None: where the side-car says, or beside the side-car.
    model : the network; None: the one with the side-car's hash among the models that are there.

    Raises
    ------
    InputError : the side-car or the photograph is missing, changed or unreadable, or the mask was corrected by hand.
    FieldOfViewError, WeightsError : the field of view or the weights are not there any more, or not the same.
    """
    path = Path(path)
    sidecar = read_sidecar(path)
    if sidecar.edited:
        raise InputError(
            f"The mask of {shown(path)} was corrected by hand. Its side-car does not hold the strokes, so it cannot be "
            "made again."
        )
    image = read_fundus(_same_photo(sidecar, photo))
    if sidecar.photo_sha256 not in {None, image.sha256}:
        raise InputError(f"{shown(image.source or '')} was changed while it was read. Try again.")
    if model is None:
        model = _same_model(sidecar)
    elif model.sha256 != sidecar.model_sha256:
        raise WeightsError(f"{shown(path)} was made with other weights than {model.card.name} has.")
    try:
        recipe = Preprocessing.from_dict(sidecar.record["model"]["preprocessing"])
        options = InferenceOptions.from_dict(sidecar.options)
    except (WeightsError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"The side-car {shown(path)} is damaged ({error}).") from error
    notes = []
    changed = changed_files(sidecar)
    if changed:
        notes.append(
            f"{', '.join(changed)} beside it changed since, or came from another run: {shown(path.name)} does not "
            "describe it. What is made again here is the result of the side-car."
        )
    try:
        choose_device(options.device)
    except DeviceError:
        notes.append(
            f'It was made on the device "{options.device}", which is not there: small differences are possible.'
        )
        options = replace(options, device="auto")
    model = replace(model, card=replace(model.card, preprocessing=recipe))
    field = _same_fov(sidecar, image)
    found = segment_photo(image, model, fov=field, options=options, rule=sidecar.rule, monitor=monitor)
    if pixels_sha256(found.mask.vessel) != sidecar.mask_sha256:
        notes.append(
            "The mask is not identical to that of the side-car: it was made on another kind of processor or with "
            "other versions."
        )
    return replace(found, notes=(*found.notes, *notes))


def _same_photo(sidecar: SideCar, photo: Path | None) -> Path:
    """The photograph of a side-car: the one that is given, or that the side-car names, or of that name beside it."""
    folder = sidecar.path.absolute().parent
    if photo is not None:
        places = [Path(photo)]
    elif sidecar.photo is not None:
        places = [sidecar.photo, folder / sidecar.photo.name, folder.parent / sidecar.photo.name]
    else:
        raise InputError(f"{shown(sidecar.path)} does not name its photograph. Say which one it is.")
    there = [place for place in places if place.is_file()]
    if not there:
        raise InputError(
            f"The photograph {shown(places[0])} of {shown(sidecar.path.name)} is not there. Say where it is."
        )
    for place in there:
        if sidecar.photo_sha256 in {None, file_sha256(place)}:
            return place
    raise InputError(
        f"{shown(there[0])} is not the photograph that {shown(sidecar.path.name)} was made from, or has changed since."
    )


def _same_model(sidecar: SideCar) -> LoadedModel:
    for entry in list_models():
        if entry.card.sha256 == sidecar.model_sha256:
            return load_model(entry.path)
    raise WeightsError(
        f"{shown(sidecar.path)} was made with weights ({sidecar.model}, SHA-256 {sidecar.model_sha256[:12]}...) "
        "that are not among the models that are there. Add them to the models, or give their file."
    )


def _same_fov(sidecar: SideCar, image: FundusImage) -> FieldOfView:
    if sidecar.fov_origin == "full":
        field = FieldOfView.full(image.shape)
    elif sidecar.fov_origin == "estimated":
        field = estimate_field_of_view(image)
    elif sidecar.fov_origin == "file" and sidecar.fov_file is not None:
        field = read_fov(sidecar.fov_file, shape=image.shape)
    else:
        raise FieldOfViewError(
            f"The field of view of {shown(sidecar.path)} was drawn by hand. The side-car does not hold it, so the "
            "result cannot be made again."
        )
    if pixels_sha256(field.inside) != sidecar.fov_sha256:
        raise FieldOfViewError(
            f"The field of view is not the one that {shown(sidecar.path)} was made with: its mask has changed, or "
            "another version of the program finds another one."
        )
    return field
