"""Measures of photographs: of two experts' labels, and of what the default model finds in them and in them again."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from core.datasets.layouts import Case, read_layout
from core.measures.summary import measure_vessels
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fov, read_fundus, read_label
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage

CHANGES = ("as it is", "shifted by 3.4 and 2.7 pixels", "turned by 7 degrees", "JPEG, quality 80")
Row = dict[str, float]


def cases(root: Path, count: int) -> list[Case]:
    """The first test photographs of DRIVE, which were not used in the training of the default model."""
    return list(read_layout("drive", root, "test").cases[:count])


def of_labels(case: Case) -> tuple[Row, Row]:
    """Measures of both experts' masks."""
    assert case.fov is not None
    inside = read_fov(case.fov).inside
    first, second = (measure_vessels(read_label(path).vessel, inside).as_dict() for path in case.labels.values())
    return first, second


def keep_maps(case: Case, folder: Path) -> Path:
    """A file of what the default model finds in a photograph, by CHANGES; made where it is missing."""
    kept = folder / f"{case.stem}.npz"
    if not kept.exists():
        assert case.fov is not None
        made: dict[str, np.ndarray] = {}
        image, fov = read_fundus(case.photo), read_fov(case.fov)
        for change, (picture, field) in zip(CHANGES, _changed(image, fov), strict=True):
            found = segment_photo(picture, _model(), fov=field)
            made |= {f"{change}/map": found.probability.values.astype(np.float16), f"{change}/inside": field.inside}
            made["threshold"] = np.array(found.mask.rule.threshold)
        folder.mkdir(parents=True, exist_ok=True)
        beside = kept.with_name(f"{case.stem}.part.npz")
        np.savez_compressed(beside, **made)  # type: ignore[arg-type]
        beside.replace(kept)
    return kept


@cache
def _model() -> LoadedModel:
    return load_model()


def of_photographs(case: Case, folder: Path) -> dict[str, Row]:
    """Measures of what the default model finds, by CHANGES."""
    with np.load(keep_maps(case, folder)) as file:
        threshold = float(file["threshold"])
        return {
            change: measure_vessels(
                file[f"{change}/map"].astype(np.float32), file[f"{change}/inside"], threshold, error_bars=False
            ).as_dict()
            for change in CHANGES
        }


def _changed(image: FundusImage, fov: FieldOfView) -> Iterator[tuple[FundusImage, FieldOfView]]:
    yield image, fov
    height, width = image.shape
    middle = ((width - 1) / 2, (height - 1) / 2)
    for matrix in (np.array([[1, 0, 3.4], [0, 1, -2.7]]), cv2.getRotationMatrix2D(middle, 7, 1.0)):
        rgb = cv2.warpAffine(image.rgb, matrix, (width, height), flags=cv2.INTER_CUBIC)
        field = cv2.warpAffine(fov.inside.view(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
        yield FundusImage(np.asarray(rgb, np.uint8)), FieldOfView(field > 0, "file")
    _, packed = cv2.imencode(".jpg", image.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    rgb = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert rgb is not None
    yield FundusImage(np.ascontiguousarray(rgb[..., ::-1])), fov
