"""Squeeze-and-excitation on tiles: every tile gets the gates of the whole plane. So does any other ``PlaneUnit``.

A squeeze-and-excitation unit multiplies each channel by a function of the channel's mean over all that the network
sees, and a tile has other means than the photograph. So the tiles are run more than once. While a pass runs, each unit
adds up its channels over the cores of the tiles, which partition the plane: at the end of the pass this gives means
over the whole plane, which the next pass uses. The input of the first unit does not depend on any gate, so its mean is
right after the first pass; the second unit's is right after the second, and so on. With n units, pass n + 1 is exact,
up to what the overlap cuts off. In practice the means settle much sooner: the passes end when the gates no longer move.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from core.inference.tiling import Tile
from core.networks.blocks import PlaneUnit


class SharedGates:
    """Collects the means of a network's squeeze-and-excitation units over tiles, and gives them back.

    Belongs to one copy of a network. Between ``begin`` and ``end`` of a pass ``at`` names each tile before it is run.
    """

    def __init__(self, module: nn.Module) -> None:
        self._units = [unit for unit in module.modules() if isinstance(unit, PlaneUnit)]
        self._used: Sequence[Tensor] | None = None
        self._sums: list[Tensor | None] = []
        self._counts: list[int] = []
        self._tile: Tile | None = None

    def __len__(self) -> int:
        return len(self._units)

    def begin(self, means: Sequence[Tensor] | None) -> None:
        """Start a pass that uses these means, one (C,) for each unit; None: each tile uses its own."""
        self._used = means
        self._sums = [None] * len(self._units)
        self._counts = [0] * len(self._units)
        for index, unit in enumerate(self._units):
            unit.pool = partial(self._pool, index)

    def at(self, tile: Tile) -> None:
        """The tile that is run next."""
        self._tile = tile

    def end(self) -> list[Tensor]:
        """End the pass; the means over the plane, float32 (C,) for each unit."""
        means = [total / count for total, count in zip(self._sums, self._counts, strict=True) if total is not None]
        self.release()
        return means

    def release(self) -> None:
        """Let every unit pool over what it sees, as it does by itself, and keep no tensors."""
        self._used, self._sums, self._tile = None, [], None
        for unit in self._units:
            unit.pool = None

    def change(self, before: Sequence[Tensor] | None, after: Sequence[Tensor]) -> float:
        """Largest difference of any gate, in [0, 1], between two sets of means; 1 where there is no set before."""
        if before is None:
            return 1.0
        differences = [
            float((unit.gates(old) - unit.gates(new)).abs().max())
            for unit, old, new in zip(self._units, before, after, strict=True)
        ]
        return max(differences, default=0.0)

    def _pool(self, index: int, x: Tensor) -> Tensor:
        """Called by unit ``index`` with (1, C, h, w); adds up the core and gives (1, C)."""
        assert self._tile is not None
        rows, columns = self._tile.core_in_tile
        # Cores begin and end at multiples of the stride, so they are whole pixels on every level of the network.
        shrunk = (self._tile.rows.stop - self._tile.rows.start) // x.shape[-2]
        core = x[0, :, rows.start // shrunk : rows.stop // shrunk, columns.start // shrunk : columns.stop // shrunk]
        total = core.sum(dim=(1, 2), dtype=torch.float32)
        before = self._sums[index]
        self._sums[index] = total if before is None else before + total
        self._counts[index] += core.shape[1] * core.shape[2]
        if self._used is None:
            return x.mean(dim=(2, 3))
        return self._used[index].to(x.dtype)[None]
