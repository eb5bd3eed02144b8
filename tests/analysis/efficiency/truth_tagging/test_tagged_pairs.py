"""What is recomputed for drawn tags: by hand, against all patterns, and against direct tags of the same events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config import load
from deepsf.efficiency.toy import generate
from deepsf.efficiency.truth_tagging.draws import draw_pattern
from deepsf.efficiency.truth_tagging.patterns import all_patterns
from deepsf.efficiency.truth_tagging.probabilities import at_least, taggable_jets, tagged_at_least
from deepsf.efficiency.truth_tagging.tagged_pairs import hardest_tagged, replica_weight, tagged_pair_mass_gev
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields
from tests.workflow.campaign import ROOT

EDGES_GEV = np.array([30.0, 60.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0])
N_BINS = len(EDGES_GEV) + 1


@pytest.fixture(scope="module")
def toy():
    """Return events, their true efficiencies and which jets may be tagged."""
    settings = load(ROOT / "configs" / "efficiency_small.yaml").efficiency.toy
    events, truth = generate(settings, ("b", "c", "udsg"), "test", 20_000)
    return events, truth.efficiency[:, 0], taggable_jets(events, pt_min_gev=20, abseta_max=2.4)


def bins(mass_gev):
    return np.where(np.isnan(mass_gev), -1, np.digitize(mass_gev, EDGES_GEV))


def of_patterns(events, efficiency, taggable):
    """Return the probability of each event to have two tags and a mass in each bin, (n_events, n_bins)."""
    patterns = all_patterns(efficiency, events.offsets, 2, at_least=True, taggable=taggable)
    source = np.arange(patterns.offsets[-1]) - np.repeat(
        patterns.offsets[:-1] - events.offsets[patterns.event], np.diff(patterns.offsets)
    )
    per_jet = {name: getattr(events, name)[source] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")}
    per_event = {"weight": events.weight[patterns.event], "event": np.arange(len(patterns.event), dtype=np.uint64)}
    index = bins(
        tagged_pair_mass_gev(replace(events, offsets=patterns.offsets, **per_jet, **per_event), patterns.tagged)
    )
    places = patterns.event * N_BINS + index
    return np.bincount(places, patterns.probability, len(events) * N_BINS).reshape(-1, N_BINS)


def test_the_hardest_tagged_jets_and_their_mass_by_hand(toy):
    offsets = np.array([0, 4, 5, 5, 7])
    tagged = np.array([0, 1, 1, 1, 1, 0, 0], bool)
    assert hardest_tagged(tagged, offsets, 2).tolist() == [[1, 2], [4, -1], [-1, -1], [-1, -1]]
    assert hardest_tagged(tagged, offsets, 3)[0].tolist() == [1, 2, 3]
    events, _, _ = toy
    # two jets of 100 and 50 GeV, back to back in phi: m^2 = 2 x 100 x 50 x (cosh 0 - cos pi)
    per_jet = {
        "pt_gev": np.array([200.0, 100.0, 50.0], np.float32),
        "eta": np.array([1.0, 0.5, 0.5], np.float32),
        "phi": np.array([0.0, 1.0, 1.0 - np.pi], np.float32),
        "flavour": np.zeros(3, np.int8),
        "tag_bin": np.zeros(3, np.int8),
    }
    one = replace(events, offsets=np.array([0, 3]), weight=events.weight[:1], event=events.event[:1], **per_jet)
    assert tagged_pair_mass_gev(one, np.array([0, 1, 1], bool)) == pytest.approx(np.sqrt(2 * 100 * 50 * 2))
    assert np.isnan(tagged_pair_mass_gev(one, np.array([0, 1, 0], bool))).all()


def test_the_spectrum_of_drawn_pairs_is_that_of_all_patterns_and_of_direct_tags(toy):
    events, efficiency, taggable = toy
    probability = at_least(efficiency, events.offsets, 2, taggable)
    drawn = draw_pattern(efficiency, events.offsets, events.event, 2, at_least=True, seed=5, taggable=taggable).tagged
    expected = of_patterns(events, efficiency, taggable)
    np.testing.assert_allclose(expected.sum(axis=1), probability, rtol=1e-9)
    found = truth_tagged_yields(events.weight, probability, bins(tagged_pair_mass_gev(events, drawn)), N_BINS)
    passes = tagged_at_least(events.tag_bin > 0, events.offsets, 2, taggable)
    of_tags = bins(tagged_pair_mass_gev(events, (events.tag_bin > 0) & taggable))
    direct = np.bincount(of_tags[passes], minlength=N_BINS)
    # given the events, a draw weighs w with probability P / w, and a direct tag 1 with probability P
    variance = {
        "drawn": (probability[:, None] * expected - expected**2).sum(axis=0),
        "direct": (expected - expected**2).sum(axis=0),
    }
    for name, yields in (("drawn", found.value), ("direct", direct)):
        chi2 = np.sum((yields - expected.sum(axis=0)) ** 2 / variance[name])
        assert chi2 < 22, (name, chi2)  # nine bins: probability .009
    chi2 = np.sum((found.value - direct) ** 2 / (variance["drawn"] + variance["direct"]))
    assert chi2 < 22
    # the two leading jets are another pair: without recomputation the spectrum is wrong
    leading = bins(tagged_pair_mass_gev(events, events.rank < 2))
    not_recomputed = truth_tagged_yields(events.weight, probability, leading, N_BINS).value
    assert np.sum((not_recomputed - direct) ** 2 / variance["direct"]) > 100


def test_replicas_of_a_drawn_pattern_have_the_spectrum_that_they_would_draw(toy):
    events, efficiency, taggable = toy
    x = events.pt_gev.astype(float) / 200.0
    other = np.clip(efficiency * (1.0 + 0.2 * np.tanh(x - 1.0)), 0.0, 1.0)
    weight = at_least(efficiency, events.offsets, 2, taggable)
    expected = of_patterns(events, other, taggable).sum(axis=0)
    nominal = of_patterns(events, efficiency, taggable).sum(axis=0)
    total = np.zeros(N_BINS)
    spread = np.zeros(N_BINS)
    n_seeds = 4
    for seed in range(n_seeds):
        drawn = draw_pattern(
            efficiency, events.offsets, events.event, 2, at_least=True, seed=seed, taggable=taggable
        ).tagged
        by_replica = replica_weight(weight, efficiency, other, events.offsets, drawn, taggable)
        index = bins(tagged_pair_mass_gev(events, drawn))
        chosen = index >= 0
        total += np.bincount(index[chosen], by_replica[chosen], N_BINS) / n_seeds
        spread += np.bincount(index[chosen], by_replica[chosen] ** 2, N_BINS) / n_seeds**2
    assert np.sum((total - expected) ** 2 / spread) < 22
    assert np.sum((nominal - expected) ** 2 / spread) > 100


def test_a_replica_that_is_the_nominal_one_changes_nothing_and_weight_0_stays(toy):
    events, efficiency, taggable = toy
    weight = at_least(efficiency, events.offsets, 2, taggable)
    drawn = draw_pattern(efficiency, events.offsets, events.event, 2, at_least=True, seed=1, taggable=taggable).tagged
    same = replica_weight(weight, efficiency, efficiency, events.offsets, drawn, taggable)
    np.testing.assert_allclose(same, weight, rtol=1e-12)
    assert (weight == 0).any()
    # a single certain jet cannot give two tags
    alone = replica_weight(np.zeros(1), np.ones(1), np.array([0.5]), np.array([0, 1]), np.zeros(1, bool))
    assert alone.tolist() == [0.0]


def test_arrays_that_do_not_fit_are_refused():
    tagged, offsets = np.ones(3, bool), np.array([0, 2])
    with pytest.raises(ValueError, match=r"tagged must have one value a jet, shape \(2,\), got \(3,\)"):
        hardest_tagged(tagged, offsets, 2)
    with pytest.raises(
        ValueError, match=r"one weight an event and one tag a jet, shapes \(1,\) and \(2,\): got \(2,\)"
    ):
        replica_weight(np.ones(2), np.ones(2), np.ones(2), offsets, tagged[:2])
