"""The tables of a skim: their order, shifts and weights at the luminosity of the data."""

from __future__ import annotations

import pytest

from tests.analysis.probes.skims import add_shifts, tables_in, write_entries


def test_the_order_of_paths_does_not_matter(skims):
    tables = tables_in(skims)
    assert [path.name for path in tables.paths] == ["a.parquet", "b.parquet", "c.parquet"]
    assert [report.sample for report in tables.reports] == ["ttbar", "ttbar", "data"]


def test_simulation_is_scaled_by_the_sum_of_weights_over_all_its_files(skims):
    # 2 pb x 10 /pb / (30 + 10)
    assert tables_in(skims).factors() == {"ttbar": pytest.approx(0.5)}


def test_weights_that_do_not_sum_to_a_positive_number_cannot_be_normalised(skims):
    write_entries(skims / "b.parquet", "ttbar", (4, 0, 0), -30, weight=[2], channel=[0], flavour=[1])
    with pytest.raises(ValueError, match="sample ttbar: generator weights sum to 0"):
        tables_in(skims).factors()


def test_shifts_of_a_skim_are_listed(shifted_skims):
    assert tables_in(shifted_skims).shifts == (("nominal", "jer_up"), ("pileup_up",))


def test_files_with_different_kinematic_shifts_are_refused(shifted_skims):
    add_shifts(shifted_skims / "b.parquet")
    with pytest.raises(ValueError, match=r"different shifts of the jets \(\['jer_up'\]\); skim all files"):
        _ = tables_in(shifted_skims).shifts
