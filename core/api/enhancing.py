"""``serr.enhance``."""

from core.api.arguments import PathLike, Photo, as_path, as_photo, described
from core.enhancement.enhancer import Enhanced, EnhanceOptions, Enhancer, Scale, enhance_photo, load_enhancer
from core.errors import ArgumentError
from core.progress import SILENT, Monitor

__all__ = ["Enhanced", "enhance"]


def enhance(
    photo: Photo,
    *,
    scale: Scale = 1,
    model: PathLike | Enhancer | None = None,
    device: str = "auto",
    monitor: Monitor = SILENT,
) -> Enhanced:
    """Make a clearer or a larger picture of a photograph by a network (ESRGAN).

    It is for looking at: what it shows may be invented. Masks and measures belong to the original photograph.

    Parameters
    ----------
    photo : the path of a file, an array uint8 (H, W, 3) in the order red, green, blue, or a FundusImage.
    scale : 1 restores the photograph on its own grid, 2 doubles its sides.
    model : an enhancement network in place of the program's own, by its name or path; its scale counts then.
    device : "auto", "cpu", "cuda", "cuda:1" or "mps".
    monitor : gets the progress, and may end the work.

    Returns
    -------
    The picture (``.rgb``, uint8 (scale * H, scale * W, 3)) and how it was made; ``.save(folder)`` writes it together
    with a side-car that says that it is enhanced.

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.
    """
    if isinstance(scale, bool) or scale not in (1, 2):
        raise ArgumentError(f"scale must be 1 or 2, not {described(scale)}.")
    if not isinstance(device, str):
        raise ArgumentError(f'device must be "auto", "cpu", "cuda", "cuda:1" or "mps", not {described(device)}.')
    if isinstance(model, Enhancer):
        enhancer = model
    else:
        name = None if model is None else as_path(model, "model") if not isinstance(model, str) else model
        enhancer = load_enhancer(name, scale=scale)
    return enhance_photo(as_photo(photo), enhancer, options=EnhanceOptions(device=device), monitor=monitor)
