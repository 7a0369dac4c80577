"""``serr evaluate``: score a model on a published data set."""

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from core.cli.console import UsageError, monitored, say, say_json
from core.cli.options import (
    DEVICE_HELP,
    MODEL_HELP,
    THRESHOLD_HELP,
    TTA_HELP,
    checked_dataset,
    checked_device,
    checked_threshold,
    checked_tta,
    found_model,
    one_of,
)


def evaluate(
    *,
    root: Annotated[Path, typer.Option("--root", help="Folder of the data set, or the folder that holds it.")],
    dataset: Annotated[str, typer.Option("--dataset", help="drive, stare, chase_db1 or hrf.")] = "drive",
    split: Annotated[str, typer.Option("--split", help="Part of the data set, such as test or train.")] = "test",
    model: Annotated[str | None, typer.Option("--model", help=MODEL_HELP)] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help=THRESHOLD_HELP)] = None,
    region: Annotated[
        str, typer.Option("--region", help="fov: count inside the field of view; image: in the whole image.")
    ] = "fov",
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", help="Expert to take for the truth, by number (1, 2) or name; the usual one by default."
        ),
    ] = None,
    tta: Annotated[str, typer.Option("--tta", help=TTA_HELP)] = "none",
    device: Annotated[str, typer.Option("--device", help=DEVICE_HELP)] = "auto",
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the table to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a model on a data set: each photograph, all pixels pooled, and the mean over photographs.

    Where a second expert has drawn the same photographs, that expert's figures stand beside the model's.
    """
    counted = cast(Literal["fov", "image"], one_of("--region", region, ("fov", "image")))
    averaging = checked_tta(tta)
    device = checked_device(device)
    threshold = checked_threshold(threshold)
    dataset = checked_dataset(dataset)
    if csv is not None and (csv.is_dir() or not csv.absolute().parent.is_dir()):
        raise UsageError(f"--csv {csv} is no file in an existing folder.")

    from core.datasets.layouts import read_layout, splits

    one_of("--split", split, splits(dataset))
    cases = read_layout(dataset, root, split)
    truth = _label_name(labels, tuple(cases.cases[0].labels))

    from core.weights import DEFAULT_MODEL

    path = found_model(model if model is not None else DEFAULT_MODEL)

    from core.evaluation.folder import evaluate_dataset
    from core.evaluation.report import Method
    from core.files import write_bytes_atomic
    from core.inference.device import choose_device
    from core.inference.predictor import InferenceOptions
    from core.progress import Monitor
    from core.segment import segment_photo
    from core.types import FieldOfView, FundusImage, ProbabilityMap, ThresholdRule
    from core.weights import load_model

    loaded = load_model(path)
    options = InferenceOptions(device=device, tta=averaging)
    rule = loaded.card.rule if threshold is None else ThresholdRule.nearest(threshold)

    def predict(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        return segment_photo(image, loaded, fov=fov, options=options, rule=rule, monitor=monitor).probability

    method = Method(loaded.card.name, loaded.sha256, averaging, loaded.card.seeds, choose_device(device).label)
    with monitored() as monitor:
        report = evaluate_dataset(
            cases, predict, method=method, rule=rule, region=counted, labels=truth, monitor=monitor
        )
    if csv is not None:
        write_bytes_atomic(csv, report.to_csv().encode())
    if as_json:
        say_json(report.to_dict())
    else:
        say(report.to_text())


def _label_name(wanted: str | None, known: tuple[str, ...]) -> str | None:
    """The name of an expert who is given by number or name."""
    if wanted is None or wanted in known:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(known):
        return known[int(wanted) - 1]
    numbered = ", ".join(f"{number} ({name})" for number, name in enumerate(known, start=1))
    raise UsageError(f"--labels {wanted} is not known; this data set has: {numbered}.")
