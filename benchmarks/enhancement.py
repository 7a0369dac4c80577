"""How good enhanced pictures are, and what enhancing does to the vessels that are found.

    python benchmarks/enhancement.py --data DATA [--restore FILE] [--double FILE] [--part choosing] [--only drive]
        [--most 6] [--results FOLDER] [--page docs/benchmarks/enhancement.md] [--ship FOLDER]

Each photograph's numbers are kept in ``--results``, so that a run that was ended continues. ``--part choosing`` takes
the photographs for choosing between weights; the usual ones were neither learned from nor chosen on. ``--page`` writes
the tables, ``--ship`` the two weights files with what was measured in their cards. ``--large`` measures time and
memory of ``serr enhance`` at both scales for a drawn photograph of 24 megapixels, too (Linux and macOS).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks.enhancement_page import page, summary
from core.datasets.layouts import Case, read_layout
from core.datasets.synthetic import draw_case
from core.enhancement.degradation import degrade, same_strengths
from core.enhancement.enhancer import SCALES, EnhanceOptions, Enhancer, enhance_photo, load_enhancer
from core.errors import InputError
from core.evaluation.measure import measure
from core.files import write_bytes_atomic
from core.inference.predictor import InferenceOptions
from core.masks.threshold import apply_threshold
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.models.weights_header import with_card
from core.photo.field_of_view import estimate_field_of_view
from core.photo.fov_mask import read_fov_of
from core.photo.reading import read_fundus, read_label
from core.segment import segment_photo
from core.training.esrgan_photos import cases_for, sound_picture
from core.types import BoolArray, ByteArray, FieldOfView, FundusImage, ProbabilityMap

VESSELS = "serr-unet-drive"  # has learned from DRIVE's training part alone: all that is measured here is new to it
SPOILED = {
    "mildly": {"blur_px": 0.7, "noise_sd": 0.01, "quality": 85.0},
    "strongly": {"blur_px": 1.5, "noise_sd": 0.03, "quality": 50.0},
}
_NLM = (3, 7)  # strengths; of each photograph the better one counts
_OPTIONS = EnhanceOptions()
_RUN = InferenceOptions()

Numbers = dict[str, float]


def cases(root: Path, part: str) -> dict[str, tuple[Case, ...]]:
    """The photographs to measure, by data set."""
    if part == "choosing":
        return cases_for(root, "choosing")
    found = cases_for(root, "measuring")
    try:
        return {"drive": read_layout("drive", root, "test").cases, **found}
    except InputError:
        return found


def spoiled(rgb: ByteArray, scale: int, how: str) -> ByteArray:
    """A photograph after blur, down-sampling, noise and JPEG; always the same."""
    x = torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None].float() / 255
    dice = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        y = degrade(x, scale, same_strengths(1, **SPOILED[how]), dice)[0]
    return np.ascontiguousarray((y * 255).round().byte().permute(1, 2, 0).numpy())


def quality(made: ByteArray, sound: ByteArray, inside: BoolArray) -> Numbers:
    """PSNR in dB and mean SSIM (Wang et al. 2004) inside the field of view."""
    error = np.square(made.astype(np.float64) - sound)[inside].mean()
    _, similar = structural_similarity(sound, made, channel_axis=2, full=True)
    return {"psnr": float(10 * np.log10(255**2 / max(error, 1e-9))), "ssim": float(similar[inside].mean())}


def larger(rgb: ByteArray, size: tuple[int, int], how: int) -> ByteArray:
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def qualities(rgb: ByteArray, inside: BoolArray, restore: Enhancer, double: Enhancer) -> dict[str, dict[str, Numbers]]:
    """PSNR and SSIM of all methods, by what was done to the photograph."""
    found: dict[str, dict[str, Numbers]] = {}
    height, width = (side - side % 2 for side in rgb.shape[:2])
    sound, inside = rgb[:height, :width], inside[:height, :width]
    for how in SPOILED:
        low = spoiled(sound, 1, how)
        smooth = [nlm(low, strength) for strength in _NLM]
        found[f"1x {how}"] = {
            "as it is": quality(low, sound, inside),
            "non-local means": max((quality(one, sound, inside) for one in smooth), key=lambda one: one["psnr"]),
            "enhanced": quality(made(low, restore), sound, inside),
        }
        low, size = spoiled(sound, 2, how), (width, height)
        smooth = [larger(nlm(low, strength), size, cv2.INTER_CUBIC) for strength in _NLM]
        found[f"2x {how}"] = {
            "bicubic": quality(larger(low, size, cv2.INTER_CUBIC), sound, inside),
            "Lanczos": quality(larger(low, size, cv2.INTER_LANCZOS4), sound, inside),
            "non-local means": max((quality(one, sound, inside) for one in smooth), key=lambda one: one["psnr"]),
            "enhanced": quality(made(low, double), sound, inside),
        }
    return found


def nlm(rgb: ByteArray, strength: int) -> ByteArray:
    """Non-local means (Buades et al. 2005) by OpenCV."""
    return np.asarray(cv2.fastNlMeansDenoisingColored(rgb, None, strength, strength, 5, 15), np.uint8)


def made(rgb: ByteArray, enhancer: Enhancer) -> ByteArray:
    return enhance_photo(FundusImage(rgb), enhancer, options=_OPTIONS).rgb


def vessels(
    sound: ByteArray, fov: FieldOfView, case: Case, networks: tuple[Enhancer, Enhancer], model: LoadedModel
) -> dict[str, Numbers]:
    """Scores of the vessels that are found without and with enhancing, and how many pixels came and went.

    ``sound`` may be half the size of the photograph; labels and ``fov`` have the photograph's own grid.
    """
    restore, double = networks
    shape = fov.inside.shape
    labels = [read_label(path, shape=shape, values=case.values.get(name)) for name, path in case.labels.items()]
    label, anybody = labels[0].vessel, np.logical_or.reduce([one.vessel for one in labels])
    poor = spoiled(sound, 1, "strongly")
    pictures = {
        "original": sound,
        "restored": made(sound, restore),
        "doubled": made(sound, double),
        "spoiled": poor,
        "spoiled, restored": made(poor, restore),
    }
    maps = {name: found_vessels(rgb, fov, model) for name, rgb in pictures.items()}
    found = {}
    before = {"restored": "original", "doubled": "original", "spoiled, restored": "spoiled"}
    masks = {name: apply_threshold(one, model.card.rule).vessel for name, one in maps.items()}
    for name, one in maps.items():
        scores = measure(one, label, fov.inside, rule=model.card.rule).scores
        found[name] = {"auc": scores.auc_roc, "f1": scores.f1, "cldice": scores.cl_dice}
        if name in before:
            old, new = masks[before[name]] & fov.inside, masks[name] & fov.inside
            found[name] |= {
                "invented": int((new & ~old & ~anybody).sum()),
                "gained": int((new & ~old & anybody).sum()),
                "lost": int((old & ~new & anybody).sum()),
                "cleared": int((old & ~new & ~anybody).sum()),
                "before": int(old.sum()),
            }
    return found


def found_vessels(rgb: ByteArray, fov: FieldOfView, model: LoadedModel) -> ProbabilityMap:
    """Vessels of a picture of any size, on the photograph's own grid."""
    inside = FieldOfView(resized(fov.inside, rgb.shape[:2]), fov.origin)
    values = segment_photo(FundusImage(rgb), model, fov=inside, options=_RUN).probability.values
    (height, width), smaller = fov.inside.shape, rgb.shape[0] > fov.inside.shape[0]
    if values.shape != (height, width):
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        values = np.asarray(cv2.resize(values, (width, height), interpolation=how), np.float32)
    return ProbabilityMap(np.where(fov.inside, values.clip(0, 1), np.float32(0)).astype(np.float32))


