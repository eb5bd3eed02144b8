"""Normalisation maps: by hand, and as a file."""

from __future__ import annotations

import correctionlib
import numpy as np
import pytest

import deepsf
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.normalisation_maps import normalisation_map, write_normalisation_maps

EDGES = (2, 3, 4), (0, 100, 1000)


def test_r_is_the_sum_of_weights_before_over_after():
    # bin (2 jets, HT < 100): (1 + 3) / (1 * 0.5 + 3 * 0.9) = 4 / 3.2; (>= 3, >= 100): 2 / (2 * 1.25); others: whole
    r = normalisation_map([2, 2, 5], [60, 99, 4000], [1, 3, 2], [0.5, 0.9, 1.25], EDGES)
    np.testing.assert_allclose(r.ratio, [[1.25, 6 / 5.7], [6 / 5.7, 0.8]])
    np.testing.assert_array_equal(r.usable, [[True, False], [False, True]])


def test_maps_of_files_are_added():
    events = [2, 2, 3], [60, 99, 150], [1, 3, -2], [0.5, 0.9, 1.25]
    whole = normalisation_map(*events, EDGES)
    parts = normalisation_map(*(c[:1] for c in events), EDGES) + normalisation_map(*(c[1:] for c in events), EDGES)
    np.testing.assert_allclose(parts.after, whole.after)
    np.testing.assert_allclose(parts.before, whole.before)


def test_a_process_without_a_positive_sum_is_refused():
    with pytest.raises(ValueError, match=r"cannot normalise event weights: sums of weights -2 before and -1\.8 after"):
        _ = normalisation_map([2], [60], [-2], [0.9], EDGES).ratio


def test_maps_of_different_bins_are_not_added():
    events = [2, 3], [60, 99], [1, 3], [0.5, 0.9]
    with pytest.raises(ValueError, match="maps of different bins cannot be added"):
        _ = normalisation_map(*events, EDGES) + normalisation_map(*events, ((2, 3, 5), EDGES[1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ht": [60, np.nan]}, "ht of 1 of 2 events is not finite; leave these events out"),
        ({"edges": ((2, 3), (0, 100, 100))}, r"at least two and increase, got \[0, 100, 100\]"),
        ({"edges": ((2,), (0, 100))}, r"at least two and increase, got \[2\]"),
    ],
)
def test_events_and_bins_that_make_no_map_are_refused(change, message):
    events = {"n_jets": [2, 3], "ht": [60, 99], "weight": [1, 3], "event_weight": [0.5, 0.9], "edges": EDGES}
    with pytest.raises(ValueError, match=message):
        normalisation_map(**events | change)


@pytest.fixture
def own_correction():
    """A correction of unit scale factors, of a public file's name and without a word about its tagger."""
    one = {"nodetype": "category", "input": "flavor", "content": [{"key": 5, "value": 1.0}]}
    inputs = [{"name": "systematic", "type": "string"}, {"name": "flavor", "type": "int"}]
    inputs += [{"name": name, "type": "real"} for name in ("abseta", "pt", "discriminant")]
    data = {"nodetype": "category", "input": "systematic", "content": [{"key": "central", "value": one}]}
    tree = {"name": "deepJet_shape", "version": 1, "inputs": inputs, "output": {"name": "weight", "type": "real"}}
    return ShapeCorrection.of_tree({**tree, "data": data})


def test_own_maps_are_read_by_correctionlib(tmp_path, own_correction):
    r = normalisation_map([2, 2, 5], [60, 99, 4000], [1, 3, 2], [0.5, 0.9, 1.25], EDGES)
    up = normalisation_map([2, 2, 5], [60, 99, 4000], [1, 3, 2], [0.5, 1.9, 1.25], EDGES)
    path = tmp_path / "own.json"
    write_normalisation_maps(path, {"ttbar": {"central": r, "lf_up": up}}, own_correction, "two leptons")
    correction = correctionlib.CorrectionSet.from_file(str(path))["deepJet_shape_normalisation"]
    assert correction.evaluate("ttbar", "central", 2, 50.0) == pytest.approx(1.25)
    assert correction.evaluate("ttbar", "up_lf", 2, 50.0) == pytest.approx(4 / 6.2)
    assert correction.evaluate("ttbar", "central", 2, 500.0) == pytest.approx(6 / 5.7)
    about = correction.description
    assert "Made on events with two leptons. Clamped" in about
    assert about.endswith(f"whole process: 2 of 4 for ttbar. Made by deepsf {deepsf.__version__}.")
    assert "tagger" not in about


def test_own_maps_without_a_nominal_one_are_refused(tmp_path, own_correction):
    up = normalisation_map([2], [60], [1], [0.5], EDGES)
    with pytest.raises(ValueError, match=r"maps of ttbar have the shifts \['lf_up'\]; the nominal one is missing"):
        write_normalisation_maps(tmp_path / "own.json", {"ttbar": {"up_lf": up}}, own_correction)
