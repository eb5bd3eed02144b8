"""Truth-tagged events with scale factors: against an enumeration of all bins, and against direct tagging with them."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from deepsf.config.efficiency.truth_tagging import Taggable, TruthTagging
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.truth_tagging.correction_files import read_scale_factors
from deepsf.efficiency.truth_tagging.scale_factors import bin_probabilities, of_working_points
from deepsf.efficiency.truth_tagging.table import tag_events
from tests.analysis.efficiency.events.hand_events import flat_events
from tests.oracles.tag_corrections import POINTS, cut, cuts_file, shape_file
from tests.oracles.truth_tagging import FunctionOfBin

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}
SYSTEMATICS = {"all": "up", "bc": {"heavy": "up"}, "light": {"light": "up"}, "fsr": "up_fsr"}
SHIFTS = {
    "": lambda code: 0.0,
    "_all": lambda code: 0.1,
    "_bc": lambda code: 0.1 if code else 0.0,
    "_light": lambda code: 0.0 if code else 0.1,
    "_fsr": lambda code: 0.05 if code == 5 else 0.0,
}


def small_sample(n=60, seed=3):
    """Return events of 0 to 3 jets, and three members with efficiencies of three working points."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, n)
    total = counts.sum()
    events = flat_events(
        counts,
        working_points=POINTS,
        pt_gev=np.full(total, 50.0),
        eta=rng.uniform(-2.3, 2.3, total),
        flavour=rng.integers(0, 3, total),
        tag_bin=rng.integers(0, 4, total),
    )
    loosest = rng.uniform(0.2, 0.8, (3, total))
    members = (loosest[..., None] * np.array([1.0, 0.6, 0.3])).astype(np.float32)
    return events, ModelEfficiencies(members[0], members=members)


def enumerated(efficiency, in_bins, wanted):
    """Return the sum over all bins of all jets of an event of prod p_k SF_k, if the number of tags is wanted."""
    p = bin_probabilities(efficiency)
    total = 0.0
    for bins in product(range(p.shape[1]), repeat=len(p)):
        if wanted(sum(k > 1 for k in bins)):  # the medium working point counts as a tag
            total += np.prod([p[jet, k] * in_bins[jet, k] for jet, k in enumerate(bins)])
    return total


@pytest.mark.parametrize("suffix", SHIFTS)
def test_every_systematic_by_both_routes_against_an_enumeration(suffix, tmp_path):
    events, model = small_sample()
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], POINTS, SYSTEMATICS)
    settings = TruthTagging(working_point="M", exactly=(1,), at_least=(2,))
    table = tag_events(events, model, settings, CODES, source).table
    codes = np.array([5, 4, 0])[events.flavour].tolist()
    cuts = np.array([[cut(code, point, SHIFTS[suffix](code)) for point in POINTS] for code in codes])
    cuts = cuts.reshape(len(codes), len(POINTS))
    in_bins = of_working_points(cuts, model.mean.astype(np.float64))
    for name, wanted in (("exactly_1", lambda n: n == 1), ("at_least_2", lambda n: n >= 2)):
        expected = [
            enumerated(model.mean[first:last], in_bins[first:last], wanted) for first, last in pairwise(events.offsets)
        ]
        np.testing.assert_allclose(table[f"data_probability_{name}{suffix}"].to_numpy(), expected, rtol=1e-6, atol=1e-9)
        drawn = table[f"tag_bin_{name}"].to_pylist()
        of_draw = [
            np.prod([in_bins[first + jet, k] for jet, k in enumerate(bins)])
            for first, bins in zip(events.offsets, drawn, strict=False)
        ]
        np.testing.assert_allclose(table[f"scale_factor_{name}{suffix}"].to_numpy(), of_draw, rtol=1e-6)
    at_tags = in_bins[np.arange(len(codes)), events.tag_bin]
    direct = [np.prod(at_tags[first:last]) for first, last in pairwise(events.offsets)]
    np.testing.assert_allclose(table[f"direct_scale_factor{suffix}"].to_numpy(), direct, rtol=1e-6)


def test_replicas_with_scale_factors_are_those_of_each_member(tmp_path):
    events, model = small_sample()
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], POINTS)
    settings = TruthTagging(exactly=(1,), at_least=(2,))
    replicas = np.array(
        tag_events(events, model, settings, CODES, source).table["data_replicas_at_least_2"].to_pylist()
    )
    for number, member in enumerate(model.members):
        alone = tag_events(events, ModelEfficiencies(member), settings, CODES, source).table
        assert "data_replicas_at_least_2" not in alone.column_names
        np.testing.assert_allclose(replicas[:, number], alone["data_probability_at_least_2"].to_numpy(), rtol=1e-6)


