"""Names of figures are known without anything that takes time."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["scale_factors", "efficiency"])
def test_a_plan_is_made_without_anything_that_takes_time(room):
    slow = ("matplotlib", "torch", "numba", "scipy", "pyarrow", "hist", "awkward")
    code = f"import sys; import deepsf.plots.{room}.plan; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
