"""Which pixels scores in print were counted on: inside DRIVE's field of view, or on whole images.

    python benchmarks/published_scores.py [--page docs/benchmarks/published-scores.md]

Sensitivity, specificity and accuracy together fix the share of vessel pixels; mlscorecheck (Fazekas and Kovacs 2023,
arXiv 2310.12527) knows the pixels of each of DRIVE's test photographs and tells whether scores can have come from them,
pooled or as a mean over photographs. Needs no photographs.
"""

import argparse
import datetime
import logging
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from mlscorecheck.check.bundles import retina

Region = Literal["fov", "all"]

_DIGITS: Final = 4


@dataclass(frozen=True)
class Printed:
    """Scores on DRIVE's test photographs, first observer, as printed; ``source`` is where they were read."""

    method: str
    sensitivity: float
    specificity: float
    accuracy: float
    auc: float | None
    source: str

    @property
    def share(self) -> float:
        """The share of vessel pixels that the three scores imply."""
        return (self.specificity - self.accuracy) / (self.specificity - self.sensitivity)

    def can_be(self, region: Region) -> bool:
        """Whether pixels of a region can give these scores, pooled or as a mean over photographs."""
        scores = {"sens": self.sensitivity, "spec": self.specificity, "acc": self.accuracy}
        eps = 10.0**-_DIGITS
        pooled = retina.check_drive_vessel_aggregated_som_assumption("test", region, 1, scores, eps)
        mean = retina.check_drive_vessel_aggregated_mos_assumption("test", region, 1, scores, eps, verbosity=0)
        return not (pooled["inconsistency"] and mean["inconsistency"])


_THREE_PATH: Final = "doi 10.1038/s41598-023-50141-0, table 2"
PRINTED: Final = (
    Printed("R2U-Net (Alom et al. 2018)", 0.7792, 0.9813, 0.9556, 0.9784, "arXiv 1802.06955"),
    Printed("IterNet (Li et al. 2020)", 0.7735, 0.9838, 0.9573, 0.9816, "arXiv 1912.05763"),
    Printed("three-path U-Net (2023)", 0.8184, 0.9773, 0.9571, None, _THREE_PATH),
    Printed("ResDO-UNet (2023)", 0.7985, 0.9791, 0.9561, None, _THREE_PATH),
    Printed("SA-UNet (Guo et al. 2021)", 0.8212, 0.9840, 0.9698, 0.9864, "arXiv 2004.03696"),
    Printed("FR-UNet (Liu et al. 2022)", 0.8356, 0.9837, 0.9705, 0.9889, "doi 10.1109/JBHI.2022.3188710"),
    Printed("RV-GAN (Kamran et al. 2021)", 0.7927, 0.9969, 0.9790, 0.9887, "arXiv 2101.00535"),
    Printed("dual attention, multiscale (2022)", 0.8258, 0.9896, 0.9795, None, "doi 10.1155/2022/8111883, table 1"),
)

OURS: Final = (
    Printed("**serr-unet-drive**, no flips", 0.8420, 0.9730, 0.9564, 0.9822, "[accuracy](accuracy.md)"),
    Printed(
        "**serr-unet-drive**, no flips, whole images", 0.8416, 0.9823, 0.9699, 0.9879, "`serr evaluate --region image`"
    ),
)
_PAGE: Final = """# Which pixels the scores in print were counted on

    python benchmarks/published_scores.py --page docs/benchmarks/published-scores.md

DRIVE's photographs have black corners outside the field of view. Whoever counts them gets an accuracy and an AUC
that are higher by 0.014 and 0.006 for the very same masks: see the last two lines. Often a publication does not say
which pixels it counted, but its sensitivity, specificity and accuracy together tell: (SP - ACC) / (SP - SE) is the
share of vessels, which is 12.7 % inside the field of view and 8.8 % of whole images. mlscorecheck {mlscorecheck}
(Fazekas and Kovacs 2023, arXiv 2310.12527) makes an exact test of it, with the pixels of each of the 20 test
photographs: can these scores, rounded to four digits, come from this region at all, pooled or as a mean over
photographs? Made on {date}.

{table}

- Every accuracy above 0.96 here is impossible inside the field of view. The highest of the others that is possible
  there is 0.9573, and the highest AUC 0.9816. So 0.98 or 0.97 in print and 0.9564 here are not two places in one
  ranking.
- One line fits neither region: its three scores cannot all be of DRIVE's 20 test photographs and their first
  observer.
- What is *possible* has not been shown to be right. The rows are a choice of well-known or recent ones, not a
  survey.
"""


def table(rows: tuple[Printed, ...]) -> str:
    """One line for each, in Markdown."""
    lines = [
        "| method | AUC | ACC | SE | SP | share of vessels that these imply | field of view | whole images | from |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        auc = "-" if row.auc is None else f"{row.auc:.4f}"
        fov, whole = ("possible" if row.can_be(region) else "impossible" for region in ("fov", "all"))
        lines.append(
            f"| {row.method} | {auc} | {row.accuracy:.4f} | {row.sensitivity:.4f} | {row.specificity:.4f} | "
            f"{row.share:.2%} | {fov} | {whole} | {row.source} |"
        )
    return "\n".join(lines)


def page() -> str:
    """The whole page, in Markdown."""
    return _PAGE.format(
        table=table((*PRINTED, *OURS)), date=datetime.date.today().isoformat(), mlscorecheck=version("mlscorecheck")
    )


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, help="file to write")
    chosen = parser.parse_args()
    logging.disable(logging.INFO)
    warnings.filterwarnings("ignore", message=".*PuLP 4.0", category=DeprecationWarning)
    if chosen.page:
        chosen.page.write_text(page(), encoding="utf-8")
    else:
        print(page())


if __name__ == "__main__":
    main()
