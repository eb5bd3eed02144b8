import numpy as np
import pytest
from scipy.special import expit, logit, ndtri

from deepsf.generator.discriminant import (
    DEEPCSV,
    DEEPJET,
    PROBABILITIES,
    TAGGERS,
    cumulative,
    draw,
    invalid_probability,
    quantile,
)
from deepsf.generator.jagged import HADRON_FLAVOURS


def jets(flavour, n, pt_gev=60.0, abseta=0.5):
    return np.full(n, flavour), np.full(n, pt_gev), np.full(n, abseta)


@pytest.mark.parametrize("place", range(3))
def test_quantiles_of_deepjet_are_the_measured_ones_at_60_gev(place):
    flavour, pt, abseta = jets(HADRON_FLAVOURS[place], 400_000)
    values = logit(draw(np.random.default_rng(1), DEEPJET, flavour, pt, abseta).astype(float))
    # The error of a quantile is sqrt(p (1 - p) / n) / density; 0.05 is far above it for all of them.
    assert np.quantile(values, PROBABILITIES) == pytest.approx(DEEPJET.shapes[place].quantiles, abs=0.05)


@pytest.mark.parametrize(("flavour", "efficiencies"), [(5, (0.918, 0.786, 0.606)), (4, (0.450, 0.133, 0.031)),
                                                       (0, (0.166, 0.018, 0.0012))])  # fmt: skip
def test_efficiencies_at_the_working_points_are_those_of_real_files(flavour, efficiencies):
    passing = [
        1 - cumulative(DEEPJET, *(a[0] for a in jets(flavour, 1)), np.array(cut)) for cut in (0.0532, 0.304, 0.7476)
    ]
    # The efficiencies come from 1000 events, and between quantiles lies an interpolation.
    assert passing == pytest.approx(efficiencies, rel=0.15, abs=0.01)


@pytest.mark.parametrize("tagger", TAGGERS.values(), ids=TAGGERS)
@pytest.mark.parametrize("flavour", HADRON_FLAVOURS)
def test_cumulative_inverts_quantile_everywhere(tagger, flavour):
    normal = np.linspace(-4.5, 4.5, 91)
    for pt, abseta in ((20.0, 0.0), (60.0, 1.7), (500.0, 2.49)):
        arguments = (*(a[0] for a in jets(flavour, 1, pt, abseta)),)
        values = quantile(tagger, *arguments, normal)
        assert (np.diff(values) > 0).all()
        assert ndtri(cumulative(tagger, *arguments, values)) == pytest.approx(normal, abs=1e-3)


def test_tails_of_the_logit_are_exponential():
    # Beyond the 99 % quantile q: P(z > q + x) = 0.01 exp(-x / tau); tau = 0.5 for b jets.
    above = 1 - cumulative(DEEPJET, *(a[0] for a in jets(5, 1)), expit(8.50 + np.array([0.5, 1.0, 2.0])))
    assert above == pytest.approx(0.01 * np.exp(-np.array([1.0, 2.0, 4.0])), rel=0.01)


def test_deepjet_is_always_valid_and_below_one_even_as_float32():
    flavour = np.repeat(HADRON_FLAVOURS, 200_000)
    values = draw(np.random.default_rng(1), DEEPJET, flavour, np.full(600_000, 300.0), np.full(600_000, 0.1))
    assert values.dtype == np.float32
    assert values.min() > 0.0
    assert values.max() < 1.0
    # real files pile up at the largest value, these do not
    assert (values == values.max()).sum() < 5


def test_deepcsv_has_the_measured_invalid_fractions():
    # simulated ttbar: udsg 17.6 % at 20-30 GeV, 6.3 % at 30-60 GeV, 4.5 % above; b 3.1, 0.7 and 0.6 %
    for flavour, pt, fraction in (
        (0, 25.0, 0.176),
        (0, 42.0, 0.063),
        (0, 200.0, 0.045),
        (5, 25.0, 0.031),
        (5, 90.0, 0.006),
    ):
        f, p, e = jets(flavour, 200_000, pt)
        assert invalid_probability(DEEPCSV, f[:1], p[:1])[0] == pytest.approx(fraction)
        values = draw(np.random.default_rng(1), DEEPCSV, f, p, e)
        error = np.sqrt(fraction / 200_000)
        assert (values < 0).mean() == pytest.approx(fraction, abs=4 * error)
        assert (values == -2.0).sum() / (values < 0).sum() == pytest.approx(0.3, abs=0.05)


def test_deepcsv_has_no_score_outside_the_tracker():
    values = draw(np.random.default_rng(1), DEEPCSV, *jets(0, 100, 60.0, 2.6))
    assert (values == -2.0).all()


def test_shapes_depend_on_pt_and_abseta():
    def median(flavour, pt, abseta):
        return quantile(DEEPJET, *(a[0] for a in jets(flavour, 1, pt, abseta)), np.array(0.0))

    assert median(5, 25.0, 0.5) < median(5, 60.0, 0.5) > median(5, 60.0, 2.3)
    assert median(0, 60.0, 0.5) < median(0, 60.0, 2.3)


def test_an_unknown_flavour_is_named():
    with pytest.raises(ValueError, match=r"hadron flavours \[3\] are not generated; known are 5"):
        draw(np.random.default_rng(1), DEEPJET, *jets(3, 2))
