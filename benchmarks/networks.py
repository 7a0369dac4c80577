"""All networks side by side: the same photographs, recipe and steps, several seeds, measured once on the test part.

    python benchmarks/networks.py --root DATA --out RUNS [--steps N] [--seeds 0 1 2] [--groups networks ...]
    python benchmarks/networks.py ... --page docs/benchmarks/ablation.md

Each network and seed is trained in a folder of its own under RUNS, then measured on DRIVE's test photographs, which no
choice is made on: weights and threshold come from photographs held out of the training part. The program can be
stopped at any time; called again it leaves out what is done, and resumes what was begun. After every run it writes the
page (RUNS/ablation.md where --page names none) and, at the end, beside it in ``images``, the maps and error maps of the
networks for three photographs that may travel: the sample of the program and two drawn ones.

Below ``ENOUGH_STEPS`` steps or ``ENOUGH_SEEDS`` seeds the page says that its differences mean nothing, and leaves out
the tests: after 200 steps, seeds of one and the same network differed by 0.015 in AUC.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from ablation import VARIANTS, Change, changed, finished, folder_of, shortened
from PIL import Image, ImageDraw

from core.cli.console import monitored
from core.datasets.finding import find_split
from core.datasets.synthetic import draw_case
from core.evaluation.compare import signed_rank
from core.evaluation.dataset_evaluation import FileReader
from core.evaluation.error_map import error_map
from core.evaluation.measure import measure
from core.evaluation.pictures import error_picture
from core.files import write_bytes_atomic
from core.inference.predictor import InferenceOptions
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.networks.cost import gflop, parameters
from core.networks.families import FAMILIES
from core.photo.reading import read_fov, read_fundus
from core.resources import resource_path
from core.segment import segment_photo
from core.training.config import TrainingConfig, load_config, load_preset
from core.training.loop import train
from core.types import BoolArray, ByteArray, FieldOfView, FundusImage

ENOUGH_STEPS: Final = 3000
ENOUGH_SEEDS: Final = 3
BASELINE: Final = "serr-unet"


def _network(name: str, config: Mapping[str, object]) -> Change:
    return {"network": {"architecture": name, "config": dict(config)}}


GROUPS: Final[dict[str, dict[str, Change]]] = {
    "networks": {
        **{name: _network(name, {}) for name in FAMILIES},
        "serr-unet, gate on the sum": _network("serr-unet", {"gate": "sum"}),
        "serr-unet, nearest upsampling": _network("serr-unet", {"upsampling": "nearest"}),
        "deeplab-v3plus, output stride 8": _network("deeplab-v3plus", {"output_stride": 8}),
    },
    "published": {f"{name}, published size": _network(name, one.published) for name, one in FAMILIES.items()},
    "preprocessing": {
        f"serr-unet, {name}": VARIANTS[name]
        for name in ("no CLAHE", "no gamma", "neither CLAHE nor gamma", "no rotation", "no mirroring")
    },
}
ALL: Final = {name: change for group in GROUPS.values() for name, change in group.items()}
PARTS: Final = (
    ("squeeze-and-excitation", "unet", "se-unet"),
    ("the residual shortcut", "unet", "res-unet"),
    ("recurrence, with the shortcut", "res-unet", "r2-unet"),
    ("squeeze-and-excitation on top of both", "r2-unet", "serr-unet"),
    ("all three", "unet", "serr-unet"),
)
SCORES: Final = {
    "auc_roc": "AUC",
    "f1": "F1",
    "sensitivity": "SE",
    "specificity": "SP",
    "accuracy": "ACC",
    "cl_dice": "clDice",
    "pieces_error": "Betti-0 error",
}
Photograph = dict[str, Any]
"""The scores of one test photograph."""
Runs = Sequence[Sequence[Photograph]]
"""All test photographs, for each seed."""


def measure_all(model: LoadedModel, root: Path, device: str) -> list[Photograph]:
    """Score a model at its own threshold on every test photograph of DRIVE, inside the field of view."""
    reader, options, rows = FileReader(), InferenceOptions(device=device), []
    for case in find_split("drive", root, "test").cases:
        image = read_fundus(case.photo)
        fov = reader.fov(case, image)
        drawn = reader.label(case, next(iter(case.labels)), fov).vessel
        began = time.perf_counter()
        found = segment_photo(image, model, fov=fov, options=options)
        seconds = time.perf_counter() - began
        scores = measure(found.probability, drawn, fov.inside, rule=model.card.rule).scores
        rows.append({"photo": case.stem, "seconds": seconds, **scores.to_dict()})
    return rows


def weights_of(folder: Path) -> Path:
    """The weights file that a finished run chose."""
    files = (path for path in sorted(folder.glob("*.safetensors")) if path.stem != "checkpoint")
    return next(path for path in files if not path.stem.endswith("last"))


def done(out: Path, name: str, seed: int) -> list[Photograph] | None:
    """What was measured of a network with a seed; None where that is still to come."""
    file = folder_of(out, name, seed) / "test.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def run_one(recipe: TrainingConfig, name: str, change: Change, seed: int, chosen: argparse.Namespace) -> None:
    """Train a network with a seed, and measure it; what is there already is not done again."""
    folder = folder_of(chosen.out, name, seed)
    if finished(folder) is None:
        print(f"{name}, seed {seed}", flush=True)
        with monitored() as monitor:
            config = changed(recipe, change).replaced("run", seed=seed, name="")
            train(config, chosen.root, folder, resume=True, device=chosen.device, monitor=monitor)
    if done(chosen.out, name, seed) is None:
        rows = measure_all(load_model(weights_of(folder)), chosen.root, chosen.device)
        write_bytes_atomic(folder / "test.json", json.dumps(rows).encode())


# The page


def means(runs: Runs, score: str) -> list[float]:
    """The mean over photographs, for each seed; photographs where it is undefined are left out."""
    return [statistics.fmean(row[score] for row in rows if row[score] is not None) for rows in runs]


def by_photo(runs: Runs, score: str) -> dict[str, float]:
    """The mean over seeds, for each photograph."""
    found: dict[str, list[float]] = {}
    for row in (row for rows in runs for row in rows):
        if row[score] is not None:
            found.setdefault(row["photo"], []).append(row[score])
    return {photo: statistics.fmean(values) for photo, values in found.items()}


def paired(first: Runs, second: Runs, score: str) -> tuple[float, float]:
    """Mean difference, second minus first, over photographs, and Wilcoxon's two-sided p of it."""
    old, new = by_photo(first, score), by_photo(second, score)
    differences = [new[photo] - old[photo] for photo in old if photo in new]
    return statistics.fmean(differences), signed_rank(differences)[0]


