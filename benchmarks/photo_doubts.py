"""How often a doubt is raised about published photographs, where none should be, and about pictures of other things.

    python benchmarks/photo_doubts.py --data FOLDER

FOLDER holds DRIVE, STARE, CHASE_DB1 and HRF as published. Writes docs/benchmarks/photo-doubts.md.
"""

import argparse
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from core import __version__
from core.errors import FieldOfViewError
from core.photo.field_of_view import estimate_field_of_view
from core.photo.photo_doubts import doubts_about, measured
from core.photo.reading import read_fov, read_fundus, read_label
from core.types import ByteArray, FundusImage

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "photo-doubts.md"
SETS = {
    "DRIVE": ("DRIVE/*/images/*.tif", "mask/{number}_{part}_mask.gif"),
    "STARE": ("STARE/stare-images/*.ppm", ""),
    "CHASE_DB1": ("CHASE_DB1/*.jpg", ""),
    "HRF": ("HRF/images/*", "mask/{stem}_mask.tif"),
}
SEEDS = 10
DIAMETERS = (100, 150, 200, 250, 300, 400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    lines = [*_head(), *_published(data), *_small(data), *_changed(data), *_others()]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{PAGE} is written.")


def _head() -> list[str]:
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return [
        "# Doubts about photographs and their fields of view",
        "",
        f"`{' '.join(['python', 'benchmarks/photo_doubts.py', '--data', 'FOLDER'])}`, {datetime.now(UTC):%Y-%m-%d}, "
        f"program {__version__} ({commit}), OpenCV {cv2.__version__}, numpy {version('numpy')}, Python "
        f"{platform.python_version()}, {platform.system()} {platform.machine()}.",
        "",
        "A doubt never refuses a photograph: it is shown with the result. What the kinds mean is in",
        "[Files and formats](../formats.md).",
        "",
    ]


def _published(data: Path) -> Iterator[str]:
    yield "## Published photographs"
    yield ""
    yield "IoU is that of the estimated field of view with the mask that the set gives."
    yield ""
    yield "| set | photographs | doubted | mean IoU | worst IoU | lines | sharpness |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, (pattern, mask) in SETS.items():
        doubted, scores, lines, sharpness = 0, [], [], []
        paths = sorted(data.glob(pattern))
        for path in paths:
            image = read_fundus(path)
            fov = estimate_field_of_view(image)
            found = doubts_about(image, fov)
            doubted += bool(found)
            for doubt in found:
                print(f"{path.name}: {doubt.text}", file=sys.stderr)
            looks = measured(image, fov)
            lines.append(looks.lines)
            sharpness.append(looks.sharpness)
            if mask:
                file = mask.format(number=path.name[:2], part=path.parent.parent.name, stem=path.stem)
                given = read_fov(path.parent.parent / file, shape=image.shape)
                scores.append((fov.inside & given.inside).sum() / (fov.inside | given.inside).sum())
        iou = f"{np.mean(scores):.4f} | {min(scores):.4f}" if scores else "- | -"
        yield (
            f"| {name} | {len(paths)} | {doubted} | {iou} | {min(lines):.2f} to "
            f"{max(lines):.2f} | {min(sharpness):.2f} to {max(sharpness):.2f} |"
        )
    yield ""


def _small(data: Path) -> Iterator[str]:
    """How much of the vessels is left when photographs are made small: the limit of "too small" is read off here."""
    folder = data / "DRIVE" / "training"
    kept: dict[int, list[float]] = {diameter: [] for diameter in DIAMETERS}
    widest, full = [], []
    for path in sorted(folder.glob("images/*.tif")):
        image = read_fundus(path)
        top, left, bottom, right = read_fov(
            folder / "mask" / f"{path.name[:2]}_training_mask.gif", shape=image.shape
        ).box
        full.append(max(bottom - top, right - left))
        vessel = read_label(folder / "1st_manual" / f"{path.name[:2]}_manual1.gif", shape=image.shape).vessel
        depth = cv2.distanceTransform(vessel.astype(np.uint8), cv2.DIST_L2, 5)
        middle = vessel & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))
        widest.append(float(np.percentile(2 * depth[middle] - 1, 99)))
        for diameter, scores in kept.items():
            share = diameter / full[-1]
            small = cv2.resize(vessel.astype(np.float32), None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
            mask = (np.asarray(small) > 0.5).astype(np.float32)
            back = np.asarray(cv2.resize(mask, vessel.shape[::-1], interpolation=cv2.INTER_LINEAR)) > 0.5
            scores.append(2 * (back & vessel).sum() / (back.sum() + vessel.sum()))
    yield "## How small is too small"
    yield ""
    yield f"The labels of DRIVE's {len(full)} training photographs, reduced to a smaller field of view, enlarged again"
    yield "and compared with themselves: hardly any mask made at that size can be better. Width is that of the widest"
    yield "vessels: 99 % of the pixels on centre lines are in narrower ones."
    yield ""
    yield "| diameter, pixels | F1 of the labels with themselves | width, pixels |"
    yield "| --- | --- | --- |"
    for diameter, scores in kept.items():
        width = np.mean(np.array(widest) / np.array(full)) * diameter
        yield f"| {diameter} | {np.mean(scores):.2f} | {width:.1f} |"
    yield ""


def _changed(data: Path) -> Iterator[str]:
    """What becomes of the published photographs when they are spoilt: here a doubt is right in the lower rows."""
    yield "## The same photographs, changed"
    yield ""
    yield "Every tenth photograph. Blur is that of a Gaussian, in shares of the height."
    yield ""
    yield "| change | photographs | doubted | kinds |"
    yield "| --- | --- | --- | --- |"
    paths = [path for pattern, _ in SETS.values() for path in sorted(data.glob(pattern))[::10]]
    for name, change in CHANGES.items():
        kinds: Counter[str] = Counter()
        doubted = 0
        for path in paths:
            image = FundusImage(np.ascontiguousarray(change(read_fundus(path).rgb)))
            found = doubts_about(image, estimate_field_of_view(image))
            doubted += bool(found)
            kinds.update(doubt.kind for doubt in found)
        yield f"| {name} | {len(paths)} | {doubted} | {_counted(kinds)} |"
    yield ""


def _others() -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from drawn_others import OTHERS

    yield "## Drawn pictures of other things"
    yield ""
    yield f"{SEEDS} of each; `tests/drawn_others.py` draws them."
    yield ""
    yield "| picture | doubted | kinds |"
    yield "| --- | --- | --- |"
    for make in OTHERS:
        kinds: Counter[str] = Counter()
        doubted = 0
        for seed in range(SEEDS):
            image = FundusImage(make(np.random.default_rng(100 + seed)))
            try:
                found = [doubt.kind for doubt in doubts_about(image, estimate_field_of_view(image))]
            except FieldOfViewError:
                kinds["refused"] += 1
                continue
            doubted += bool(set(found) - {"whole_picture"})
            kinds.update(found)
        yield f"| {make.__name__.replace('_', ' ')} | {doubted} | {_counted(kinds)} |"


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "-"


def _blurred(share: float, rgb: ByteArray) -> ByteArray:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), share * rgb.shape[0]), np.uint8)


