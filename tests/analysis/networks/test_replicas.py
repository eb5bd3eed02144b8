"""Statistical replicas: their spread is the statistical error without its floor, and they have names of their own."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from deepsf import EnsembleScaleFactor, event_weight
from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.networks.jet_inputs import InputScaling
from deepsf.tensor_files import TensorFileError
from tests.analysis.errors.constant import CODES, SCALING, ensemble, jets, member

RNG = np.random.default_rng(3)
BOOTSTRAPS = tuple(member(float(v), float(s)) for v, s in RNG.normal((1.0, 0.2), 0.05, (5, 2)))
REFITS = Refits(BOOTSTRAPS, member(1.0), {"lf_up": member(1.1)})
SCORES = np.linspace(0.0, 1.0, 200).astype(np.float32)
FLOOR = ErrorCells(np.array([100.0]), np.array([0.2, 0.7]), np.full(3, 0.02), np.zeros((2, 3)))


@pytest.fixture
def files(tmp_path):
    ensemble(0.9, 1.1).save(tmp_path / "ensemble.safetensors")
    REFITS.save(tmp_path / "refits.safetensors", CODES)
    return tmp_path / "ensemble.safetensors", tmp_path / "refits.safetensors"


@pytest.fixture
def loaded(files):
    return EnsembleScaleFactor.load(files[0], replicas=files[1])


@pytest.mark.parametrize("number", range(3))
def test_the_spread_of_means_between_working_points_is_the_statistical_error_before_its_floor(loaded, number):
    errors = MethodErrors(ensemble(0.9, 1.1), REFITS, {"b": FLOOR}, extrapolation=0.4)
    chosen = SCORES[FLOOR.score_range(jets(SCORES)) == number]
    share = np.full(len(chosen), 1.0 / len(chosen))
    means = [loaded.evaluate("b", 1.0, 60.0, chosen, replica=k).mean @ share for k in range(5)]
    stat = errors.at("b", jets(chosen)).of_mean(share)["stat"]
    # the floor adds 0.02 in quadrature
    assert np.std(means, ddof=1) == pytest.approx(np.sqrt(stat**2 - 0.02**2), rel=1e-6)
    assert np.mean(means) == pytest.approx(loaded.evaluate("b", 1.0, 60.0, chosen).mean @ share, rel=1e-9)


def test_the_same_replica_is_the_same_for_jets_alone_and_among_others(loaded):
    together = loaded.evaluate(np.array([5, 0, 5]), 1.0, 60.0, np.array([0.1, 0.5, 0.9]), replica=2)
    alone = loaded.evaluate("b", 1.0, 60.0, 0.9, replica=2)
    again = loaded.evaluate("b", 1.0, 60.0, 0.9, replica=2)
    assert alone.mean == again.mean
    assert together.mean[2] == pytest.approx(float(alone.mean), rel=1e-6)
    assert loaded.evaluate("b", 1.0, 60.0, 0.9, replica=3).mean != alone.mean
    # errors of the trainings go with it
    nominal = loaded.evaluate("b", 1.0, 60.0, 0.9)
    assert alone.sem / alone.mean == pytest.approx(nominal.sem / nominal.mean)


@pytest.mark.parametrize("replica", [-1, 5])
def test_a_replica_that_there_is_not_is_refused(loaded, replica):
    with pytest.raises(ValueError, match=rf"replica {replica}: there are 5, numbered from 0 to 4"):
        loaded.evaluate("b", 1.0, 60.0, 0.9, replica=replica)


def test_without_the_file_of_bootstraps_the_way_out_is_named():
    with pytest.raises(ValueError, match=r"replica 0: these scale factors have 0 bootstraps.*replicas=FILE, refits"):
        ensemble(1.0, 1.1).evaluate("b", 1.0, 60.0, 0.9, replica=0)


def test_files_without_bootstraps_or_of_other_inputs_are_refused(files, tmp_path):
    with pytest.raises(TensorFileError, match=r"ensemble\.safetensors: .*n_bootstraps"):
        EnsembleScaleFactor.load(files[0], replicas=files[0])
    Refits((), member(1.0), {"lf_up": member(1.1)}).save(tmp_path / "shifts", CODES)
    with pytest.raises(TensorFileError, match="holds 0 bootstraps among 2 fits, 2 or more are needed"):
        EnsembleScaleFactor.load(files[0], replicas=tmp_path / "shifts")
    other = InputScaling(("pt", "abseta", "n_pv"), *(getattr(SCALING, key) for key in list(vars(SCALING))[1:]))
    fits = tuple(replace(fit, scalings=dict.fromkeys(CODES, other)) for fit in BOOTSTRAPS)
    Refits(fits).save(tmp_path / "others", CODES)
    with pytest.raises(ValueError, match=r"others: has .*n_pv.*; take both from one campaign"):
        EnsembleScaleFactor.load(files[0], replicas=tmp_path / "others")


EVENTS = ak.Array(
    [
        [{"pt": 60.0, "eta": -1.0, "hadronFlavour": f, "score": s} for f, s in of_event]
        for of_event in ([(5, 0.9), (0, 0.1)], [], [(5, 0.3)])
    ]
)


def test_weights_of_events_have_replicas_too(loaded):
    weight = event_weight(loaded, EVENTS, discriminant="score", replica=1)
    b, light, other = (
        float(loaded.evaluate(flavour, 1.0, 60.0, score, replica=1).mean)
        for flavour, score in (("b", 0.9), ("udsg", 0.1), ("b", 0.3))
    )
    assert weight.tolist() == pytest.approx([b * light, 1.0, other], rel=1e-6)
    flat = {name: ak.to_numpy(ak.flatten(EVENTS[name])) for name in EVENTS.fields}
    same = event_weight(loaded, flat, counts=[2, 0, 1], discriminant="score", replica=1)
    assert same.tolist() == pytest.approx(weight.tolist())
    assert event_weight(loaded, EVENTS, discriminant="score").tolist() != weight.tolist()


def test_an_ensemble_knows_no_shift_and_no_column(loaded):
    with pytest.raises(ValueError, match="an ensemble has no shift 'lf_up'; load its exported table"):
        event_weight(loaded, EVENTS, "lf_up", discriminant="score")
    with pytest.raises(ValueError, match="an ensemble does not say which discriminant it is for"):
        event_weight(loaded, EVENTS)
