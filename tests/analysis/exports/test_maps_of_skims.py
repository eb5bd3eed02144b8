"""Normalisation maps from the skim's tables of jets."""

from __future__ import annotations

from dataclasses import replace

import correctionlib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.exports.corrections import correction_set_text
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.maps_of_skims import maps_of_skims
from deepsf.exports.normalisation_maps import map_correction
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.skim.cut_flow import SkimReport
from tests.analysis.exports.conftest import FLAVOURS

EDGES = (2, 3, 4), (0, 100, 1000)


def write_jets(path, sample="ttbar", kind="simulation", *, kinematic=None, weights=None, entries=(7, 9)):
    """Write five jets in two events, entry 7 with three and entry 9 with two, in disorder."""
    three, two = entries
    columns = {
        "entry": np.array([three, two, three, two, three]),
        "rank": np.array([0, 1, 1, 0, 2], np.int8),
        "weight": np.array([2.0, 0.5, 2.0, 0.5, 2.0]),
        "pt_gev": np.array([80.0, 31.0, 60.0, 44.0, 25.0], np.float32),
        "eta": np.array([-0.5, 1.0, 2.0, -2.0, 0.1], np.float32),
        "discriminant": np.array([0.9, 0.3, 0.05, -1.0, 0.6], np.float32),
        "hadron_flavour": np.array([5, 4, 0, 0, 4], np.int8),
        "n_jets": np.array([3, 2, 3, 2, 3], np.int8),
        "ht_gev": np.array([165.0, 75.0, 165.0, 75.0, 165.0], np.float32),
    }
    report = SkimReport(sample, kind, n_events=9, sum_weights=9.0, cut_flow={}, region_yields={}, jets={})
    if kinematic:
        varied = {**columns, "pt_gev": columns["pt_gev"] * np.float32(1.5), "weight": 3 * columns["weight"]}
        columns = {name: np.concatenate([columns[name], varied[name]]) for name in columns}
        columns["shift"] = np.repeat(np.array([0, 1], np.int8), 5)
        report = replace(report, kinematic_shifts=("nominal", kinematic))
    if weights:
        columns[f"weight_{weights}"] = np.full(len(columns["entry"]), 1.1)
        report = replace(report, weight_shifts=(weights,))
    table = pa.table(columns).replace_schema_metadata({"deepsf": report.to_json()})
    pq.write_table(table, path)
    return path


@pytest.fixture
def correction(binned, label):
    return ShapeCorrection.of_tree(shape_correction(shapes_of(binned, FLAVOURS), label))


def weights_of(correction, shift, scale=1.0):
    """Return the event weights of entries 7 and 9 by hand."""
    jets = {7: [(5, 0.5, 80, 0.9), (0, 2.0, 60, 0.05), (4, 0.1, 25, 0.6)], 9: [(0, 2.0, 44, -1.0), (4, 1.0, 31, 0.3)]}
    jets = {entry: [(f, e, np.float32(scale * p), np.float32(d)) for f, e, p, d in js] for entry, js in jets.items()}
    return {
        e: np.prod(correction.evaluate(*(np.array(c) for c in zip(*js, strict=True)), shift)) for e, js in jets.items()
    }


def test_maps_of_skims_multiply_the_jets_of_each_event(tmp_path, correction):
    paths = [write_jets(tmp_path / "a.parquet"), write_jets(tmp_path / "data.parquet", "data", "data")]
    maps = maps_of_skims(paths, correction, EDGES)
    assert set(maps) == {"ttbar"}
    assert set(maps["ttbar"]) == set(correction.shifts)
    for shift in ("nominal", "lf_up", "cferr1_down"):
        by_hand = weights_of(correction, shift)
        np.testing.assert_allclose(
            maps["ttbar"][shift].after, [[0.5 * by_hand[9], 0], [0, 2.0 * by_hand[7]]], rtol=1e-6
        )
        np.testing.assert_allclose(maps["ttbar"][shift].before, [[0.5, 0], [0, 2.0]])


def test_shifts_of_the_jets_take_their_own_rows_and_shifts_of_weights_their_weights(tmp_path, correction):
    path = write_jets(tmp_path / "a.parquet", kinematic="jesTotal_up", weights="lf_up")
    maps = maps_of_skims([path], correction, EDGES)["ttbar"]
    varied, reweighted = weights_of(correction, "jesTotal_up", 1.5), weights_of(correction, "lf_up")
    np.testing.assert_allclose(maps["jesTotal_up"].after[0, 0], 1.5 * varied[9], rtol=1e-6)
    np.testing.assert_allclose(maps["jesTotal_up"].before[0, 0], 1.5)
    np.testing.assert_allclose(maps["lf_up"].after[1, 1], 2.2 * reweighted[7], rtol=1e-6)
    np.testing.assert_allclose(maps["nominal"].after[1, 1], 2.0 * weights_of(correction, "nominal")[7], rtol=1e-6)


def test_shifts_of_a_large_file_are_found_at_a_part_of_its_events(tmp_path, correction, monkeypatch):
    monkeypatch.setattr("deepsf.exports.maps_of_skims.N_EVENTS", 1)
    # of two events, numbers 7 and 9, none is even: entry 8 in place of 7
    path = write_jets(tmp_path / "a.parquet", entries=(8, 9))
    maps = maps_of_skims([path], correction, EDGES)["ttbar"]
    nominal, shifted = weights_of(correction, "nominal"), weights_of(correction, "lf_up")
    # three jets: found; two jets: the nominal one, as nothing else is known
    np.testing.assert_allclose(maps["lf_up"].after, [[0.5 * nominal[9], 0], [0, 2.0 * shifted[7]]], rtol=1e-6)
    np.testing.assert_allclose(maps["nominal"].after, [[0.5 * nominal[9], 0], [0, 2.0 * nominal[7]]], rtol=1e-6)


def test_maps_as_a_correction(tmp_path, correction, label):
    maps = maps_of_skims([write_jets(tmp_path / "a.parquet"), write_jets(tmp_path / "b.parquet")], correction, EDGES)
    text = correction_set_text([map_correction(maps, label, "the preselection")], "")
    of = correctionlib.CorrectionSet.from_string(text)[label.name].evaluate
    ratio = maps["ttbar"]["lf_up"].ratio
    values = of("ttbar", "up_lf", np.array([2, 3, 9, 1]), np.array([50.0, 200.0, 1e6, 50.0]))
    np.testing.assert_allclose(values, [ratio[0, 0], ratio[1, 1], ratio[1, 1], ratio[0, 0]], rtol=1e-8)
    assert "Bins without simulation have the ratio of the whole process: 2 of 4 for ttbar." in text
    with pytest.raises(IndexError, match="zjets"):
        of("zjets", "central", 2, 50.0)
