"""The page and the sentences of ``benchmarks/enhancement.py``."""

import platform
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import torch

from core.models.model_card import ModelCard

Results = dict[str, dict[str, Any]]
_SETS = {"drive": "DRIVE, test part", "stare": "STARE", "chase_db1": "CHASE_DB1, 09 and 10", "hrf": "HRF, 09 and 10"}
_VARIANTS = {"restored": "original", "doubled": "original", "spoiled, restored": "spoiled"}
_BEFORE = {1: "as it is", 2: "bicubic"}

_BEGINNING = """# Enhancing photographs{of}

What the two networks of `serr enhance` do, on photographs that they neither learned from nor were chosen on. Made by

    python benchmarks/enhancement.py --data DATA {options}--page PAGE
"""
_PICTURES = """## Pictures

Photographs were spoiled (mildly: blur 0.7 pixels, noise 1 %, JPEG 85; strongly: blur 1.5 pixels, noise 3 %, JPEG 50;
for 2x also down-sampled) and compared with themselves inside the field of view; HRF at half size. Means over the
photographs, PSNR in dB / SSIM. Of non-local means the better of two strengths counts for each photograph.
"""
_VESSELS = """## Vessels

The vessels that `serr-unet-drive` ({sha256}) finds at its own threshold, inside the field of view; it has
learned from none of these photographs. Means over the photographs; *better*: photographs whose F1 rose. *spoiled* is
strongly, as above. HRF's photographs are enhanced at half size here, too, as the networks have learned them, and
*original* is the half size. All masks are compared on the photograph's own grid. Pixels, all photographs together:
*invented* were found only after enhancing, and no expert has them; *gained* were found only after, and an expert has
them; *lost* were found only before, and an expert has them; *cleared* were found only before, and no expert has them.
Vessels that come out wider count as invented pixels, too.
"""


_NOT_MEASURED = """## What was not measured

- Graphics processors (CUDA, MPS): all numbers are of the CPU. What time and memory one takes, and by how much its
  number formats change grey levels, is not known.
- A vessel network that was trained on enhanced photographs (`preprocessing.enhance`).
- Whether a person reads an enhanced picture better or worse than the original.
- Other seeds, other cameras, and photographs that are poor by themselves rather than spoiled on purpose.
"""


def summary(results: Results, scale: int | None = None) -> str:
    """What was measured, in sentences for a card; of one scale, or of both."""
    return " ".join(_sentences(results, one) for one in ((1, 2) if scale is None else (scale,)))


def _sentences(results: Results, scale: int) -> str:
    kept = list(results.values())
    parts = []
    for how in ("mildly", "strongly"):
        old = _mean(one["quality"][f"{scale}x {how}"][_BEFORE[scale]]["psnr"] for one in kept)
        new = _mean(one["quality"][f"{scale}x {how}"]["enhanced"]["psnr"] for one in kept)
        parts.append(f"{old:.1f} to {new:.1f} dB where they were {how} spoiled")
    than = "" if scale == 1 else " (from bicubic)"
    variant = "restored" if scale == 1 else "doubled"
    rows = [one["vessels"] for one in kept if variant in one["vessels"]]
    f1 = _mean(row[variant]["f1"] - row["original"]["f1"] for row in rows)
    cldice = _mean(row[variant]["cldice"] - row["original"]["cldice"] for row in rows)
    invented = _mean(row[variant]["invented"] / max(row[variant]["before"], 1) for row in rows)
    sets = ", ".join(name.partition(",")[0] for name in (_SETS[key] for key in _counts(results)))
    return (
        f"Measured on {len(kept)} photographs that it had not learned from ({sets}): PSNR {' and '.join(parts)}{than}. "
        f"On {len(rows)} photographs that were not spoiled, the vessels found in its picture had an F1 that was "
        f"{_moved(f1)} and a clDice that was {_moved(cldice)} than in the original. Vessel pixels found only after "
        f"enhancing that no expert has drawn were {100 * invented:.1f} % of those found before."
    )


def _moved(by: float) -> str:
    return f"{abs(by):.4f} {'higher' if by >= 0 else 'lower'}"