def spread(values: Sequence[float], digits: int = 4) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    text = f"{statistics.fmean(values):.{digits}f}"
    return f"{text} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else text


def page(chosen: argparse.Namespace, recipe: TrainingConfig) -> str:
    """Everything that is measured so far, in Markdown."""
    runs = {name: [rows for seed in chosen.seeds if (rows := done(chosen.out, name, seed)) is not None] for name in ALL}
    runs = {name: found for name, found in runs.items() if found}
    enough = chosen.steps >= ENOUGH_STEPS and all(len(found) >= ENOUGH_SEEDS for found in runs.values())
    lines = [
        "# All networks side by side",
        "",
        f"    python benchmarks/networks.py --root DATA --out RUNS --steps {chosen.steps} --seeds "
        + " ".join(map(str, chosen.seeds)),
        "",
        f"{datetime.now(UTC):%d %B %Y}, {platform.machine()}, {os.cpu_count()} cores, device {chosen.device}, torch "
        f"{torch.__version__}. DRIVE: training part for learning and choosing, test part once at the end; inside the "
        f"field of view, means over photographs, each model at its own threshold. {chosen.steps} steps of "
        f"{recipe.optimisation.batch} crops of {recipe.optimisation.crop_px} pixels; ± is the deviation over seeds.",
        "",
    ]
    if not enough:
        lines += [
            f"**This budget says nothing about which network is better.** At least {ENOUGH_STEPS} steps and "
            f"{ENOUGH_SEEDS} seeds are needed; tests are left out.",
            "",
        ]
    names = list(SCORES.values())
    head = ["network", "runs", "parameters", "GFLOP", "s a photograph", *names, *(["p AUC", "p F1"] if enough else [])]
    lines += [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for name, found in runs.items():
        network = changed(recipe, ALL[name]).network
        cells = [
            name,
            str(len(found)),
            f"{parameters(network.architecture, network.config) / 1e6:.2f} M",
            f"{gflop(network.architecture, network.config):.0f}",
            f"{statistics.median(row['seconds'] for rows in found for row in rows):.2f}",
            *(spread(means(found, score), 1 if score == "pieces_error" else 4) for score in SCORES),
        ]
        if enough:
            against = BASELINE in runs and name != BASELINE
            cells += [f"{paired(runs[BASELINE], found, s)[1]:.2g}" if against else "" for s in ("auc_roc", "f1")]
        lines.append(f"| {' | '.join(cells)} |")
    if enough:
        lines += [
            "",
            f"p: Wilcoxon's paired test over photographs against {BASELINE}, means over seeds.",
            "",
            *parts(runs),
        ]
    lines += ["", *(f"![All networks on photograph {number}](images/networks-{number}.webp)\n" for number in (1, 2, 3))]
    return "\n".join(lines)


def parts(runs: Mapping[str, Runs]) -> list[str]:
    """What each part of the method adds."""
    lines = ["| part | from | to | AUC | p | F1 | p |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for part, before, after in PARTS:
        if before in runs and after in runs:
            (auc, p_auc), (f1, p_f1) = (paired(runs[before], runs[after], score) for score in ("auc_roc", "f1"))
            lines.append(f"| {part} | {before} | {after} | {auc:+.4f} | {p_auc:.2g} | {f1:+.4f} | {p_f1:.2g} |")
    return lines


# The pictures


def travelling() -> list[tuple[FundusImage, FieldOfView, BoolArray | None]]:
    """Photographs that may be in the repository: the sample, and two drawn ones with their exact labels."""
    image = read_fundus(resource_path("sample", "retina.jpg"))
    fov = read_fov(resource_path("sample", "retina_mask.png"), shape=image.shape)
    drawn = [draw_case(seed, 512) for seed in (1, 2)]
    return [(image, fov, None), *((case.image, case.fov, case.label.vessel) for case in drawn)]


def draw_pictures(folder: Path, weights: Mapping[str, Path], device: str, side_px: int = 240) -> None:
    """The map of every network, and its errors where there is a label, in one picture for each photograph."""
    options = InferenceOptions(device=device)
    for number, (image, fov, drawn) in enumerate(travelling(), start=1):
        columns = [_column("photograph", [image.rgb], side_px)]
        for name, path in weights.items():
            found = segment_photo(image, load_model(path), fov=fov, options=options)
            grey = np.repeat(found.probability.levels[:, :, None], 3, axis=2)
            cells = [grey]
            if drawn is not None:
                cells.append(error_picture(error_map(found.mask.vessel, drawn, fov.inside), fov.inside))
            columns.append(_column(name, cells, side_px))
        height = max(column.height for column in columns)
        whole = Image.new("RGB", (len(columns) * (side_px + 6), height), "white")
        for place, column in enumerate(columns):
            whole.paste(column, (place * (side_px + 6), 0))
        folder.mkdir(parents=True, exist_ok=True)
        whole.save(folder / f"networks-{number}.webp", quality=85)


def _column(name: str, cells: Sequence[ByteArray], side_px: int) -> Image.Image:
    column = Image.new("RGB", (side_px, 18 + len(cells) * (side_px + 6)), "white")
    ImageDraw.Draw(column).text((2, 3), name, fill="black")
    for number, cell in enumerate(cells):
        small = Image.fromarray(cell).resize((side_px, side_px), Image.Resampling.LANCZOS)
        column.paste(small, (0, 18 + number * (side_px + 6)))
    return column


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=ENOUGH_STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=["networks"])
    parser.add_argument("--only", nargs="+", help="some of the names")
    parser.add_argument("--config", type=Path, help="recipe in the place of the preset strong")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--page", type=Path, help="default: ablation.md in OUT")
    chosen = parser.parse_args()
    variants = {name: change for group in chosen.groups for name, change in GROUPS[group].items()}
    if unknown := set(chosen.only or []) - set(variants):
        parser.error(f"--only {', '.join(sorted(unknown))} is not among: {', '.join(variants)}")
    variants = {name: change for name, change in variants.items() if chosen.only is None or name in chosen.only}
    recipe = load_config(chosen.config) if chosen.config else load_preset("strong")
    recipe = shortened(recipe, chosen.steps).replaced("run", validate_every=max(1, chosen.steps // 12))
    chosen.out.mkdir(parents=True, exist_ok=True)
    place = chosen.page or chosen.out / "ablation.md"
    for seed in chosen.seeds:
        for name, change in variants.items():
            run_one(recipe, name, change, seed, chosen)
            write_bytes_atomic(place, page(chosen, recipe).encode())
    first = {name: weights_of(folder_of(chosen.out, name, chosen.seeds[0])) for name in variants}
    draw_pictures(place.parent / "images", first, chosen.device)
    print(place)


if __name__ == "__main__":
    main()
