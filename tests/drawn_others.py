"""Drawn pictures that are no colour photographs of a retina: what people open by mistake."""

from collections.abc import Callable

import cv2
import numpy as np

from core.types import ByteArray

Maker = Callable[[np.random.Generator], ByteArray]


def noise(random: np.random.Generator) -> ByteArray:
    return random.integers(0, 256, (400, 500, 3), np.uint8)


def grey_noise(random: np.random.Generator) -> ByteArray:
    return np.repeat(random.normal(120, 30, (400, 400, 1)).clip(0, 255).astype(np.uint8), 3, axis=2)


def noise_in_a_circle(random: np.random.Generator) -> ByteArray:
    picture = random.integers(0, 256, (400, 400, 3), np.uint8)
    rows, columns = np.ogrid[:400, :400]
    picture[(rows - 200) ** 2 + (columns - 200) ** 2 > 180**2] = 0
    return picture


def gradient(random: np.random.Generator) -> ByteArray:
    ramp = np.linspace(20, 240, 500)[None, :, None] * np.array(random.uniform(0.3, 1, 3))
    return np.broadcast_to(ramp, (400, 500, 3)).astype(np.uint8)


def round_gradient(random: np.random.Generator) -> ByteArray:
    """A ball: round and orange like a retina, but nothing is on it."""
    rows, columns = np.ogrid[:400, :400]
    far = np.hypot(rows - 200, columns - 200)[..., None] / 180
    return np.where(far < 1, np.array((220, 110, 50)) * (1 - 0.5 * far**2), 0).astype(np.uint8)


def text_page(random: np.random.Generator) -> ByteArray:
    page = np.full((700, 500, 3), 250, np.uint8)
    for line in range(30):
        words = " ".join("x" * int(random.integers(2, 9)) for _ in range(7))[:44]
        cv2.putText(page, words, (30, 40 + 22 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1)
    return page


def screenshot(random: np.random.Generator) -> ByteArray:
    screen = np.full((600, 800, 3), 235, np.uint8)
    screen[:30] = (40, 70, 120)
    screen[30:, :160] = (210, 214, 220)
    for number in range(18):
        left, top = int(random.integers(170, 700)), int(random.integers(40, 560))
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        cv2.rectangle(screen, (left, top), (left + int(random.integers(20, 200)), top + 30), colour, -1)
        cv2.putText(screen, f"File {number}", (8, 60 + 28 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1)
    return screen


def dark_screenshot(random: np.random.Generator) -> ByteArray:
    return np.asarray(255 - screenshot(random), np.uint8)


def scene(random: np.random.Generator) -> ByteArray:
    """Sky over land: colours and structure at all scales, as in photographs of anything."""
    height, width = 480, 640
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    planes = []
    shared = random.normal(size=(height, width))
    for weight in (0.3, 0.3, 0.3):
        field = np.fft.fft2(shared + weight * random.normal(size=(height, width))) / (np.hypot(rows, columns) + 0.004)
        plane = np.fft.ifft2(field).real
        planes.append((plane - plane.mean()) / plane.std())
    picture = 110 + 45 * np.stack(planes, axis=2)
    picture[: height // 2] += (10, 40, 90)
    picture[height // 2 :] += (0, 30, -30)
    return picture.clip(0, 255).astype(np.uint8)


def brown_scene(random: np.random.Generator) -> ByteArray:
    """Structure at all scales in the colours of a retina."""
    structure = scene(random).mean(axis=2, keepdims=True) / 128
    return (structure * np.array((150, 75, 35))).clip(0, 255).astype(np.uint8)


def chessboard(random: np.random.Generator) -> ByteArray:
    board = (np.indices((400, 400)) // 40).sum(axis=0) % 2
    return np.asarray(board[..., None] * np.array((200, 120, 60)) + 20, np.uint8)


OTHERS: tuple[Maker, ...] = (
    noise,
    grey_noise,
    noise_in_a_circle,
    gradient,
    round_gradient,
    text_page,
    screenshot,
    dark_screenshot,
    scene,
    brown_scene,
    chessboard,
)
