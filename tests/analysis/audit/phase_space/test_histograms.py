"""Closure in breadth: weights, rates, yields and shifts by hand; tests with an injected scale factor."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from pydantic import ValidationError

from deepsf.audit.methods import no_scale_factor
from deepsf.audit.phase_space.histograms import histograms_from_json, phase_spaces
from deepsf.config.validation import VARIABLES, Validation, n_jets_of
from tests.analysis.audit.phase_space.jet_tables import binned, tables_in, write_jets

B = (0.9, 0.5, 2.0, 1.5)
"""Scale factors of b jets: invalid score, 0 to 0.2, 0.2 to 0.6, above."""
SHIFTS = {"lf_up": (0.9, 1.0, 2.0, 1.5), "lf_down": (0.9, 0.4, 2.0, 1.5)}


def spaces(folder, sf=None, methods=None, settings=None):
    sf = binned(B, SHIFTS) if sf is None else sf
    methods = methods or {"none": no_scale_factor, "binned": partial(sf.evaluate, method="binned")}
    return phase_spaces(tables_in(folder), methods, sf, settings or Validation(ht_gev=(0, 200, 1000)))


@pytest.fixture
def by_hand(tmp_path):
    """Cross section 2 pb x 0.01/fb / sum of weights 20: every simulated event weighs its weight."""
    write_jets(
        tmp_path / "a_jets.parquet",
        "ttbar",
        [2, 3, 2],
        channel=[0, 0, 1],
        weight=[4.0, 2.0, 1.0],
        # b 0.1 x udsg: 0.5; b -1 x b 0.5 x b 0.55: 0.9 x 2 x 2 = 3.6; c x b 0.9: 1.5
        score=[0.1, 0.3, -1, 0.5, 0.55, 0.9, 0.9],
        flavour=[5, 0, 5, 5, 5, 4, 5],
    )
    write_jets(
        tmp_path / "b_jets.parquet",
        "data",
        [2, 3, 3, 2, 2],
        channel=[0, 0, 0, 1, 1],
        weight=[1.0] * 5,
        score=[0.1, 0.3, 0.7, 0.5, 0.55, 0.7, 0.5, 0.55, 0.9, 0.9, 0.9, 0.9],
        flavour=[-1] * 12,
    )
    return tmp_path


def test_rates_and_yields_by_hand(by_hand):
    report = spaces(by_hand).report()
    # ee: 3 data events over 4 + 2; emu: 2 over 1; mumu: nothing
    assert report["rate"] == {"ee": pytest.approx(0.5), "emu": pytest.approx(2.0), "mumu": 0.0}
    ee = {space: report["yields"][space]["ee"] for space in ("measurement", "closure", "validation")}
    assert ee["measurement"] == {"data": 1, "none": pytest.approx(2.0), "binned": pytest.approx(0.5 * 4 * 0.5)}
    assert ee["validation"] == {"data": 2, "none": pytest.approx(1.0), "binned": pytest.approx(0.5 * 2 * 3.6)}
    assert ee["closure"] == {"data": 3, "none": pytest.approx(3.0), "binned": pytest.approx(4.6)}
    assert report["yields"]["closure"]["emu"]["binned"] == pytest.approx(2 * 1.5)


def test_every_jet_carries_the_weight_of_its_event(by_hand):
    jets = spaces(by_hand).jets
    # axes method, channel, flavour, n_jets, rank, discriminant; ee events of three jets
    three = np.asarray(jets.simulation.values())[1, 0, :, 1]
    weight = 0.5 * 2 * 3.6
    np.testing.assert_allclose(three[0, 0], [weight, 0, 0, 0])  # leading: b, invalid
    np.testing.assert_allclose(three[0, 1], [0, 0, weight, 0])
    np.testing.assert_allclose(three[0, 2], [0, 0, weight, 0])
    assert three[1:].sum() == 0
    data = np.asarray(jets.data.values())[0, 1]
    np.testing.assert_array_equal(data[:, 2:], [[0, 2], [2, 0], [2, 0]])


def test_events_count_with_the_flavour_of_their_leading_jet(by_hand):
    events = np.asarray(spaces(by_hand).events.simulation.values())[0]
    # channel, flavour, n_jets, HT: 100 + 80 and 100 + 80 + 60
    assert events[0, 0, 0].tolist() == [pytest.approx(2.0), 0]
    assert events[0, 0, 1].tolist() == [0, pytest.approx(1.0)]
    assert events[1, 1, 0].tolist() == [pytest.approx(2.0), 0]
    assert events.sum() == pytest.approx(5.0)


def test_two_further_jets_of_an_event_in_one_bin_count_once_in_the_variance(tmp_path):
    for name, sample, flavour in (("a", "ttbar", 5), ("b", "data", -1)):
        write_jets(
            tmp_path / f"{name}.parquet",
            sample,
            [4],
            channel=[0],
            weight=[1.0],
            score=[0.9, 0.9, 0.1, 0.1],
            flavour=[flavour] * 4,
        )
    filled = spaces(tmp_path).jets.data
    assert filled.values()[0, 2, 2, 1] == 2
    assert filled.variances()[0, 2, 2, 1] == 4
    assert filled.variances()[0, 2, 0, 3] == 1


def test_shifts_weigh_events_with_their_own_scale_factors_and_no_other(by_hand):
    filled = spaces(by_hand).events.shifts
    values = dict(zip(filled.axes["shift"], np.asarray(filled.values())[:, 0], strict=True))
    assert values["lf_up"][0].sum() == pytest.approx(0.5 * 4 * 1.0)
    assert values["lf_down"][0].sum() == pytest.approx(0.5 * 4 * 0.4)
    assert values["lf_up"][1].sum() == pytest.approx(0.5 * 2 * 3.6)


def test_a_shift_of_weights_takes_the_shifted_weights(by_hand):
    write_jets(
        by_hand / "a_jets.parquet",
        "ttbar",
        [2],
        channel=[0],
        weight=[4.0],
        score=[0.1, 0.3],
        flavour=[5, 0],
        weight_pileup_up=np.full(2, 1.25, np.float32),
    )
    write_jets(by_hand / "b_jets.parquet", "data", [2], channel=[0], weight=[1.0], score=[0.1, 0.3], flavour=[-1, -1])
    filled = spaces(by_hand, binned(B, {"pileup_up": (1, 0.8, 1, 1)})).events.shifts
    # weight 4 x 1.25 at the shift's own rate 1/5, scale factor 0.8
    assert np.asarray(filled.values()).sum() == pytest.approx(0.2 * 5 * 0.8)


def test_the_artefact_gives_back_the_histograms_and_equal_inputs_equal_texts(by_hand):
    first, second = spaces(by_hand), spaces(by_hand)
    assert first.histograms_to_json() == second.histograms_to_json()
    assert json.dumps(first.report()) == json.dumps(second.report())
    read = histograms_from_json(first.histograms_to_json())
    assert read["jets"].simulation == first.jets.simulation
    assert read["events"].shifts == first.events.shifts


def test_a_file_without_events_changes_nothing(by_hand):
    before = spaces(by_hand).report()
    for sample in ("ttbar", "data"):
        write_jets(
            by_hand / f"no_{sample}.parquet", sample, [], channel=[], weight=[], score=[], flavour=[], sum_weights=0.0
        )
    assert spaces(by_hand).report() == before


def test_a_channel_with_data_alone_is_an_error(by_hand):
    write_jets(by_hand / "c_jets.parquet", "data", [2], channel=[2], weight=[1.0], score=[0.1, 0.3], flavour=[-1, -1])
    with pytest.raises(ValueError, match="channel mumu: 1 data events with two jets or more, a simulated yield of 0"):
        spaces(by_hand)


def test_the_validation_has_no_event_of_the_measurement():
    with pytest.raises(ValidationError, match="greater than or equal to 3"):
        Validation(n_jets_min=2)
    with pytest.raises(ValidationError, match="n_jets_max = 3 is below n_jets_min = 4"):
        Validation(n_jets_min=4, n_jets_max=3)
    first, _ = n_jets_of("validation", Validation())
    _, last = n_jets_of("measurement", Validation())
    assert last < first


# --- tests with an injected scale factor


def scale_factor(score, flavour):
    """Return S of mean 1: scores of b jets are distributed as beta(2, 1), mean 2/3; of others as beta(1, 3), 1/4."""
    return np.where(flavour == 5, 1.0 - 0.6 * (score - 2 / 3), 1.0 + 0.9 * (score - 1 / 4))


def injected(flavour, jets, *, normalised=True):
    return scale_factor(jets.discriminant.astype(float), np.full(len(jets), 5 if flavour == "b" else 0))


def write_campaign(folder, rng, n_events, *, data):
    n_jets = 2 + rng.poisson(0.9, n_events)
    size = int(n_jets.sum())
    flavour = rng.choice([5, 0], size, p=[0.4, 0.6])

    def draw(codes):
        return np.where(codes == 5, rng.beta(2, 1, len(codes)), rng.beta(1, 3, len(codes)))

    score = draw(flavour)
    todo = np.arange(size) if data else np.empty(0, np.int64)
    while len(todo):
        todo = todo[rng.random(len(todo)) * 1.7 > scale_factor(score[todo], flavour[todo])]
        score[todo] = draw(flavour[todo])
    # other rates by number of jets and other pT in data
    pt = 20.0 + rng.exponential(60.0 if data else 50.0, size)
    event = np.repeat(np.arange(n_events), n_jets)
    weight = np.ones(n_events) if data else rng.choice([1.0, -1.0], n_events, p=[0.95, 0.05])
    write_jets(
        folder / f"{'data' if data else 'ttbar'}.parquet",
        "data" if data else "ttbar",
        n_jets,
        channel=rng.choice(3, n_events),
        weight=weight,
        score=score,
        flavour=np.full(size, -1) if data else flavour,
        pt=pt[np.lexsort((-pt, event))],
        sum_weights=20.0 * weight.sum() / n_events * 2,
    )


@pytest.fixture(scope="module")
def tests_of_injected(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("injected"), np.random.default_rng(11)
    write_campaign(folder, rng, 40_000, data=True)
    write_campaign(folder, rng, 80_000, data=False)
    return spaces(folder, methods={"none": no_scale_factor, "truth": injected}, settings=Validation()).tests


def test_the_true_scale_factor_closes_and_none_does_not(tests_of_injected):
    assert set(tests_of_injected) == {"ee", "emu", "mumu", "all"}
    assert set(tests_of_injected["all"]) == set(VARIABLES)
    found = [tests_of_injected[c][rank] for c in tests_of_injected for rank in ("leading", "second", "further")]
    assert min(test["truth"]["p"] for test in found) > 0.01
    assert max(test["truth"]["p"] for test in found) > 0.3
    assert max(tests_of_injected["all"][rank]["none"]["p"] for rank in ("leading", "second", "further")) < 1e-6
    assert all(test["truth"]["ndf"] == test["none"]["ndf"] for test in found)
    assert min(test["truth"]["ndf"] for test in found) > 10
