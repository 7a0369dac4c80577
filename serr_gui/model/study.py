"""What is compared of two groups, or of two visits of the same eyes, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.studies.comparison import Comparison
    from core.studies.design import Design, Member

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """``rows`` : of tables of measures. ``members`` : which of them belong where, as a file has said it.

    ``paired`` : visits of the same eyes, not groups. ``comparison`` is that of ``design``; ``problem`` says what is
    missing or wrong. ``doing`` : what is being done to it.
    """

    rows: tuple[Row, ...] = ()
    members: tuple["Member", ...] = ()
    paired: bool = False
    design: "Design | None" = None
    comparison: "Comparison | None" = None
    problem: str = ""
    doing: str = ""
