"""The page of a comparison: its tables, what they say, and the pictures. Everything on it comes from the results."""

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from ablation_arms import BASELINE, ENOUGH_SEEDS, NETWORKS, PREPROCESSING, SE_RES, Arm, Folders
from ablation_work import SCORES, travelling
from PIL import Image, ImageDraw

from core.evaluation.compare import signed_rank
from core.evaluation.error_map import error_map
from core.evaluation.pictures import error_picture
from core.files import write_bytes_atomic
from core.networks.cost import gflop, parameters
from core.networks.families import FAMILIES
from core.training.config import TrainingConfig
from core.types import BoolArray, ByteArray

ENOUGH_STEPS: Final = 1000
_SURE: Final = 0.05
PARTS: Final = (
    ("Squeeze-and-excitation", (("unet", "se-unet"), ("res-unet", SE_RES), ("r2-unet", BASELINE))),
    ("The residual shortcut", (("unet", "res-unet"), ("se-unet", SE_RES))),
    ("Recurrence", (("res-unet", "r2-unet"), (SE_RES, BASELINE))),
    ("All three together", (("unet", BASELINE),)),
)
_CELL_PX: Final = 200

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]
"""A score of each photograph (columns) for each seed (rows)."""


class Results:
    """What is finished of a comparison: for each arm its seeds, as they are in the files."""

    def __init__(self, folders: Folders, arms: Sequence[Arm], seeds: Sequence[int]) -> None:
        self.folders = folders
        self.trained: dict[str, dict[int, Any]] = {}
        self.tested: dict[str, dict[int, Any]] = {}
        for arm in arms:
            for seed in seeds:
                key = arm.key(seed)
                if (facts := _read(folders.trained(key))) is not None:
                    self.trained.setdefault(arm.name, {})[seed] = facts
                    if (scores := _read(folders.scores(key))) is not None:
                        self.tested.setdefault(arm.name, {})[seed] = scores

    def pooled(self, name: str, score: str) -> list[float]:
        """The score of all test pixels together, for each seed."""
        return [float(one["pooled"][score]) for one in self.tested[name].values()]

    def shared_seeds(self, *names: str) -> list[int]:
        """The seeds that all of these have."""
        runs = [self.tested.get(name, {}) for name in names]
        return [seed for seed in runs[0] if all(seed in others for others in runs)]

    def differences(self, before: str, after: str, score: str, seeds: Sequence[int]) -> Table:
        """After minus before, by seed and photograph."""
        old, new = self.tested[before], self.tested[after]
        return np.array(
            [
                [b[score] - a[score] for a, b in zip(old[s]["photographs"], new[s]["photographs"], strict=True)]
                for s in seeds
            ],
            np.float64,
        )


