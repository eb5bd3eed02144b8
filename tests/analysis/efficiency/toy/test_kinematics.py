import numpy as np
import pytest
from scipy import stats

from deepsf.efficiency.toy import generate
from deepsf.efficiency.toy.kinematics import half_normal_pt, n_extra_jets, truncated_normal, two_jets, wrapped

FLAVOURS = ("b", "c", "udsg")


def pairs_of(settings, n=20_000, seed=1):
    return two_jets(np.random.default_rng(seed), n, settings.kinematics, 3)


def test_pt_is_half_normal_above_the_threshold_and_below_the_largest(toy):
    pairs = pairs_of(toy())
    law = stats.truncnorm(0, 980 / 200, loc=20, scale=200)
    assert stats.kstest(pairs.a.pt_gev, law.cdf).pvalue > 1e-3
    assert stats.kstest(pairs.b.pt_gev, law.cdf).pvalue > 1e-3
    assert abs(stats.spearmanr(pairs.a.pt_gev, pairs.b.pt_gev).statistic) < 4 / np.sqrt(20_000)


def test_the_ends_of_truncated_laws_are_reached_and_not_passed(toy):
    ends = np.array([0.0, np.nextafter(1.0, 0.0)])
    for changes in ({}, {"pt_sigma_gev": 10.0, "pt_max_gev": 5000.0}):
        pt = half_normal_pt(ends, toy(**changes).kinematics, changes.get("pt_max_gev", 1000.0))
        assert pt[0] == 20.0
        assert 20.0 < pt[1] <= changes.get("pt_max_gev", 1000.0)
    assert truncated_normal(ends, 0.5, 2.0) == pytest.approx([-2.0, 2.0])


def test_eta_of_the_first_jet_is_a_truncated_normal(toy):
    law = stats.truncnorm(-2 / 0.5, 2 / 0.5, scale=0.5)
    assert stats.kstest(pairs_of(toy()).a.eta, law.cdf).pvalue > 1e-3


def test_the_second_jet_is_as_far_from_the_first_as_the_square_root_law_says(toy):
    # an acceptance that cuts nothing away
    pairs = pairs_of(toy(abseta_max=10.0))
    delta_r = np.hypot(pairs.a.eta - pairs.b.eta, wrapped(pairs.a.phi - pairs.b.phi))
    assert stats.kstest(delta_r, lambda x: (x**1.5 - 0.011**1.5) / (3**1.5 - 0.011**1.5)).pvalue > 1e-3
    angle = np.arctan2(wrapped(pairs.b.phi - pairs.a.phi), pairs.b.eta - pairs.a.eta)
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


def test_phi_of_all_jets_is_flat_all_around(toy):
    events, _ = generate(toy(), FLAVOURS, "train", 20_000)
    leading = events.phi[events.rank == 0]
    assert stats.kstest(leading, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
    assert np.abs(events.phi).max() <= np.float32(np.pi)
    assert np.abs(events.eta).max() <= 2.5


def test_multiplicities_have_the_published_shares(toy):
    # floor(x), x by exp(-x/4) on [0, 5]: exp(-k/4) (1 - exp(-1/4)) / (1 - exp(-5/4)) = .310 .241 .188 .146 .114
    events, _ = generate(toy(), FLAVOURS, "train", 50_000)
    shares = np.bincount(events.n_jets, minlength=7)[2:] / 50_000
    assert shares == pytest.approx([0.310, 0.241, 0.188, 0.146, 0.114], abs=4 * np.sqrt(0.25 / 50_000))


@pytest.mark.parametrize("largest", [0, 1, 20])
def test_every_number_of_extra_jets_up_to_the_largest_occurs(toy, largest):
    settings = toy(n_extra_max=largest, n_extra_mean=50.0).kinematics
    number = n_extra_jets(np.random.default_rng(1), 20_000, settings)
    assert np.unique(number).tolist() == list(range(largest + 1))


def test_single_jets_make_up_their_fraction_and_nothing_else_changes(toy):
    events, _ = generate(toy(single_jet_fraction=0.3), FLAVOURS, "train", 20_000)
    single = events.n_jets == 1
    assert single.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 20_000))
    assert events.n_jets.min() == 1
    assert stats.kstest(events.pt_gev[events.rank == 0][single], stats.truncnorm(0, 4.9, 20, 200).cdf).pvalue > 1e-3
    assert generate(toy(single_jet_fraction=1.0), FLAVOURS, "scalar", 100)[0].n_jets.tolist() == [1] * 100


def test_extra_jets_are_softer_than_the_first_two_and_all_are_in_order(toy):
    settings = toy(n_extra_max=20, n_extra_mean=50.0, max_clipped_fraction=1.0)
    events, _ = generate(settings, FLAVOURS, "train", 2_000)
    events.check("here")
    # third hardest below both: two independent half-normal pT are harder than all others
    hardest = np.stack([events.pt_gev[events.rank == rank] for rank in (0, 1)])
    law = stats.truncnorm(0, 4.9, 20, 200)
    assert stats.kstest(np.maximum(*hardest), lambda x: law.cdf(x) ** 2).pvalue > 1e-3
    assert stats.kstest(np.minimum(*hardest), lambda x: 1 - law.sf(x) ** 2).pvalue > 1e-3


def test_flavours_are_equally_likely_and_independent(toy):
    events, _ = generate(toy(), FLAVOURS, "train", 20_000)
    counts = np.bincount(events.flavour, minlength=3)
    assert stats.chisquare(counts).pvalue > 1e-3
    two = [events.flavour[events.rank == rank] for rank in (0, 1)]
    assert stats.chi2_contingency(np.histogram2d(*two, bins=3)[0]).pvalue > 1e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pt_min_gev": 1000.0}, r"pt_min_gev = 1000 must be below pt_max_gev = 1000"),
        ({"eta_max_leading": 3.0}, r"eta_max_leading = 3 must be at most abseta_max = 2\.5"),
        ({"delta_r_min": 3.0}, r"delta_r_min = 3 must be below delta_r_max = 3"),
        ({"delta_r_max": 3.2}, r"delta_r_max = 3\.2 must be at most pi"),
    ],
)
def test_ranges_that_are_empty_are_refused(toy, changes, message):
    with pytest.raises(ValueError, match=message):
        toy(**changes)
