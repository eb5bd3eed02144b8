"""Inclusive jets: an even sample of each flavour, the same under shifts, and its file."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.probes.inclusive import InclusiveJets, sample_inclusive_jets
from tests.analysis.probes.skims import add_shifts, jets_columns, tables_in, write, write_jets


def test_a_shift_keeps_the_sampled_jets_and_adds_a_fair_part_of_new_ones(tmp_path):
    # 4000 jets; the shift loses the first 400, has the others 10 % harder, and gets 400 jets (eta + 1000) of its own
    nominal, shifted = jets_columns(4000, [5, 5, 0, 0]), jets_columns(4000, [5, 5, 0, 0], 1.1)
    kept = {name: values[400:] for name, values in shifted.items()}
    new = {name: values[:400] for name, values in shifted.items()} | {"eta": shifted["eta"][:400] + np.float32(1000)}
    order = np.argsort(np.concatenate([kept["entry"], new["entry"]]), kind="stable")
    rows = {name: np.concatenate([kept[name], new[name]])[order] for name in kept}
    columns = {name: np.concatenate([nominal[name], rows[name]]) for name in nominal}
    write(tmp_path / "jets.parquet", columns, "ttbar", 40.0)
    ratio = np.linspace(0.5, 1.5, 8000, dtype=np.float32)
    number = np.repeat(np.int8([0, 1]), 4000)
    add_shifts(tmp_path / "jets.parquet", ("nominal", "jes_up"), ("pu_up",), shift=number, weight_pu_up=ratio)
    sampled = sample_inclusive_jets(tables_in(tmp_path), 100)
    jes = sampled.shifted("jes_up")
    is_new = jes.jets.abseta > 500
    assert is_new.sum() == 40  # of 1000 jets a flavour and half 100 are sampled: a tenth of the 400
    in_both = sampled.event >= 400
    np.testing.assert_array_equal(jes.event[~is_new], sampled.event[in_both])
    np.testing.assert_allclose(jes.jets.pt_gev[~is_new], 1.1 * sampled.jets.pt_gev[in_both], rtol=1e-6)
    np.testing.assert_allclose(sampled.shifted("pu_up").weight, sampled.weight * ratio[sampled.event])
    assert sampled.shifted("nominal").event is sampled.event

    sampled.write(tmp_path / "inclusive.parquet")
    again = InclusiveJets.read(tmp_path / "inclusive.parquet", shifts=True)
    for name in ("nominal", "jes_up", "pu_up"):
        np.testing.assert_array_equal(again.shifted(name).weight, sampled.shifted(name).weight)
        np.testing.assert_array_equal(again.shifted(name).jets.pt_gev, sampled.shifted(name).jets.pt_gev)
    with pytest.raises(ValueError, match="shift 'jer_up' is not in the skim; it has nominal, jes_up, pu_up"):
        again.shifted("jer_up")
    alone = InclusiveJets.read(tmp_path / "inclusive.parquet")
    np.testing.assert_array_equal(alone.event, sampled.event)
    assert not alone.others


def test_jets_are_thinned_evenly_by_flavour_and_half_and_survive_their_file(tmp_path):
    write_jets(tmp_path / "jets.parquet", 4000, [5, 5, 0, 0])
    sampled = sample_inclusive_jets(tables_in(tmp_path), 100)
    for flavour in (0, 1):
        for half in (0, 1):
            part = sampled.of(flavour, half)
            assert len(part.event) == 100
            assert (part.event % 2 == half).all()
            # evenly: from the first to the last jet of the file
            assert part.jets.pt_gev.min() < 21
            assert part.jets.pt_gev.max() > 89
    # 2 pb x 10 /pb / 40
    np.testing.assert_allclose(sampled.weight, 0.5)
    sampled.write(tmp_path / "inclusive.parquet")
    again = InclusiveJets.read(tmp_path / "inclusive.parquet")
    np.testing.assert_array_equal(again.jets.flavour, sampled.jets.flavour)
    np.testing.assert_array_equal(again.event, sampled.event)


def test_a_flavour_without_inclusive_jets_is_an_error(tmp_path):
    write_jets(tmp_path / "jets.parquet", 40, [5])
    with pytest.raises(ValueError, match="no simulated jet of flavour udsg"):
        sample_inclusive_jets(tables_in(tmp_path), 10)