def _compressed(rgb: ByteArray) -> ByteArray:
    _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 25])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _thumbnail(rgb: ByteArray) -> ByteArray:
    side = 100 / max(rgb.shape)
    return np.asarray(cv2.resize(rgb, None, fx=side, fy=side, interpolation=cv2.INTER_AREA), np.uint8)


def _negative(rgb: ByteArray) -> ByteArray:
    return np.where(rgb.max(axis=2, keepdims=True) > 25, 255 - rgb[:, :, 1:2], 0).repeat(3, axis=2).astype(np.uint8)


CHANGES = {
    "a fifth as bright": lambda rgb: (rgb * 0.2).astype(np.uint8),
    "a third of the contrast": lambda rgb: (rgb * 0.3 + 90).astype(np.uint8),
    "JPEG of quality 25": _compressed,
    "blur 0.3 %": lambda rgb: _blurred(0.003, rgb),
    "blur 0.5 %": lambda rgb: _blurred(0.005, rgb),
    "blur 1 %": lambda rgb: _blurred(0.01, rgb),
    "blur 2 %": lambda rgb: _blurred(0.02, rgb),
    "green channel as grey": lambda rgb: rgb[:, :, 1:2].repeat(3, axis=2),
    "negative, as an angiogram": _negative,
    "red and blue exchanged": lambda rgb: rgb[:, :, ::-1],
    "100 pixels wide": _thumbnail,
}


if __name__ == "__main__":
    main()
