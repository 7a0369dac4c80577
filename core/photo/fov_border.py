"""From the circle of a field of view to its pixels: straight cuts, tabs, and the border as the photograph shows it."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from core.photo.circles import RAYS, Circle
from core.photo.fov_search import EDGE, FoundCircle
from core.types import BoolArray, ByteArray

DARK_CUT, LIT_CUT = 0.15, 0.5
"""Where the border lies along a ray between the level outside the circle (0) and that of the retina inside it (1), with
a dark and with a lighter surround. For the dark one chosen on DRIVE's training part and HRF, where the mean IoU with
the given masks is 0.997 and 0.999; from 0.08 to 0.25 both are above 0.995."""

# In shares of the radius: how far the border may leave the circle to the inside and to the outside, the largest tab.
_INSIDE_SLACK, _OUTSIDE_SLACK, _TAB_SIZE = 0.012, 0.008, 0.15
# A tab is at least this bright, in shares of the retina's level.
_TAB_LEVEL = 0.35
# A circle is cut straight where the logarithm of the level steps up so much (in STARE by 1.1 to 2.5; a rim in the shade
# by 0.4), within so many rows, along at least this share of a chord, and at least so far (in radii) from its centre.
_STEP, _STEP_ROWS, _STEP_SHARE, _DEEPEST_CUT = 2 * EDGE, 3, 0.6, 0.3
# Rays over which the border's level is made even; retina must be this many standard deviations above the surround.
_EVEN_RAYS, _CLEAR_SIGMAS = 15, 3.0


Cuts = tuple[int, int, int, int]
"""Where a circle is cut off straight inside the small copy (top, left, bottom, right), or the edges of that copy."""


def pixels_inside(found: FoundCircle, cuts: Cuts, rgb: ByteArray) -> BoolArray:
    """The pixels of a photograph (H, W, 3) that are inside, bool (H, W), by a circle on a small copy of it."""
    shape = rgb.shape[:2]
    scale = max(shape) / max(found.distance.shape)
    circle = found.circle.scaled(scale)
    inside = _drawn(circle, shape, 1 - _INSIDE_SLACK)
    band = np.flatnonzero(_drawn(circle, shape, 1 + _OUTSIDE_SLACK).ravel() & ~inside.ravel())
    y, x = np.divmod(band, shape[1])
    right, down = (x - circle.x).astype(np.float32), (y - circle.y).astype(np.float32)
    degrees = cv2.phase(right, down, angleInDegrees=True).ravel()  # to 0.1 degrees, and faster than arctan2
    ray = np.rint(degrees * (RAYS / 360)).astype(np.intp) % RAYS
    cut = _cut_along_rays(found)[ray]
    distance = found.surround.distance(rgb.reshape(-1, 3)[band])
    on_disc = right**2 + down**2 <= circle.radius**2
    inside.ravel()[band] = np.where(np.isnan(cut), on_disc, distance > cut)
    top, left, bottom, right = (round(edge * scale) for edge in cuts)
    inside[:top] = inside[bottom:] = False
    inside[:, :left] = inside[:, right:] = False
    _add_tabs(inside, found, rgb)
    return inside


def straight_cuts(found: FoundCircle) -> Cuts:
    """The straight cuts of a circle at its four sides, where it has some."""
    plane = np.log(found.distance + np.float32(found.surround.noise))
    height, width = plane.shape
    x, y, radius = found.circle.x, found.circle.y, found.circle.radius
    top = _straight_edge(plane, x, y, radius)
    bottom = height - _straight_edge(plane[::-1], x, height - 1 - y, radius)
    left = _straight_edge(plane.T, y, x, radius)
    right = width - _straight_edge(plane.T[::-1], y, width - 1 - x, radius)
    return top, left, bottom, right


def _straight_edge(plane: npt.NDArray[np.float32], x: float, y: float, radius: float) -> int:
    """The row above the centre of a circle at which it is cut off: the first that shows retina, or 0 for none.

    There the level steps up along most of the chord, and no row above is nearly as bright as those below.
    """
    first, last = max(0, math.ceil(y - radius)), min(plane.shape[0], int(y - _DEEPEST_CUT * radius))
    if last - first <= _STEP_ROWS + 1:
        return 0
    rows, columns = np.arange(first, last)[:, None], np.arange(plane.shape[1])
    on_chord = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    counts = on_chord.sum(axis=1)
    if not counts.all():
        return 0
    levels = np.sort(np.where(on_chord, plane[first:last], np.float32(np.inf)), axis=1)
    level = levels[np.arange(len(levels)), counts // 2]
    step = level[_STEP_ROWS:] - level[:-_STEP_ROWS]
    brightest_above = np.maximum.accumulate(level)[:-_STEP_ROWS]
    clear = (step >= _STEP) & (brightest_above <= level[_STEP_ROWS:] - EDGE)
    # Bands of stray light make more than one step; the retina begins at the last.
    for upper in np.flatnonzero(clear)[::-1]:
        if upper < 2 or step[upper] < step[max(0, upper - 2) : upper + 3].max():
            continue
        chord = on_chord[upper]
        lower = upper + _STEP_ROWS
        rise = (plane[first + lower] - plane[first + upper])[chord]
        if (rise > EDGE / 2).mean() < _STEP_SHARE:
            continue
        means = np.array([plane[first + row][chord].mean() for row in range(upper, lower + 1)])
        return int(first + upper + (means > (means[0] + means[-1]) / 2).argmax())
    return 0


def _cut_along_rays(found: FoundCircle) -> npt.NDArray[np.float32]:
    """The distance at which the border lies along each ray (RAYS,); NaN where retina is as dark as the surround."""
    plane = found.distance.astype(np.float32)
    retina = _even(found.circle.along_rays(plane, np.linspace(0.93, 0.98, 5)))
    surround = _even(found.circle.along_rays(plane, np.linspace(1.02, 1.06, 4)))
    surround = np.where(np.isnan(surround), np.float32(0), surround)
    noise = found.surround.noise
    share = np.float32(DARK_CUT if found.surround.is_dark else LIT_CUT)
    cut = np.maximum(surround + share * (retina - surround), surround + np.float32(noise))
    return np.where(retina - surround > _CLEAR_SIGMAS * noise, cut, np.float32(np.nan)).astype(np.float32)


def _even(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The median along each ray and over its neighbours; NaN where a ray has none."""
    seen = ~np.isnan(values).all(axis=0)
    level = np.full(values.shape[1], np.nan, np.float32)
    if seen.any():
        # The same where nothing is missing, in a fifth of the time.
        median, side = np.nanmedian if np.isnan(values).any() else np.median, _EVEN_RAYS // 2
        along = median(values[:, seen], axis=0)
        around = np.lib.stride_tricks.sliding_window_view(np.pad(along, side, mode="wrap"), _EVEN_RAYS)
        level[seen] = np.median(around, axis=1)
    return level


