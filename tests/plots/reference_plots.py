"""Figures against reference images: the root mean square of the difference, image and difference kept where it fails.

`pytest --update-reference-plots` writes the references anew; look at every change before committing it. A figure
without a reference fails.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.testing.exceptions import ImageComparisonFailure
from PIL import Image

from deepsf.plots.style import context

REFERENCE = Path(__file__).parent / "reference"
FAILED = Path(__file__).parent / "failed"
DPI = 60
LEVELS = [round(round(level * 31 / 255) * 255 / 31) for level in range(256)]
"""Of each colour, 32: images are half as large, and rounding on another machine does not show."""
TOLERANCE = 0.2
"""Root mean square over all pixels, of levels from 0 to 255; a digit that changes exceeds it."""
_UPDATE = "pytest --update-reference-plots"


@dataclass(frozen=True)
class ReferencePlots:
    """Folders of references and of what failed, and whether references are to be written."""

    reference: Path = REFERENCE
    failed: Path = FAILED
    update: bool = False

    def check(self, name: str, figure: Figure) -> None:
        """Fail unless a figure looks like its reference image."""
        expected, made = self.reference / f"{name}.png", self.failed / f"{name}.png"
        difference = self.failed / f"{name}-failed-diff.png"
        difference.unlink(missing_ok=True)
        _write(figure, made)
        if self.update:
            expected.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made, expected)
            return
        if not expected.exists():
            pytest.fail(f"{name} has no reference image {expected}; look at {made}, then `{_UPDATE}`")
        try:
            found = compare_images(expected, made, TOLERANCE, in_decorator=True)
        except ImageComparisonFailure as error:  # other sizes: no difference is drawn
            pytest.fail(f"{name}: {error}\n  reference {expected}\n  now {made}\nIf it is meant: `{_UPDATE}`")
        if found is not None:
            pytest.fail(
                f"{name} is not what it was, RMS {found['rms']:.2f} of at most {TOLERANCE}\n"
                f"  reference {expected}\n  now {made}\n  difference {difference}\nIf it is meant: `{_UPDATE}`"
            )
        made.unlink()


def _write(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with context():
        figure.savefig(path, dpi=DPI)
    image = Image.open(path).convert("RGB").point(LEVELS * 3)
    image.save(path, optimize=True)
