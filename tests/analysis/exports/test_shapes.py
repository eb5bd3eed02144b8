"""Tables of polynomials from a measurement: every flavour and shift that files define, bins that reach far enough."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.exports.shapes import completed, shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement, points
from tests.oracles.shape_tables import evaluate


def test_a_measured_flavour_without_a_table_is_refused():
    with pytest.raises(ValueError, match="flavour udsg is measured, but has no nominal scale factor"):
        completed({"b": {"nominal": unit_table()}}, FLAVOURS)


def test_measured_charm_has_the_shifts_of_all_measured_flavours():
    flavours = {**FLAVOURS, "c": FLAVOURS["c"].model_copy(update={"scale_factor": "measured"})}
    table = unit_table()
    shapes = completed(
        {"b": {"nominal": table, "lf_up": table}, "c": {"nominal": table}, "udsg": {"nominal": table}}, flavours
    )
    assert set(shapes[4]) == set(shapes[5]) == {"nominal", "lf_up"}


def test_a_constant_curve_is_one_number():
    np.testing.assert_array_equal(evaluate(unit_table(), [0.0, 2.4], [1.0, 1e5], [-1.0, 0.5]), 1.0)
    with pytest.raises(ValueError, match=r"\|eta\| from 0 to 2.5 leaves the table, 0 to 2.5"):
        evaluate(unit_table(), [0.0, 2.5], [50.0, 50.0], [0.5, 0.5])


def test_the_last_bin_stays_open_beyond_its_edge():
    binned = measurement()
    jets = points(1000)
    jets.abseta[:] = np.linspace(2.4, 2.69, 1000)
    table = shapes_of(binned, FLAVOURS, abseta_max=2.7)[0]["nominal"]
    assert table.abseta == (0.0, 0.8, 1.618034, 2.7)
    measured = binned.evaluate("udsg", jets, "binned_smooth")
    np.testing.assert_allclose(evaluate(table, jets.abseta, jets.pt_gev, jets.discriminant), measured, atol=1e-6)
