"""What other programs measure on a drawn shape: scikit-image (counting pixels), skan and PVBM.

skan (BSD) and PVBM (MIT) are needed by the benchmark of measures alone; where one is missing its column is empty.

    pip install skan
    pip install --no-deps pvbm; pip install scipy scikit-image pillow

PVBM lists torchvision, onnxruntime and others, which its measures do not use: hence ``--no-deps``. Install it in an
environment of its own: without these, ``pip check`` complains, and so do the tests.
"""

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from skimage.morphology import skeletonize

from core.types import FloatArray

NAN = float("nan")
HAS_SKAN, HAS_PVBM = find_spec("skan") is not None, find_spec("PVBM") is not None


def skeleton_length(values: FloatArray) -> float:
    """Pixels of the skeleton."""
    return float(np.count_nonzero(skeletonize(values >= 0.5)))


def area_over_skeleton(values: FloatArray) -> float:
    return float(np.count_nonzero(values >= 0.5)) / skeleton_length(values)


def skan_length(values: FloatArray) -> float:
    return float(_branches(values)["branch_distance"].sum())


def skan_arc_over_chord(values: FloatArray) -> float:
    branches = _branches(values)
    return float(branches["branch_distance"].sum() / branches["euclidean_distance"].sum())


def _branches(values: FloatArray):  # type: ignore[no-untyped-def]  # a data frame of pandas, which is not needed here
    skan = import_module("skan")
    return skan.summarize(skan.Skeleton(skeletonize(values >= 0.5)), separator="_")


def pvbm_length(values: FloatArray) -> float:
    return _pvbm(values)[3]


def pvbm_arc_over_chord(values: FloatArray) -> float:
    return _pvbm(values)[1]


def pvbm_angle(values: FloatArray) -> float:
    return _pvbm(values)[4]


def pvbm_branchings(values: FloatArray) -> float:
    return _pvbm(values)[7]


def _pvbm(values: FloatArray) -> list[float]:
    return _pvbm_of(values.tobytes(), values.shape[0])


@cache
def _pvbm_of(drawn: bytes, side: int) -> list[float]:
    """PVBM's geometrical measures with the disc in the middle of the picture."""
    measures = import_module("PVBM.GeometryAnalysis").GeometricalVBMs()

    vessel = np.frombuffer(drawn, np.float32).reshape(side, side) >= 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found, _ = measures.compute_geomVBMs(
                vessel.astype(float), skeletonize(vessel) * 1, side // 2, side // 2, side
            )
        except (ValueError, IndexError, RecursionError):
            return [NAN] * 8
    return [float(value) for value in found]


def pvbm_dimensions(values: FloatArray) -> tuple[float, float, float]:
    """D0, D1, D2 by PVBM, without its search over 25 turned pictures, which takes as many times as long."""
    return _pvbm_dimensions_of(values.tobytes(), values.shape[0])


@cache
def _pvbm_dimensions_of(drawn: bytes, side: int) -> tuple[float, float, float]:
    measures = import_module("PVBM.FractalAnalysis").MultifractalVBMs(optimize=False)

    vessel = np.frombuffer(drawn, np.float32).reshape(side, side) >= 0.5
    found = measures.compute_multifractals(vessel.astype(float))
    return float(found[0]), float(found[1]), float(found[2])


def pvbm_calibre(values: FloatArray, disc_radius: float) -> float:
    """Knudtson's equivalent of arterioles by PVBM, of what is 2 to 3 radii from the middle."""
    measures = import_module("PVBM.CentralRetinalAnalysis").CREVBMs()

    side = values.shape[0]
    rows, columns = np.ogrid[:side, :side]
    away = np.hypot(rows - side / 2, columns - side / 2) / disc_radius
    vessel = values >= 0.5
    thin = skeletonize(vessel) & (away >= 2) & (away < 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found, _ = measures.compute_central_retinal_equivalents(
                vessel.astype(float), thin * 1, side // 2, side // 2, int(disc_radius)
            )
        except (ValueError, IndexError, RecursionError):
            return NAN
    return float(found["craek"]) if found["craek"] >= 0 else NAN
