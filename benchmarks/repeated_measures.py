"""How well measures of photographs repeat: the default model against two experts, and on the same photograph again."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets.layouts import read_layout
from core.measures.summary import CODEBOOK, measure_vessels
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fov, read_fundus, read_label
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage

CHANGES = ("shifted by 3.4 and 2.7 pixels", "turned by 7 degrees", "JPEG, quality 80")
Row = dict[str, float]
Pairs = npt.NDArray[np.float64]


def agreement(values: Pairs) -> float:
    """ICC(2,1): two-way random effects, absolute agreement, of one rater (Shrout and Fleiss 1979)."""
    count, raters = values.shape
    grand = values.mean()
    of_cases = raters * ((values.mean(axis=1) - grand) ** 2).sum() / (count - 1)
    of_raters = count * ((values.mean(axis=0) - grand) ** 2).sum() / (raters - 1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + grand
    error = (left**2).sum() / ((count - 1) * (raters - 1))
    return float((of_cases - error) / (of_cases + (raters - 1) * error + raters * (of_raters - error) / count))


def limits(values: Pairs) -> str:
    """Bland and Altman's limits of agreement, second less first."""
    apart = values[:, 1] - values[:, 0]
    reach = 1.96 * apart.std(ddof=1)
    return f"{apart.mean() - reach:+.3g} to {apart.mean() + reach:+.3g}"


def with_experts(root: Path, count: int) -> list[str]:
    """The model against the labels of both experts."""
    model, experts = [rows[0] for rows in _photographs(root, count)], _labels(root, count)
    lines = [
        f"serr-unet-general on the first {count} test photographs of DRIVE, which were not used in its training. Its "
        "widths are taken from probabilities, those of the experts from masks: a part of the difference is that.",
        "",
        "| measure | mean | limits, expert 1 | ICC, expert 1 | limits, expert 2 | ICC, expert 2 | ICC of the experts |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in CODEBOOK:
        of_model, first, second = (np.array([row[name] for row in rows]) for rows in (model, experts[0], experts[1]))
        if np.isnan([of_model, first, second]).any():
            continue
        one, other = np.column_stack((first, of_model)), np.column_stack((second, of_model))
        both = agreement(np.column_stack((first, second)))
        cells = [name, f"{of_model.mean():.4g}", limits(one), f"{agreement(one):.2f}", limits(other)]
        lines.append("| " + " | ".join([*cells, f"{agreement(other):.2f}", f"{both:.2f}"]) + " |")
    return lines


def repeats(root: Path, count: int) -> list[str]:
    """What moves when the same photograph is shifted, turned or compressed before it is segmented."""
    photographs = _photographs(root, count)
    lines = [
        f"The same {count} photographs, each segmented again after a change: the median of the absolute change in "
        "% of the value, and the ICC of both.",
        "",
        "| measure | " + " | ".join(f"{change} | ICC" for change in CHANGES) + " |",
        "| --- " * (1 + 2 * len(CHANGES)) + "|",
    ]
    for name in CODEBOOK:
        values = np.array([[row[name] for row in rows] for rows in photographs])
        if np.isnan(values).any():
            continue
        cells = [name]
        for number in range(1, 1 + len(CHANGES)):
            moved = np.abs(values[:, number] - values[:, 0]) / np.maximum(np.abs(values[:, 0]), 1e-12)
            cells += [f"{np.median(moved):.1%}", f"{agreement(values[:, [0, number]]):.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _labels(root: Path, count: int) -> tuple[list[Row], list[Row]]:
    found: tuple[list[Row], list[Row]] = ([], [])
    for case in read_layout("drive", root, "test").cases[:count]:
        assert case.fov is not None
        inside = read_fov(case.fov).inside
        for rows, path in zip(found, case.labels.values(), strict=True):
            rows.append(measure_vessels(read_label(path).vessel, inside).as_dict())
    return found


@cache
def _photographs(root: Path, count: int) -> list[list[Row]]:
    """For each photograph its measures, and those after each of ``CHANGES``."""
    model, found = load_model(), []
    for case in read_layout("drive", root, "test").cases[:count]:
        assert case.fov is not None
        image, fov = read_fundus(case.photo), read_fov(case.fov)
        found.append([_measured(*each, model) for each in ((image, fov), *_changed(image, fov))])
        print(case.stem, flush=True)
    return found


def _changed(image: FundusImage, fov: FieldOfView) -> Iterator[tuple[FundusImage, FieldOfView]]:
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


def _measured(image: FundusImage, fov: FieldOfView, model: LoadedModel) -> Row:
    found = segment_photo(image, model, fov=fov)
    values, threshold = found.probability.values, found.mask.rule.threshold
    return measure_vessels(values, fov.inside, threshold, error_bars=False).as_dict()
