"""What was measured before a training, in words."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from serr_gui.widgets.durations import duration_text

if TYPE_CHECKING:
    from core.training.estimate import Estimate


def estimate_text(owner: QWidget, estimate: "Estimate") -> str:
    """Time, steps and memory in one sentence, translated as a text of ``owner``."""
    text = owner.tr("About {time} on {device}: {step} s a step, {count} validations of {each}. Memory {memory}")
    shown = text.format(
        time=duration_text(estimate.total_s),
        device=estimate.device,
        step=f"{estimate.step_s:.2g}",
        count=estimate.validations,
        each=duration_text(estimate.validation_s),
        memory=f"{estimate.memory_bytes / 1e9:.1f} GB",
    )
    if estimate.free_memory_bytes is not None:
        shown += owner.tr(" of {free} that are free").format(free=f"{estimate.free_memory_bytes / 1e9:.1f} GB")
    if estimate.device_bytes:
        used, free = estimate.device_bytes / 1e9, (estimate.free_device_bytes or 0) / 1e9
        shown += owner.tr("; of the graphics processor {used} of {free} GB").format(
            used=f"{used:.1f}", free=f"{free:.1f}"
        )
    return f"{shown}."