def _read(file: Path) -> Any | None:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def interval(means: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean by Student's t, with each paired training as one observation."""
    from scipy.stats import sem, t

    if len(means) < 2:
        return -math.inf, math.inf
    centre, error = statistics.fmean(means), float(sem(means))
    low, high = t.interval(0.95, len(means) - 1, loc=centre, scale=error) if error else (centre, centre)
    return float(low), float(high)


def spread(values: Sequence[float], digits: int = 4) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    text = f"{statistics.fmean(values):.{digits}f}"
    return f"{text} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else text


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|" + " --- |" * len(cells)]


def write(
    place: Path, folders: Folders, recipe: TrainingConfig, arms: Sequence[Arm], seeds: Sequence[int], *, tested: bool
) -> None:
    """Write the page, and beside it the pictures."""
    results = Results(folders, arms, seeds)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not tested:
        write_bytes_atomic(place, "\n".join(_validation_page(results, recipe, arms, seeds)).encode())
        return
    pictures = draw_pictures(place.parent / "images", results, seeds[0])
    write_bytes_atomic(place, "\n".join(_test_page(results, recipe, arms, pictures)).encode())


# Held-out photographs alone


def _validation_page(
    results: Results, recipe: TrainingConfig, arms: Sequence[Arm], seeds: Sequence[int]
) -> Iterator[str]:
    yield (
        f"{recipe.optimisation.steps} steps, seeds {', '.join(map(str, seeds))}; held-out training photographs; means "
        "over the seeds that are done (standard deviation)\n"
    )
    yield from _head("variant", "runs", "AUC", "to the first", "PR AUC", "best F1", "s a step")
    base: float | None = None
    for arm in arms:
        done = list(results.trained.get(arm.name, {}).values())
        if not done:
            continue
        values = {score: [one["validation"][score] for one in done] for score in ("auc_roc", "auc_pr", "f1")}
        auc = statistics.fmean(values["auc_roc"])
        against = "" if base is None else f"{auc - base:+.4f}"
        base = auc if base is None else base
        slow = statistics.fmean(one["seconds_per_step"] or math.nan for one in done)
        cells = [spread(values["auc_roc"]), against, spread(values["auc_pr"]), spread(values["f1"]), f"{slow:.2f}"]
        yield _row(arm.name, str(len(done)), *cells)
    yield ""


# The test part


def _test_page(results: Results, recipe: TrainingConfig, arms: Sequence[Arm], pictures: Sequence[str]) -> Iterator[str]:
    yield "# The whole method side by side\n"
    yield (
        f"    python benchmarks/ablation.py --root DATA --out RESULTS --steps {recipe.optimisation.steps} "
        f"--batch {recipe.optimisation.batch} --page docs/benchmarks/ablation.md\n"
    )
    yield _budget(results, recipe)
    yield (
        "\nThe scores of each run and photograph are in `docs/benchmarks/ablation`; given as RESULTS, the command "
        "resumes from there."
    )
    if not results.tested:
        yield "\n**Nothing has been measured yet.**\n"
        return
    if not _enough(results, recipe):
        yield (
            f"\n**This budget says nothing about which network is better.** At least {ENOUGH_STEPS} steps are needed; "
            "tests are left out.\n"
        )
    else:
        yield from _missing(results, arms)
        yield "\n## Do the parts of SERR-U-Net help?\n"
        yield from statement(results)
    networks = [arm for arm in NETWORKS if arm.name in results.tested]
    if networks:
        yield "\n## Networks\n"
        yield from _scores(results, networks, recipe)
        yield "\n### What they cost\n"
        yield from _costs(results, networks)
    steps = [arm for arm in PREPROCESSING if arm.name in results.tested]
    if steps:
        yield "\n## Preprocessing and random changes, of SERR-U-Net\n"
        base = [arm for arm in NETWORKS if arm.name == BASELINE and BASELINE in results.tested]
        yield from _scores(results, [*base, *steps], recipe)
        yield "".join(f"\n- *{arm.name}*: {arm.says}." for arm in steps if arm.says)
    others = [arm for arm in arms if arm.name in results.tested and arm not in networks and arm not in steps]
    if others:
        yield "\n## Others\n"
        yield from _scores(results, others, recipe)
    if pictures:
        yield "\n## Pictures\n"
        yield _LEGEND
        yield from pictures


_LEGEND: Final = (
    "Probability maps of the first seed, and below them what is wrong at the network's own threshold: magenta is "
    "missed, cyan is too much, white is right. The first photograph has no label: there, *wrong* is what differs from "
    "SERR-U-Net. It is the sample of the program, and no network has learned from its camera; the other two are drawn. "
    "So the pictures show how the networks differ, not how good they are. A network whose weights were not kept is "
    "missing.\n"
)


def _budget(results: Results, recipe: TrainingConfig) -> str:
    part, source = recipe.optimisation, recipe.data.sources[0]
    trained = "; ".join(_machines(results)) or "nothing yet"
    return (
        f"Trained on {trained}. The minutes are those of all trainings together, some of which ran side by side. "
        "DRIVE: each run learns from its training "
        f"part, but for {source.validation_photos} photographs that choose the best of five validations, and the "
        "threshold (by F1); which four depends on the seed and not on the network. The test part is measured once, "
        f"with that threshold, inside the field of view. {part.steps} steps of {part.batch} crops of {part.crop_px} "
        f"pixels, loss {part.loss}, AdamW, one cycle up to {part.peak_rate:g}; the recipe is the preset *strong* "
        "with this budget, the same for all. All U-Nets are 16 channels wide and three halvings deep."
    )


def _machines(results: Results) -> Iterator[str]:
    """Each machine with its runs, the minutes that they took together, and the dates."""
    done = [one for arm in results.trained.values() for one in arm.values()]
    by_machine: dict[str, list[Any]] = {}
    for one in done:
        name = f"{one['device']} ({one['cores']} CPU cores, torch {one['torch']})"
        by_machine.setdefault(name, []).append(one)
    for name, runs in sorted(by_machine.items()):
        minutes = sum(one["seconds"] for one in runs) / 60
        dates = " and ".join(dict.fromkeys(one["date"] for one in runs))
        yield f"{name}: {len(runs)} run{'s' if len(runs) > 1 else ''}, {minutes:.0f} minutes, {dates}"


def _across(results: Results) -> str:
    """A warning where trainings of different devices are compared."""
    pairs = {
        (before, after, seed)
        for _, listed in PARTS
        for before, after in listed
        for seed in results.shared_seeds(before, after)
    }
    devices = {key: [results.trained.get(name, {}).get(key[2], {}).get("device") for name in key[:2]] for key in pairs}
    mixed = sum(one != other for one, other in devices.values())
    if not mixed:
        return ""
    return (
        f"\n{mixed} of these {len(pairs)} pairs compare a training on one device with one on another: their numbers "
        "are rounded differently, which is a difference like that of another seed."
    )


def _enough(results: Results, recipe: TrainingConfig) -> bool:
    return recipe.optimisation.steps >= ENOUGH_STEPS and BASELINE in results.tested


def _missing(results: Results, arms: Sequence[Arm]) -> Iterator[str]:
    """What a reader has to know before a number: which of the runs that the plan wants are not there."""
    few = [
        f"{arm.name} {len(results.tested.get(arm.name, {}))} of {arm.early_seeds}"
        for arm in arms
        if len(results.tested.get(arm.name, {})) < arm.early_seeds
    ]
    if few:
        yield (
            f"\n**Not complete.** Finished seeds: {', '.join(few)}. The same command adds the rest. A single seed says "
            "little: see how far the seeds of one network differ."
        )


def _scores(results: Results, arms: Sequence[Arm], recipe: TrainingConfig) -> Iterator[str]:
    """Scores of all test pixels together, and the paired comparison with the baseline."""
    tests = _enough(results, recipe)
    yield from _head(
        *("arm", "seeds", *SCORES.values()), *(["AUC to SERR-U-Net", "p", "F1 to SERR-U-Net", "p"] if tests else [])
    )
    for arm in arms:
        cells = [spread(results.pooled(arm.name, s), 1 if s == "pieces_error" else 4) for s in SCORES]
        for score in ("auc_roc", "f1") if tests else ():
            cells += _against(results, BASELINE, arm.name, score) if arm.name != BASELINE else ["", ""]
        yield _row(arm.name, str(len(results.tested[arm.name])), *cells)
    compared = sum(arm.name != BASELINE for arm in arms)
    yield (
        "\nAll pixels of the 20 test photographs together, mean ± standard deviation over seeds; *broken pieces* is "
        "the Betti-0 error: by how many pieces a mask differs from its label, for each photograph."
    )
    if tests:
        yield (
            "*To SERR-U-Net*: the mean difference over photographs of the same seeds, and p of Wilcoxon's signed-rank "
            "test on the 20 photographs (means over seeds, two-sided, exact). p is not corrected for the number of "
            f"comparisons: with {compared} of them, {_SURE / max(compared, 1):.4f} is what 0.05 would be alone. It "
            "says that the photographs agree, not that other seeds would: with one seed, it says nothing of that."
        )


def _against(results: Results, before: str, after: str, score: str) -> list[str]:
    seeds = results.shared_seeds(before, after)
    if not seeds:
        return ["", ""]
    found = results.differences(before, after, score, seeds)
    return [f"{found.mean():+.4f}", f"{signed_rank(found.mean(axis=0).tolist())[0]:.2g}"]


def statement(results: Results) -> Iterator[str]:
    """In words and numbers, what each part brings."""
    rows, sentences, sure = [], [], _SURE / (3 * len(PARTS))
    for part, pairs in PARTS:
        trained = [(pair, seed) for pair in pairs for seed in results.shared_seeds(*pair)]
        if not trained:
            continue
        words = []
        for score, title in (("auc_roc", "AUC"), ("f1", "F1"), ("cl_dice", "clDice")):
            together = np.concatenate([results.differences(*pair, score, [seed]) for pair, seed in trained])
            means = together.mean(axis=1).tolist()
            (low, high), p = interval(means), signed_rank(together.mean(axis=0).tolist())[0]
            verdict = "helps" if low > 0 and p < sure else "harms" if high < 0 and p < sure else "same"
            verdict = verdict if len(trained) >= ENOUGH_SEEDS else "few"
            within = f"{low:+.4f} to {high:+.4f}" if len(means) > 1 else ""
            words.append((verdict, f"{title} {together.mean():+.4f}" + (f" ({within})" if within else "")))
            counted = ", ".join(f"{a} → {b} ({len(results.shared_seeds(a, b))})" for a, b in pairs)
            first = [part, counted] if title == "AUC" else ["", ""]
            rows.append(_row(*first, title, spread(means), within, f"{p:.2g}", _VERDICTS[verdict]))
        times = f"{len(trained)} paired training{'s' if len(trained) > 1 else ''}"
        sentences.append(f"- **{part}** ({times}) {_in_words(words)}")
    yield from sentences
    yield ""
    yield from _head("part", "from → to (trainings)", "score", "difference", "95 % interval", "p", "so it")
    yield from rows
    yield (
        "\nEach training is compared with one of the same seed (photographs, order and crops) from which it differs in "
        "that part alone; ± and the interval (Student's t) are over these pairs of trainings, which says whether other "
        "trainings would agree. Pairs that share a training are not quite independent, so it is rather too narrow. p "
        "is that of Wilcoxon's signed-rank test over the 20 photographs: would other photographs agree? "
        f"*Helps* and *harms* where the interval leaves out zero and p is below {sure:.4f} (0.05 for all lines of this "
        f"table together); below {ENOUGH_SEEDS} pairs nothing is said."
    )
    if across := _across(results):
        yield across


_VERDICTS: Final = {
    "helps": "helps",
    "harms": "harms",
    "same": "makes no difference that can be seen here",
    "few": "was trained too few times for a verdict",
}


def _in_words(words: Sequence[tuple[str, str]]) -> str:
    """One sentence for a part, from the verdict of each score."""
    said = {verdict: [text for own, text in words if own == verdict] for verdict in _VERDICTS}
    return "; ".join(f"{_VERDICTS[verdict]}: {', '.join(texts)}" for verdict, texts in said.items() if texts) + "."


def _costs(results: Results, arms: Sequence[Arm]) -> Iterator[str]:
    """Parameters, arithmetic and time; the published size beside the one that was trained."""
    times = {kind: _read(results.folders.times(kind)) for kind in ("cpu", "cuda")}
    known = {kind: one for kind, one in times.items() if one is not None}
    trained_on = {one["device"] for arm in results.trained.values() for one in arm.values()}
    titles = [
        title
        for kind in known
        for title in (("s on the CPU", "to SERR-U-Net") if kind == "cpu" else ("ms on the GPU", "to SERR-U-Net"))
    ]
    yield from _head("network", "parameters", "GFLOP", *titles, "published: parameters", "GFLOP")
    for arm in arms:
        part = arm.change["network"]
        name, config = str(part["architecture"]), dict(part["config"])  # type: ignore[call-overload]
        cells = [arm.name, f"{parameters(name, config) / 1e6:.2f} M", f"{gflop(name, config):.1f}"]
        for kind, one in known.items():
            seconds, whole = one["seconds"][arm.name], one["seconds"][BASELINE]
            cells += [f"{seconds:.2f}" if kind == "cpu" else f"{1000 * seconds:.1f}", f"{seconds / whole:.2f}"]
        published = FAMILIES[name].published if arm.name in FAMILIES else None
        if published is None:
            cells += ["", ""]
        else:
            cells += [f"{parameters(name, published) / 1e6:.2f} M", f"{gflop(name, published):.1f}"]
        yield _row(*cells)
    yield (
        "\nA photograph of 565 x 584 pixels, padded as the network needs it; two operations for each multiplication. "
        + " ".join(
            f"{'CPU' if kind == 'cpu' else 'GPU'}: {one['device']}, {one['cores']} cores, {one['precision']}, median "
            f"of {one['rounds']} rounds in which all networks took turns, {one['date']}."
            for kind, one in known.items()
        )
        + (" Other programs ran beside it, so the ratio counts and not the seconds." if known else "")
        + (
            " The GPU was shared by all trainings, so no time is given for it."
            if "cuda" not in known and any("NVIDIA" in d for d in trained_on)
            else ""
        )
    )


# The pictures


def draw_pictures(folder: Path, results: Results, seed: int) -> list[str]:
    """A picture for each photograph that may be shown, and the lines of the page that show them."""
    names = [arm.name for arm in NETWORKS if arm.name in results.tested and seed in results.tested[arm.name]]
    lines = []
    for number, (image, fov, drawn) in enumerate(travelling()):
        maps = {name: _levels(results, name, seed, number) for name in names}
        found = {name: levels for name, levels in maps.items() if levels is not None}
        place = folder / f"networks-{number + 1}.webp"
        line = f"![All networks on photograph {number + 1}](images/{place.name})\n"
        if not found or (len(found) < len(maps) and place.is_file()):  # the picture there shows more
            lines += [line] if place.is_file() else []
            continue
        masks = {name: levels >= results.tested[name][seed]["level"] for name, levels in found.items()}
        truth = masks.get(BASELINE) if drawn is None else drawn
        columns = [_column("photograph", [image.rgb, _label(drawn)])]
        for name, levels in found.items():
            cells: list[ByteArray | None] = [np.repeat(levels[:, :, None], 3, axis=2)]
            if truth is not None:
                cells.append(error_picture(error_map(masks[name], truth, fov.inside), fov.inside))
            columns.append(_column(name, cells))
        half = -(-len(columns) // 2)
        width, height = columns[0].width + 6, columns[0].height
        whole = Image.new("RGB", (half * width, 2 * height), "white")
        for at, column in enumerate(columns):
            whole.paste(column, (at % half * width, at // half * height))
        folder.mkdir(parents=True, exist_ok=True)
        whole.save(place, quality=60, method=6)
        lines.append(line)
    return lines


def _levels(results: Results, name: str, seed: int, number: int) -> ByteArray | None:
    arm = next(arm for arm in NETWORKS if arm.name == name)
    place = results.folders.map(arm.key(seed), number)
    return np.asarray(Image.open(place), np.uint8) if place.is_file() else None


def _label(drawn: BoolArray | None) -> ByteArray | None:
    return None if drawn is None else np.repeat((drawn * np.uint8(255))[:, :, None], 3, axis=2)


def _column(name: str, cells: Sequence[ByteArray | None]) -> Image.Image:
    column = Image.new("RGB", (_CELL_PX, 18 + 2 * (_CELL_PX + 6)), "white")
    ImageDraw.Draw(column).text((2, 3), name, fill="black")
    for number, cell in enumerate(cells):
        if cell is not None:
            small = Image.fromarray(cell).resize((_CELL_PX, _CELL_PX), Image.Resampling.LANCZOS)
            column.paste(small, (0, 18 + number * (_CELL_PX + 6)))
    return column
