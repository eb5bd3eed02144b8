"""Efficiency maps for correctionlib: the map's own numbers, intervals, ranges, and what a map does not know."""

import json

import correctionlib
import numpy as np
import pytest
from scipy.stats import binom

from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.exports.map_correction import map_correction
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.exports.corrections import correction_set_text, write_corrections
from tests.analysis.efficiency.events.hand_events import flat_events

FLAVOURS = {"b": (5,), "c": (4,), "udsg": (0, 3)}
CODES = np.array([5, 4, 0])
SETTINGS = EfficiencyMaps(pt_gev=(20, 50, 100, 300), eta=(-2.5, -1, 0, 1, 2.5))
ONE_SIDED = (1 - 0.6826894921370859) / 2


def jets(counts, *, working_points=("L", "M"), **columns):
    return flat_events(counts, flavours=tuple(FLAVOURS), working_points=working_points, **columns)


def random_jets(n_events, seed, widest=1.0, n_flavours=3):
    """Return events with up to four jets; ``widest`` stretches their range beyond that of the map."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, n_events)
    n = int(counts.sum())
    pt = widest * rng.uniform(15, 300, n)
    order = np.lexsort((-pt, np.repeat(np.arange(n_events), counts)))
    return jets(
        counts,
        pt_gev=pt[order],
        eta=widest * rng.uniform(-2.5, 2.5, n),
        phi=rng.uniform(-np.pi, np.pi, n),
        flavour=rng.integers(0, n_flavours, n),
        tag_bin=rng.choice(3, n, p=[0.6, 0.3, 0.1]),
        weight=rng.choice([1.0, -1.0], n_events, p=[0.95, 0.05]),
    )


def read(fitted, flavours=FLAVOURS):
    text = correction_set_text([map_correction(fitted, flavours, "deepJet_efficiency", head="[era: toy]")], "")
    return correctionlib.CorrectionSet.from_string(text)["deepJet_efficiency"]


@pytest.mark.parametrize("delta_r", [False, True])
def test_the_file_gives_the_efficiencies_of_the_map_within_and_beyond_its_range(delta_r):
    fitted = EfficiencyMap.fit(random_jets(20_000, 1), SETTINGS, delta_r=delta_r)
    correction, sample = read(fitted), random_jets(20_000, 2, widest=1.5)
    assert fitted.out_of_range(sample).any()
    kinematics = [sample.eta, sample.pt_gev]
    if delta_r:
        kinematics.append(closest_jet(sample)[0])
        assert np.isinf(kinematics[-1]).any()
    for k, working_point in enumerate(fitted.working_points):
        value = correction.evaluate("nominal", working_point, CODES[sample.flavour], *kinematics)
        np.testing.assert_allclose(value, fitted.evaluate(sample)[:, k], rtol=1e-8)


def test_inputs_are_named_as_tools_expect_them():
    fitted = EfficiencyMap.fit(random_jets(100, 1), SETTINGS)
    names = [(variable.name, variable.type) for variable in read(fitted).inputs]
    assert names == [
        ("systematic", "string"),
        ("working_point", "string"),
        ("flavor", "int"),
        ("eta", "real"),
        ("pt", "real"),
    ]
    with_distance = EfficiencyMap.fit(random_jets(100, 1), SETTINGS, delta_r=True)
    assert [variable.name for variable in read(with_distance).inputs][3:] == ["eta", "pt", "delta_r"]


def test_up_and_down_are_the_ends_of_the_clopper_pearson_interval():
    # four b jets in one bin, three pass L and one of these M; no prior
    sample = jets([4], pt_gev=[60, 60, 60, 60], flavour=[0] * 4, tag_bin=[2, 1, 1, 0])
    correction = read(EfficiencyMap.fit(sample, SETTINGS.model_copy(update={"prior_jets": 0.0})))
    for working_point, n in (("L", 3), ("M", 1)):
        nominal, up, down = (correction.evaluate(s, working_point, 5, 0.5, 60.0) for s in ("nominal", "up", "down"))
        assert nominal == n / 4
        assert binom.cdf(n, 4, up) == pytest.approx(ONE_SIDED, rel=1e-6)
        assert binom.sf(n - 1, 4, down) == pytest.approx(ONE_SIDED, rel=1e-6)


def test_the_interval_holds_the_nominal_value_and_stays_within_0_and_1_in_every_bin():
    fitted = EfficiencyMap.fit(random_jets(40, 3), SETTINGS)
    assert sum(bins.without_jets for bins in fitted.fallbacks.values()) > 0
    correction, sample = read(fitted), random_jets(5000, 4)
    for working_point in fitted.working_points:
        nominal, up, down = (
            correction.evaluate(s, working_point, CODES[sample.flavour], sample.eta, sample.pt_gev)
            for s in ("nominal", "up", "down")
        )
        assert (down >= 0).all()
        assert (down < nominal).all()
        assert (nominal < up).all()
        assert (up < 1).all()


def test_all_codes_of_a_flavour_have_its_efficiency_and_others_raise():
    correction = read(EfficiencyMap.fit(random_jets(1000, 1), SETTINGS))
    assert correction.evaluate("nominal", "M", 3, 0.1, 70.0) == correction.evaluate("nominal", "M", 0, 0.1, 70.0)
    for wrong in (("nominal", "M", 21), ("nominal", "XT", 5), ("central", "M", 5)):
        with pytest.raises(IndexError, match="not available"):
            correction.evaluate(*wrong, 0.1, 70.0)


def test_a_flavour_without_jets_is_left_out_and_said():
    fitted = EfficiencyMap.fit(random_jets(2000, 1, n_flavours=2), SETTINGS)
    correction = read(fitted)
    assert "Without jets, so that their codes raise an error: udsg." in correction.description
    assert correction.evaluate("nominal", "M", 4, 0.1, 70.0) > 0
    with pytest.raises(IndexError, match="not available"):
        correction.evaluate("nominal", "M", 0, 0.1, 70.0)


def test_the_description_tells_the_prior_the_bins_without_jets_and_the_range():
    # the one b jet leaves 11 of the 12 bins empty
    sample = jets([2], pt_gev=[60, 60], flavour=[0, 0], tag_bin=[2, 0])
    text = read(EfficiencyMap.fit(sample, SETTINGS)).description
    assert text.startswith("[era: toy] Tagging efficiencies in simulation")
    assert "Each bin is given 0.5 jets with the efficiency of all eta." in text
    assert "Bins without usable jets, which have the efficiency of all eta: b 11 of 12." in text
    assert "beyond the outer bins belong to these." in text


def test_the_same_map_gives_the_same_bytes(tmp_path):
    fitted = EfficiencyMap.fit(random_jets(1000, 1), SETTINGS)
    copy = EfficiencyMap.from_json(fitted.to_json())
    for name, each in (("a.json.gz", fitted), ("b.json.gz", copy)):
        write_corrections(tmp_path / name, [map_correction(each, FLAVOURS, "eff")], "efficiencies")
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_content_is_plain_json_of_schema_version_2():
    tree = map_correction(EfficiencyMap.fit(random_jets(1000, 1), SETTINGS), FLAVOURS, "eff")
    assert json.loads(json.dumps(tree)) == tree
    assert tree["data"]["content"][0]["value"]["content"][0]["value"]["content"][0]["value"]["flow"] == "clamp"


def test_maps_that_cannot_be_exported_are_refused():
    fitted = EfficiencyMap.fit(random_jets(1000, 1), SETTINGS)
    with pytest.raises(
        ValueError, match=r"no hadron flavours of the map's \['udsg'\]; there are those of \['b', 'c'\]"
    ):
        map_correction(fitted, {name: FLAVOURS[name] for name in ("b", "c")}, "eff")
    nothing = EfficiencyMap.fit(jets([0], pt_gev=[], flavour=[], tag_bin=[]), SETTINGS)
    with pytest.raises(
        ValueError, match=r"the map has no efficiency of any flavour \(b, c, udsg\): its sample had none"
    ):
        map_correction(nothing, FLAVOURS, "eff")
