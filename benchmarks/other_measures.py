"""What other programs measure on drawn shapes: scikit-image (counting pixels), skan and PVBM.

    python other_measures.py FOLDER

FOLDER holds the shapes as NAME.npy and ``wanted.json``, a list of [NAME, reading, number]. Each value becomes
a line of ``found.jsonl`` at once; what is there already is left out. ``measures.py`` runs this in an environment of its
own: PVBM (MIT) lists torchvision, onnxruntime and others, which its measures do not use, and is installed without them,
of which ``pip check`` would complain.
"""

import json
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

NAN = float("nan")
Drawn = npt.NDArray[np.float32]
_UNMEASURABLE = (ValueError, IndexError, RecursionError, ZeroDivisionError)


def skeleton_length(values: Drawn, _: float) -> float:
    """Pixels of the skeleton."""
    return float(np.count_nonzero(skeletonize(values >= 0.5)))


def area_over_skeleton(values: Drawn, _: float) -> float:
    return float(np.count_nonzero(values >= 0.5)) / skeleton_length(values, 0)


def skan_length(values: Drawn, _: float) -> float:
    return float(_branches(values)["branch_distance"].sum())


def skan_arc_over_chord(values: Drawn, _: float) -> float:
    branches = _branches(values)
    return float(branches["branch_distance"].sum() / branches["euclidean_distance"].sum())


def _branches(values: Drawn):  # type: ignore[no-untyped-def]  # a data frame of pandas, which is not needed here
    skan = import_module("skan")
    return skan.summarize(skan.Skeleton(skeletonize(values >= 0.5)), separator="_")


def pvbm_geometry(values: Drawn, number: float) -> float:
    """One of PVBM's geometrical measures: 1 arc over chord, 3 length, 4 angle, 7 branchings."""
    return _pvbm_of(values.tobytes(), values.shape[0])[int(number)]


@cache
def _pvbm_of(drawn: bytes, side: int) -> list[float]:
    """PVBM's geometrical measures with the disc in the middle of the picture."""
    measures = import_module("PVBM.GeometryAnalysis").GeometricalVBMs()
    vessel = np.frombuffer(drawn, np.float32).reshape(side, side) >= 0.5
    try:
        found, _ = measures.compute_geomVBMs(vessel.astype(float), skeletonize(vessel) * 1, side // 2, side // 2, side)
    except _UNMEASURABLE:
        return [NAN] * 8
    return [float(value) for value in found]


def pvbm_dimension(values: Drawn, order: float) -> float:
    """D0, D1, D2 by PVBM, without its search over 25 turned pictures, which takes as many times as long."""
    return _pvbm_dimensions_of(values.tobytes(), values.shape[0])[int(order)]


@cache
def _pvbm_dimensions_of(drawn: bytes, side: int) -> tuple[float, float, float]:
    measures = import_module("PVBM.FractalAnalysis").MultifractalVBMs(optimize=False)
    vessel = np.frombuffer(drawn, np.float32).reshape(side, side) >= 0.5
    found = measures.compute_multifractals(vessel.astype(float))
    return float(found[0]), float(found[1]), float(found[2])


def pvbm_calibre(values: Drawn, disc_radius: float) -> float:
    """Knudtson's equivalent of arterioles by PVBM, of what is 2 to 3 radii from the middle."""
    measures = import_module("PVBM.CentralRetinalAnalysis").CREVBMs()
    side = values.shape[0]
    rows, columns = np.ogrid[:side, :side]
    away = np.hypot(rows - side / 2, columns - side / 2) / disc_radius
    vessel = values >= 0.5
    thin = skeletonize(vessel) & (away >= 2) & (away < 3)
    try:
        found, _ = measures.compute_central_retinal_equivalents(
            vessel.astype(float), thin * 1, side // 2, side // 2, int(disc_radius)
        )
    except _UNMEASURABLE:
        return NAN
    return float(found["craek"]) if found["craek"] >= 0 else NAN


READINGS: dict[str, Callable[[Drawn, float], float]] = {
    each.__name__: each
    for each in (
        *(skeleton_length, area_over_skeleton, skan_length, skan_arc_over_chord),
        *(pvbm_geometry, pvbm_dimension, pvbm_calibre),
    )
}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    wanted = [tuple(each) for each in json.loads((folder / "wanted.json").read_text(encoding="utf-8"))]
    found = folder / "found.jsonl"
    lines = found.read_text(encoding="utf-8").splitlines() if found.exists() else []
    done = {tuple(json.loads(line)[:3]) for line in lines if line.endswith("]")}
    versions = {}
    for name in ("scikit-image", "skan", "pvbm"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            print(f"{name} is missing", flush=True)
    (folder / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
    with found.open("a", encoding="utf-8") as out:
        for name, reading, number in wanted:
            if (name, reading, number) in done:
                continue
            value = READINGS[reading](np.load(folder / f"{name}.npy"), number)
            out.write(json.dumps([name, reading, number, None if np.isnan(value) else value]) + "\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