def _add_tabs(inside: BoolArray, found: FoundCircle, rgb: ByteArray) -> None:
    """Put in the small tabs at the circle by which cameras mark one side: they show retina as well."""
    level = max(found.cut, _TAB_LEVEL * found.level)
    radius = found.circle.radius
    beyond = found.circle.disc(found.distance.shape, 1 + _OUTSIDE_SLACK) == 0
    near = found.circle.disc(found.distance.shape, 1 + 2 * _OUTSIDE_SLACK + 2 / radius) > 0
    lit = ((found.distance > level) & beyond).view(np.uint8)
    if not (lit & near).any():
        return
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lit)
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    small = (sides.max(axis=1) <= _TAB_SIZE * radius) & (sides.min(axis=1) > 1)
    small[0] = False
    ball, share = np.ones((3, 3), np.uint8), DARK_CUT if found.surround.is_dark else LIT_CUT
    touching = np.zeros(len(stats), np.bool_)
    touching[np.unique(labels[near & beyond])] = True
    for label in np.flatnonzero(small & touching):
        left, top, width, height = stats[label, :4]
        scale = max(inside.shape) / max(labels.shape)
        rows = slice(max(0, int((top - 2) * scale)), int((top + height + 2) * scale))
        columns = slice(max(0, int((left - 2) * scale)), int((left + width + 2) * scale))
        part = inside[rows, columns]
        here = slice(max(0, top - 2), top + height + 2), slice(max(0, left - 2), left + width + 2)
        tab = labels[here] == label
        dark = found.distance[here][~cv2.dilate(tab.astype(np.uint8), ball).view(np.bool_) & beyond[here]]
        around = float(np.median(dark)) if dark.size else 0.0  # stray light, where that is
        cut = around + share * (float(np.median(found.distance[here][tab])) - around)
        inside[rows, columns] = part | (found.surround.distance(rgb[rows, columns]) > max(cut, found.cut))


def _drawn(circle: Circle, shape: tuple[int, ...], factor: float) -> BoolArray:
    """The disc on a large picture; cv2 draws it faster than a comparison of all pixels."""
    shift = 4
    unit = 1 << shift
    drawn = np.zeros(shape, np.uint8)
    centre = round(circle.x * unit), round(circle.y * unit)
    cv2.circle(drawn, centre, round(circle.radius * factor * unit), 1, cv2.FILLED, cv2.LINE_8, shift)
    return drawn.view(np.bool_)
