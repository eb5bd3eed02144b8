"""Scores of pseudo-data that simulation describes wrongly: the injected effects, at their sizes and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import chi2, spearmanr

from deepsf import config
from deepsf.config.mismodelling import Mismodelling
from deepsf.generator.detector import RecoJets
from deepsf.generator.discriminant import DEEPCSV, DEEPJET, cumulative, quantile
from deepsf.generator.scores import scores
from deepsf.generator.truth import load as effective_truth
from scripts.make_true_sf import NAME

ROOT = Path(__file__).parents[3]
GENERATOR = config.load(ROOT / "configs" / "toy.yaml").generator
TRUTH = effective_truth(ROOT / "configs" / "true_sf" / "toy.json", NAME, "central", "btagDeepFlavB")
TAGGERS = DEEPJET, DEEPCSV
N_EVENTS = 20_000
PT_GEV, ABSETA = 45.0, 0.9
PARTS = 10


def drawn(process="ttbar", flavours=(5, 0), simulation=False, tagger_correlation=0.0, **wrong):
    """Return the scores of events with a b and a light jet of the same kinematics, by tagger, shape (n_events, 2)."""
    n = 2 * N_EVENTS
    nothing = np.zeros(n)
    jets = RecoJets(
        np.repeat(np.arange(N_EVENTS), 2), np.full(n, PT_GEV), np.full(n, -ABSETA), *[nothing] * 4,
        np.tile(flavours, N_EVENTS), *[nothing] * 3,
    )  # fmt: skip
    changes = {"mismodelling": Mismodelling(**wrong), "tagger_correlation": tagger_correlation}
    seed = np.random.SeedSequence(5)
    rngs = [np.random.default_rng(s) for s in seed.spawn(2)]
    injected = None if simulation else TRUTH.injected
    columns = scores(rngs, seed, TAGGERS, jets, GENERATOR.model_copy(update=changes), process, injected)
    return {branch: column.reshape(N_EVENTS, 2) for branch, column in columns.items()}


def p_value(column, flavour, slope=0.0):
    """Chi2 probability of the scores of a flavour in deciles of simulation, if S follows the truth with a slope."""
    u = (np.arange(2000) + 0.5) / 2000
    flat = np.full(2000, flavour), np.full(2000, PT_GEV), np.full(2000, ABSETA)
    value = TRUTH.evaluate(flat[0], flat[2], flat[1], quantile(DEEPJET, *flat, ndtri(u))) * (1 + slope * (2 * u - 1))
    expected = len(column) * value.reshape(PARTS, -1).sum(axis=1) / value.sum()
    below = cumulative(DEEPJET, *(of_jets[:1] for of_jets in flat), column.astype(float))
    found = np.histogram(below, np.linspace(0, 1, PARTS + 1))[0]
    return chi2.sf(((found - expected) ** 2 / expected).sum(), PARTS - 1)


def same(first, second):
    return all((first[branch] == second[branch]).all() for branch in first)


def test_without_effects_scores_are_those_of_the_kind_toy():
    nothing = {"departures": {"ttbar": {"udsg": {}}}, "tag_probe_correlation": 0.0}
    assert same(drawn(), drawn(**nothing))
    assert same(drawn(), drawn("zjets", departures={"ttbar": {"udsg": {"score_slope": 0.5}}}))


def test_simulation_knows_no_mismodelling():
    wrong = {"tag_probe_correlation": 0.3, "departures": {"ttbar": {"udsg": {"score_slope": 0.5}}}}
    assert same(drawn(simulation=True), drawn(simulation=True, **wrong))


def test_tag_and_probe_correlate_and_both_follow_the_truth():
    deepjet = drawn(tag_probe_correlation=0.3)["btagDeepFlavB"]
    assert spearmanr(*deepjet.T)[0] == pytest.approx(0.3, abs=4 / np.sqrt(N_EVENTS))
    assert abs(spearmanr(*drawn()["btagDeepFlavB"].T)[0]) < 4 / np.sqrt(N_EVENTS)
    for place, flavour in enumerate((5, 0)):
        assert p_value(deepjet[:, place], flavour) > 1e-3


def test_the_score_of_a_probe_depends_on_the_tag():
    correlated, independent = (drawn(flavours=(5, 5), tag_probe_correlation=r)["btagDeepFlavB"] for r in (0.3, 0.0))
    # the truth is that of all jets, not of those beside a tag
    assert p_value(independent[independent[:, 0] > 0.3, 1], 5) > 1e-3
    assert p_value(correlated[correlated[:, 0] > 0.3, 1], 5) < 1e-6


@pytest.mark.parametrize("slope", [0.4, -0.4])
def test_a_process_has_a_scale_factor_of_its_own(slope):
    wrong = drawn(departures={"ttbar": {"udsg": {"score_slope": slope}}})["btagDeepFlavB"]
    assert p_value(wrong[:, 1], 0, slope) > 1e-3
    assert p_value(wrong[:, 1], 0) < 1e-6
    # the other flavour follows the truth
    assert p_value(wrong[:, 0], 5) > 1e-3


@pytest.mark.parametrize("simulation", [True, False])
def test_taggers_of_a_jet_correlate_and_still_follow_the_truth(simulation):
    columns = drawn(simulation=simulation, tagger_correlation=0.7)
    b_jets, light = (np.stack([columns[tagger.branch][:, place] for tagger in TAGGERS]) for place in (0, 1))
    for of_flavour in (b_jets, light):
        assert spearmanr(*of_flavour)[0] == pytest.approx(0.7, abs=0.02)  # invalid scores are ties
    assert abs(spearmanr(b_jets[0], light[0])[0]) < 4 / np.sqrt(N_EVENTS)
    if not simulation:
        assert p_value(b_jets[0], 5) > 1e-3
        assert p_value(light[0], 0) > 1e-3


def test_pseudo_data_with_correlated_jets_keep_the_correlation_of_taggers():
    columns = drawn(tag_probe_correlation=0.2, tagger_correlation=0.7)
    assert spearmanr(*(columns[tagger.branch][:, 0] for tagger in TAGGERS))[0] == pytest.approx(0.7, abs=0.02)
    assert spearmanr(*columns["btagDeepFlavB"].T)[0] == pytest.approx(0.2, abs=4 / np.sqrt(N_EVENTS))
