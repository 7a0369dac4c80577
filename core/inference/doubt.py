"""A doubt map: how much the network's answer changes with changes of the photograph that should not matter.

The photograph is run as it is, mirrored in three ways, and with a little less and a little more contrast; the standard
deviation of the six probabilities is the doubt of a pixel. After test-time augmentation for uncertainty (Wang et al.
2019, doi 10.1016/j.neucom.2019.01.103). It shows where the network is not sure of itself. It does not show where it is
surely wrong, and is not the probability of an error.
"""

from dataclasses import replace

import numpy as np

from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.weights_file import LoadedModel
from core.photo.preprocessing import NetInput
from core.progress import SILENT, Monitor, part_of
from core.types import FloatArray

_MIRRORED = ((), (2,), (1,), (1, 2))
_CONTRASTS = (0.9, 1.1)


def doubt_of(
    model: LoadedModel, net_input: NetInput, options: InferenceOptions, *, monitor: Monitor = SILENT
) -> FloatArray:
    """The doubt of each pixel of a prepared photograph, at six times the cost of its probabilities.

    Parameters
    ----------
    options : how the network is run; averaging over mirror images is left out.

    Returns
    -------
    Standard deviation of the probability over the views (``core.inference.options.DOUBT_VIEWS``), float32 (h, w) in
    [0, 0.5], 0 outside the field of view.

    Raises
    ------
    DeviceError, WeightsError, Cancelled : as ``predict``.
    """
    plain = replace(options, tta="none")
    views = [(axes, 1.0) for axes in _MIRRORED] + [((), contrast) for contrast in _CONTRASTS]
    total, squares = np.zeros(net_input.inside.shape), np.zeros(net_input.inside.shape)
    for number, (axes, contrast) in enumerate(views):
        planes = np.ascontiguousarray(np.flip(net_input.planes, axes) * np.float32(contrast))
        inside = np.ascontiguousarray(np.flip(net_input.inside, tuple(axis - 1 for axis in axes)))
        view = replace(net_input, planes=planes, inside=inside)
        part = part_of(monitor, number, len(views), "doubt map")
        values = np.flip(predict(model, view, plain, monitor=part).values, tuple(axis - 1 for axis in axes))
        total += values
        squares += np.square(values, dtype=np.float64)
    mean = total / len(views)
    doubt: FloatArray = np.sqrt(np.maximum(squares / len(views) - mean**2, 0.0)).astype(np.float32)
    return doubt
