import numpy as np
import pytest
from scipy import stats

from deepsf.efficiency.toy import draw_tags, generate

FLAVOURS = ("b", "c", "udsg")
N_PAIRS = 400_000
OFFSETS = np.arange(0, 2 * N_PAIRS + 1, 2)


def tags(efficiency, rho=0.0, hidden=0.0, seed=1):
    """Return the tags (n, 2) of pairs of jets with one efficiency."""
    same = np.full((2 * N_PAIRS, 1), efficiency)
    return draw_tags(same, OFFSETS, np.random.SeedSequence(seed), rho, hidden).reshape(-1, 2)


def pull(tagged, efficiency):
    return (tagged.sum() - efficiency.sum()) / np.sqrt(np.sum(efficiency * (1 - efficiency)))


@pytest.mark.parametrize("name", ["toy", "short", "small"])
@pytest.mark.parametrize("hidden", [0.0, 0.3])
def test_tag_rates_are_the_mean_efficiencies_with_or_without_hidden_variable(toy, name, hidden):
    events, truth = generate(toy(name, hidden_variable=hidden), FLAVOURS, "test", 60_000)
    for k in range(len(truth.working_points)):
        for flavour in range(3):
            chosen = events.flavour == flavour
            assert abs(pull(events.tag_bin[chosen] > k, truth.efficiency[chosen, k])) < 3


@pytest.mark.parametrize("efficiency", [0.01, 0.6, 0.95])
def test_the_hidden_variable_leaves_the_mean_even_where_it_has_to_be_cut_off(efficiency):
    assert abs(pull(tags(efficiency, hidden=0.3), np.full(2 * N_PAIRS, efficiency))) < 3


def test_the_hidden_variable_spreads_the_efficiency():
    efficiency = np.full((2 * N_PAIRS, 1), 0.5)
    plain, spread = (draw_tags(efficiency, OFFSETS, np.random.SeedSequence(3), hidden=h) for h in (0.0, 0.3))
    # with the same uniform numbers a tag changes with probability E|0.3 h| 0.5 = 0.3 x 0.798 x 0.5
    assert np.mean(plain != spread) == pytest.approx(0.3 * np.sqrt(2 / np.pi) * 0.5, rel=0.01)


@pytest.mark.parametrize(("efficiency", "excess"), [(0.69, 0.054), (0.10, 0.72), (0.01, 2.39)])
def test_a_latent_correlation_raises_joint_tags_by_the_exact_figure(efficiency, excess):
    threshold = stats.norm.ppf(efficiency)
    exact = stats.multivariate_normal([0, 0], [[1, 0.2], [0.2, 1]]).cdf([threshold, threshold])
    assert exact / efficiency**2 - 1 == pytest.approx(excess, rel=0.01)
    drawn = tags(efficiency, rho=0.2)
    assert drawn.all(axis=1).sum() == pytest.approx(N_PAIRS * exact, abs=3 * np.sqrt(N_PAIRS * exact * (1 - exact)))
    # neighbours in the array of different events stay independent
    assert np.corrcoef(drawn[:-1, 1], drawn[1:, 0])[0, 1] == pytest.approx(0.0, abs=4 / np.sqrt(N_PAIRS))
    assert abs(drawn.mean() / efficiency - 1) < 4 * np.sqrt((1 + 0.2) / efficiency / 2 / N_PAIRS)


def test_the_short_kernel_with_correlation_has_the_joint_tags_of_the_reference(toy):
    # bb +5.5 %, cc +68 %, udsg udsg +223 % over the product of efficiencies
    events, truth = generate(toy("short", latent_correlation=0.2), FLAVOURS, "test", 300_000)
    first, second = (events.offsets[:-1] + k for k in (0, 1))
    for flavour, excess in enumerate((0.055, 0.68, 2.23)):
        chosen = (events.flavour[first] == flavour) & (events.flavour[second] == flavour)
        both = np.sum((events.tag_bin[first] > 0) & (events.tag_bin[second] > 0) & chosen)
        product = np.sum((truth.efficiency[first] * truth.efficiency[second])[chosen])
        assert both / product == pytest.approx(1 + excess, rel=3 / np.sqrt(both))


def test_working_points_are_nested_and_each_has_its_rate():
    efficiency = np.tile([0.8, 0.5, 0.2], (2 * N_PAIRS, 1))
    for rho, hidden in ((0.0, 0.0), (0.5, 0.2)):
        tag_bin = draw_tags(efficiency, OFFSETS, np.random.SeedSequence(1), rho, hidden)
        shares = np.bincount(tag_bin, minlength=4) / len(tag_bin)
        assert shares == pytest.approx([0.2, 0.3, 0.3, 0.2], abs=4 * np.sqrt(0.25 / N_PAIRS))


def test_looser_working_points_tag_the_same_jets():
    one = np.full((2 * N_PAIRS, 1), 0.3)
    three = np.tile([0.6, 0.3, 0.1], (2 * N_PAIRS, 1))
    alone, nested = (draw_tags(e, OFFSETS, np.random.SeedSequence(1)) for e in (one, three))
    assert np.array_equal(alone > 0, nested > 1)


def test_the_same_seed_draws_the_same_tags_every_time():
    seed = np.random.SeedSequence(7)
    efficiency = np.full((2 * N_PAIRS, 1), 0.3)
    first, second = (draw_tags(efficiency, OFFSETS, seed, 0.2, 0.1) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.dtype == np.int8