def resized(inside: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    found = cv2.resize(inside.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(found > 0, np.bool_)


def photograph(case: Case, restore: Enhancer, double: Enhancer, model: LoadedModel) -> dict[str, object]:
    """All numbers of a photograph; a very large one is enhanced at half size, as the networks have learned it."""
    image = read_fundus(case.photo)
    fov = read_fov_of(case.fov, image) if case.fov else estimate_field_of_view(image)
    sound = sound_picture(image.rgb)
    return {
        "quality": qualities(sound, resized(fov.inside, sound.shape), restore, double),
        "vessels": vessels(sound, fov, case, (restore, double), model),
    }


def large_photograph(scale: int) -> Numbers:
    """Time and memory of ``serr enhance`` as a process, for a drawn photograph of 6000 x 4000 pixels."""
    import resource  # not on Windows

    rgb = cv2.resize(draw_case(3, 1000).image.rgb, (6000, 4000), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    rgb += np.random.default_rng(0).integers(-3, 4, rgb.shape, dtype=np.int16)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "eye.jpg"
        Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(photo, quality=92)
        load, started = os.getloadavg()[0], time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "core.cli", "enhance", str(photo), "--out", str(Path(folder) / "out")]
        command += ["--scale", str(scale), "--device", "cpu"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.perf_counter() - started,
        "processor_s": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        "load_before": load,
        "load_after": os.getloadavg()[0],
    }


def large_photographs(results: Path, *, measure: bool) -> dict[int, Numbers]:
    """What is known of a large photograph, by scale; measured where it is not."""
    found = {}
    for scale in SCALES:
        kept = results / f"large-{scale}x.json"
        if measure and not kept.is_file():
            write_bytes_atomic(kept, json.dumps(large_photograph(scale)).encode())
        if kept.is_file():
            found[int(scale)] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    restore = load_enhancer(chosen.restore, scale=1)
    double = load_enhancer(chosen.double, scale=2)
    model = load_model(VESSELS)
    chosen.results.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, object]] = {}
    networks = {"restore": restore.sha256, "double": double.sha256, "vessel_model": model.sha256}
    for name, listed in cases(chosen.data, chosen.part).items():
        for case in listed[: chosen.most] if name in (chosen.only or name) else ():
            kept = chosen.results / f"{name}_{case.stem}.json"
            if kept.is_file():
                found = json.loads(kept.read_text(encoding="utf-8"))
            elif chosen.no_new:
                continue
            else:
                found = photograph(case, restore, double, model)
                found |= networks
                write_bytes_atomic(kept, json.dumps(found).encode())
            if {key: found.get(key) for key in networks} != networks:
                print(f"{kept} is of other networks: give another --results", file=sys.stderr)
                return 1
            results[f"{name}/{case.stem}"] = found
            print(f"{name}/{case.stem}", flush=True)
    large = large_photographs(chosen.results, measure=chosen.large)
    print(summary(results))
    if chosen.page is not None:
        write_bytes_atomic(chosen.page, page(results, restore.card, double.card, model.card, large).encode())
    if chosen.ship is not None:
        ship(chosen.ship, (restore, double), results)
    return 0


