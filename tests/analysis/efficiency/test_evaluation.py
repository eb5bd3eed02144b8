"""What members make of efficiencies at jets: mean, spread, and the cross-fit of events that were trained on."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency import evaluation
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.folds import Fold
from tests.analysis.efficiency.events.hand_events import flat_events
from tests.analysis.tensor_file_damage import accepted


class Constant:
    """An ensemble whose members say the same of every jet."""

    def __init__(self, *values: float, working_points=("M",), pt_max_gev=250.0, fold=None) -> None:
        self.values, self.n_members, self.working_points = values, len(values), working_points
        self.pt_max_gev, self.fold = pt_max_gev, fold

    def out_of_range(self, events: JetEvents):
        return events.pt_gev > self.pt_max_gev

    def members(self, events: JetEvents):
        return (np.full((len(events.pt_gev), 1), value, np.float32) for value in self.values)


EVEN, ODD = Fold(0), Fold(1)


@pytest.fixture
def events() -> JetEvents:
    """Events 4, 7 and 9 of 2, 1 and 2 jets."""
    return flat_events([2, 1, 2], pt_gev=[90, 40, 55, 300, 200], event=[4, 7, 9], flavours=("b",))


def test_the_spread_is_the_standard_deviation_of_members_not_the_error_of_their_mean(events):
    found = evaluation.of_ensemble(Constant(0.1, 0.2, 0.6), events, keep_members=True)
    np.testing.assert_allclose(found.mean, 0.3, rtol=1e-6)
    # ((0.2)^2 + (0.1)^2 + (0.3)^2) / 2 = 0.07
    np.testing.assert_allclose(found.spread, np.sqrt(0.07), rtol=1e-6)
    assert found.members.shape == (3, 5, 1)


def test_events_get_their_efficiencies_from_members_that_saw_the_other_half(events):
    found = evaluation.cross_fitted([Constant(0.2, 0.4, fold=EVEN), Constant(0.6, 0.7, fold=ODD)], events)
    # fold 0 was trained on event 4, so fold 1 serves it
    np.testing.assert_allclose(found.mean[:, 0], [0.65, 0.65, 0.3, 0.3, 0.3], rtol=1e-6)
    np.testing.assert_allclose(found.members[0, :, 0], [0.6, 0.6, 0.2, 0.2, 0.2], rtol=1e-6)
    np.testing.assert_allclose(found.spread[0], np.sqrt(2) * 0.05, rtol=1e-5)


def test_a_single_member_has_no_spread(events):
    found = evaluation.of_ensemble(Constant(0.1), events, keep_members=True)
    assert found.spread is None
    np.testing.assert_allclose(found.mean, 0.1, rtol=1e-6)


def test_jets_beyond_the_training_keep_their_flag(events, tmp_path):
    kept = evaluation.of_ensemble(Constant(0.1, 0.2), events, keep_members=True)
    assert kept.out_of_range.tolist() == [False, False, False, True, False]
    # fold 1 serves event 4, and saw jets up to 50 GeV alone
    fitted = evaluation.cross_fitted([Constant(0.1, fold=EVEN), Constant(0.2, pt_max_gev=50.0, fold=ODD)], events)
    assert fitted.out_of_range.tolist() == [True, False, False, True, False]
    evaluation.write(tmp_path / "x", {"fitted": fitted})
    np.testing.assert_array_equal(evaluation.read(tmp_path / "x")["fitted"].out_of_range, fitted.out_of_range)


def test_efficiencies_of_other_working_points_are_refused(events):
    tight = Constant(0.1, 0.2, working_points=("T",))
    message = r"of the working points \('T',\), the events have \('M',\)"
    with pytest.raises(ValueError, match=message):
        evaluation.of_ensemble(tight, events, keep_members=True)
    with pytest.raises(ValueError, match=message):
        evaluation.cross_fitted([Constant(0.1, 0.2, fold=EVEN), tight], events)


def test_folds_of_one_member_have_no_spread(events):
    assert evaluation.cross_fitted([Constant(0.2, fold=EVEN), Constant(0.6, fold=ODD)], events).spread is None


def test_a_cross_fit_by_other_halves_than_even_and_odd_numbers_is_refused(events):
    with pytest.raises(ValueError, match=r"ensemble 0 of the cross-fit does not say which events it was trained on; t"):
        evaluation.cross_fitted([Constant(0.2), Constant(0.6)], events)
    exchanged = [Constant(0.2, fold=ODD), Constant(0.6, fold=EVEN)]
    with pytest.raises(ValueError, match="was trained on events with an odd number, not on the events with an even"):
        evaluation.cross_fitted(exchanged, events)
    thirds = [Constant(0.2, fold=Fold(k, 3)) for k in (0, 1)]
    with pytest.raises(ValueError, match="was trained on events whose number is 0 modulo 3, not on the events with an"):
        evaluation.cross_fitted(thirds, events)


@pytest.mark.parametrize("folds", [[Constant(0.2)], [Constant(0.2), Constant(0.1, 0.3)]])
def test_a_cross_fit_of_one_fold_or_of_unequal_ones_is_refused(events, folds):
    with pytest.raises(ValueError, match="needs at least 2 folds of equal size, got members"):
        evaluation.cross_fitted(folds, events)


def test_written_efficiencies_come_back_in_order_and_bit_by_bit(tmp_path):
    mean = np.random.default_rng(1).random((7, 2)).astype(np.float32)
    models = {"map": ModelEfficiencies(mean), "gnn": ModelEfficiencies(mean, mean / 10, np.stack([mean, mean]))}
    evaluation.write(tmp_path / "file", models)
    read = evaluation.read(tmp_path / "file")
    assert list(read) == ["map", "gnn"]
    assert read["map"].spread is None
    assert all(np.array_equal(one, other) for one, other in zip(read["gnn"], models["gnn"], strict=True))
    evaluation.write(tmp_path / "again", models)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "file").read_bytes()


def test_a_spoilt_file_is_refused_whatever_is_wrong_with_it(tmp_path):
    mean, outside = np.full((7, 2), 0.5, np.float32), np.zeros(7, bool)
    models = {
        "map": ModelEfficiencies(mean, out_of_range=outside),
        "gnn": ModelEfficiencies(mean, mean / 10, np.stack([mean, mean]), outside),
    }
    evaluation.write(tmp_path / "file", models)
    optional = ["map/out_of_range", *(f"gnn/{key}" for key in ("members", "out_of_range", "spread"))]
    assert sorted(accepted(tmp_path / "file", evaluation.read)) == sorted(f"{name} missing" for name in optional)