def page(
    results: Results, restore: ModelCard, double: ModelCard, vessels: ModelCard, large: dict[int, dict[str, float]]
) -> str:
    """The whole page; ``large`` : what ``enhancement.large_photograph`` measured, by scale."""
    sets = list(_counts(results))
    single = len(sets) == 1
    options = (f"--only {sets[0]} " if single else "") + ("--large " if large else "")
    of = f" of {_SETS[sets[0]].partition(',')[0]}" if single else ""
    sizes = ", ".join(f"{_SETS[name]}: {count} photographs" for name, count in _counts(results).items())
    where = f"{date.today().isoformat()}, {platform.machine()}, torch {torch.__version__.partition('+')[0]}"
    lines = [
        _BEGINNING.format(of=of, options=options),
        f"on {where}; {sizes}.",
        "",
        "| network | weights | training |",
        "| --- | --- | --- |",
        *(_network_row(card) for card in (restore, double)),
        "",
        _PICTURES,
        *_quality_tables(results),
        _VESSELS.format(sha256=vessels.sha256[:12]),
        *_vessel_tables(results),
        *large_rows(large),
        "## What follows",
        "",
        f"`{restore.name}`. {summary(results, 1)}",
        "",
        f"`{double.name}`. {summary(results, 2)}",
        "",
        "An enhanced picture is for looking at. Masks and measures are made of the original.",
        "",
        _NOT_MEASURED
        + "".join(
            f"- Time and memory of the {scale}x network for 24 megapixels.\n" for scale in (1, 2) if scale not in large
        ),
    ]
    return "\n".join(lines)


def large_rows(large: dict[int, dict[str, float]]) -> list[str]:
    """Time and memory of a large photograph; nothing where they were not measured."""
    if not large:
        return []
    rows = [
        f"| {scale}x | {6000 * scale} x {4000 * scale} | {found['processor_s']:.0f} | {found['seconds']:.0f} | "
        f"{found['cores']:.0f} | {found['load_before']:.0f} to {found['load_after']:.0f} | {found['peak_mb']:.0f} |"
        for scale, found in sorted(large.items())
    ]
    return [
        "## A photograph of 24 megapixels",
        "",
        "`serr enhance` with a drawn photograph of 6000 x 4000 pixels, as a process, with reading and writing.",
        "",
        "| scale | picture | processor time, s | by the clock, s | cores | load | most memory, MB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _network_row(card: ModelCard) -> str:
    training = card.training
    return (
        f"| `{card.name}` | {card.sha256[:12]} | part {training.get('part')}, {training.get('steps')} steps in "
        f"{training.get('minutes')} minutes, batch {training.get('batch')}, seed {', '.join(map(str, card.seeds))} |"
    )


def _counts(results: Results) -> dict[str, int]:
    names = [key.partition("/")[0] for key in results]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _of(results: Results, name: str) -> list[dict[str, Any]]:
    return [one for key, one in results.items() if key.startswith(f"{name}/")]


def _quality_tables(results: Results) -> list[str]:
    lines = []
    for scale, methods in (
        (1, ("as it is", "non-local means", "enhanced")),
        (2, ("bicubic", "Lanczos", "non-local means", "enhanced")),
    ):
        lines += [f"| {scale}x | " + " | ".join(methods) + " |", "| --- |" + " --- |" * len(methods)]
        for name in _counts(results):
            for how in ("mildly", "strongly"):
                cells = []
                for method in methods:
                    rows = [one["quality"][f"{scale}x {how}"][method] for one in _of(results, name)]
                    psnr, ssim = (_mean(row[key] for row in rows) for key in ("psnr", "ssim"))
                    cells.append(f"{psnr:.2f} / {ssim:.4f}")
                lines.append(f"| {_SETS[name]}, {how} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _vessel_tables(results: Results) -> list[str]:
    lines = [
        "| data set | picture | AUC | F1 | clDice | better | invented | gained | lost | cleared |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in _counts(results):
        for variant in ("original", "restored", "doubled", "spoiled", "spoiled, restored"):
            rows = [one["vessels"] for one in _of(results, name) if variant in one["vessels"]]
            if not rows:
                continue
            scores = [f"{_mean(row[variant][key] for row in rows):.4f}" for key in ("auc", "f1", "cldice")]
            changes = [""] * 5
            if variant in _VARIANTS:
                better = sum(row[variant]["f1"] > row[_VARIANTS[variant]]["f1"] for row in rows)
                pixels = [sum(row[variant][key] for row in rows) for key in ("invented", "gained", "lost", "cleared")]
                changes = [f"{better} of {len(rows)}", *(f"{count:,}" for count in pixels)]
            lines.append(f"| {_SETS[name]} | {variant} | " + " | ".join([*scores, *changes]) + " |")
    return [*lines, ""]


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")