def ship(folder: Path, enhancers: Sequence[Enhancer], results: dict[str, dict[str, object]]) -> None:
    """Write weights files whose cards say what was measured."""
    for enhancer in enhancers:
        about = enhancer.card.notes
        notes = f"{summary(results, enhancer.scale)} {about[about.index('ESRGAN (Wang') :]}"
        card = replace(enhancer.card, notes=notes, licence="MIT")
        data = with_card(enhancer.path.read_bytes(), card)
        write_bytes_atomic(folder / f"{card.name}.safetensors", data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure enhanced pictures and the vessels that are found in them.")
    parser.add_argument("--data", type=Path, required=True, help="folder of DRIVE, CHASE_DB1 and HRF")
    parser.add_argument("--restore", type=Path, help="weights of scale 1; those of the program by default")
    parser.add_argument("--double", type=Path, help="weights of scale 2; those of the program by default")
    parser.add_argument("--part", choices=("measuring", "choosing"), default="measuring")
    parser.add_argument("--only", nargs="*", help="names of data sets, such as drive")
    parser.add_argument("--most", type=int, help="of each data set at most so many photographs")
    parser.add_argument("--large", action="store_true", help="measure a photograph of 24 megapixels, too")
    parser.add_argument("--no-new", action="store_true", help="take what is in --results already, and no more")
    parser.add_argument("--results", type=Path, default=Path("out/enhancement"))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--ship", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