def scored_events(n=40_000, seed=7):
    """Return events of b and light jets whose scores crowd at both ends, with their true efficiencies at 0.1 and 0.5.

    The score is u^4 for light, 1 - u^4 for b jets, u uniform: below 0.1 are 0.1^(1/4) of light jets.
    """
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, n)
    total = counts.sum()
    flavour = rng.choice([0, 2], total)
    u = rng.random(total) ** 4
    score = np.where(flavour == 0, 1 - u, u)
    cuts = np.array([0.1, 0.5])
    events = flat_events(
        counts,
        working_points=("L", "M"),
        pt_gev=np.full(total, 50.0),
        flavour=flavour,
        tag_bin=np.sum(score[:, None] > cuts, axis=1),
        discriminant=score,
    )
    below = np.where(flavour[:, None] == 0, 1 - (1 - cuts) ** 0.25, cuts**0.25)
    return events, ModelEfficiencies((1 - below).astype(np.float32))


def test_both_routes_agree_with_direct_tagging_with_scale_factors_of_the_score(tmp_path):
    events, model = scored_events()
    # 0.8, 1.1, 0.9 below 0.02, in between and above 0.95
    shape = shape_file(tmp_path / "shape.json", (-2, 0.02, 0.95, 1.1), (0.8, 1.1, 0.9))
    source = read_scale_factors(shape, ["shape"], events.working_points)
    settings = TruthTagging(working_point="M", exactly=(1, 2), at_least=(1, 2))
    tagged = tag_events(events, model, settings, CODES, source)
    uniform = np.array([(0.02 * 0.8 + 0.08 * 1.1) / 0.1, 1.1, (0.45 * 1.1 + 0.05 * 0.9) / 0.5])
    of_uniform = tag_events(events, model, settings, CODES, FunctionOfBin(lambda f, pt, eta, k: uniform[k])).table
    for name in settings.selection_names:
        columns = {key: tagged.table[key].to_numpy() for key in (f"direct_{name}", "direct_scale_factor")}
        direct = columns[f"direct_{name}"] * columns["direct_scale_factor"]
        drawn = tagged.table[f"probability_{name}"].to_numpy() * tagged.table[f"scale_factor_{name}"].to_numpy()
        for found in (drawn, tagged.table[f"data_probability_{name}"].to_numpy()):
            difference = found - direct
            assert abs(difference.sum()) < 2.5 * np.sqrt(np.sum(difference**2)), name
            assert abs(difference.sum()) < 0.01 * direct.sum(), name
        # with scores that are uniform between working points yields are too large by a sixth and more
        assert of_uniform[f"data_probability_{name}"].to_numpy().sum() > 1.15 * direct.sum(), name


def test_a_mean_that_is_not_one_is_said_by_flavour(tmp_path):
    events, model = scored_events(2000)
    source = read_scale_factors(shape_file(tmp_path / "shape.json"), ["shape"], events.working_points)
    tagged = tag_events(events, model, TruthTagging(), CODES, source)
    # scale factor 2 above 0.2: all but 0.2^(1/4) of the light jets have 1, and 1 - 0.8^(1/4) of b jets
    assert tagged.scale_factors.mean["udsg"] == pytest.approx(2 - 0.2**0.25, abs=0.02)
    assert tagged.scale_factors.mean["b"] == pytest.approx(1 + 0.8**0.25, abs=0.02)
    assert tagged.scale_factors.mean["c"] is None
    assert len(tagged.remarks()) == 2
    assert tagged.remarks()[0].startswith("scale factors of b jets have the mean 1.9")
    # three flavours' cells, 24 a tag bin: of c there is none
    assert 0 < tagged.scale_factors.n_merged < 6 * 24


def test_scale_factors_that_exceed_the_inverse_of_an_efficiency_are_counted_and_keep_the_yield(tmp_path):
    # S e = 1.05 x 0.98 > 1 for the b jet: as untagged it weighs 1 - 1.029
    events = flat_events([1, 1], pt_gev=[50, 50], flavour=[0, 2], working_points=("L",))
    model = ModelEfficiencies(np.array([[0.98], [0.1]], np.float32))
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], ("L",))
    tagged = tag_events(events, model, TruthTagging(exactly=(0, 1), at_least=()), CODES, source)
    assert tagged.scale_factors.n_negative == 1
    none, one = (tagged.table[f"data_probability_exactly_{n}"].to_numpy() for n in (0, 1))
    np.testing.assert_allclose(none, [1 - 1.05 * 0.98, 1 - 0.1], rtol=1e-5)
    np.testing.assert_allclose(none + one, 1.0)


def test_a_jet_at_the_edge_of_the_file_is_not_taggable_and_needs_no_scale_factor(tmp_path):
    eta = np.array([2.4, np.nextafter(np.float32(2.4), np.float32(0)), -2.4])
    events = flat_events([3], pt_gev=[50, 50, 50], eta=eta, working_points=("L",))
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], ("L",))
    settings = TruthTagging(taggable=Taggable(abseta_max=2.4), exactly=(1,), at_least=())
    table = tag_events(events, ModelEfficiencies(np.full((3, 1), 0.5, np.float32)), settings, CODES, source).table
    assert (np.array(table["tag_bin_exactly_1"].to_pylist()) == [[-1, 1, -1]]).all()
    np.testing.assert_allclose(table["data_probability_exactly_1"].to_numpy(), 0.5 * cut(5, "L"))
