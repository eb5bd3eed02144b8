from pathlib import Path

import numpy as np
import pytest

from deepsf import config
from deepsf.generator import kinematics, tuning
from deepsf.generator.composition import Composition
from deepsf.generator.detector import reconstruct
from deepsf.generator.discriminant import DEEPJET, draw
from deepsf.generator.plan import cross_sections_pb
from deepsf.generator.reference_regions import TAG_ABOVE_HF, TAG_BELOW_LF, jet_pairs
from deepsf.generator.tuning import tune

TOY = config.load(Path(__file__).parents[3] / "configs" / "toy.yaml")
CROSS_SECTIONS = cross_sections_pb(TOY.samples)


@pytest.fixture(autouse=True)
def small_pilots(monkeypatch):
    monkeypatch.setattr(tuning, "N_PILOT", {"ttbar": 15_000, "zjets": 40_000})


def tuned(purity_hf, purity_lf, cross_sections=CROSS_SECTIONS):
    return tune(TOY.generator.model_copy(update={"purity_hf": purity_hf, "purity_lf": purity_lf}), cross_sections)


def measured(composition):
    """Purities and their statistical errors by counting flavours in independent events."""
    counts = np.zeros((2, 3))
    for process, n in (("ttbar", 25_000), ("zjets", 60_000)):
        rng = np.random.default_rng(99)
        events = reconstruct(rng, kinematics.generate(rng, process, n, composition).events)
        jets = events.jets
        values = draw(rng, DEEPJET, jets.hadron_flavour, jets.pt_gev, np.abs(jets.eta))
        pairs = jet_pairs(events, np.ones(len(values), bool))
        tag, probe = pairs.jets.T, pairs.jets[:, ::-1].T
        regions = ((pairs.in_hf, values > TAG_ABOVE_HF), (pairs.in_lf, values < TAG_BELOW_LF))
        for region, (in_region, is_tag) in enumerate(regions):
            for t, p in zip(tag, probe, strict=True):
                flavour = jets.hadron_flavour[p[in_region & is_tag[t]]]
                counts[region] += CROSS_SECTIONS[process] / n * np.array([(flavour == f).sum() for f in (5, 4, 0)])
    return counts[0, 0] / counts[0].sum(), counts[1, 2] / counts[1].sum()


@pytest.mark.parametrize(("purity_hf", "purity_lf"), [(0.70, 0.80), (0.95, 0.92)])
def test_generated_events_have_the_purities_asked_for(purity_hf, purity_lf):
    composition = tuned(purity_hf, purity_lf)
    assert (composition.purity_hf, composition.purity_lf) == pytest.approx((purity_hf, purity_lf), abs=2e-3)
    assert composition.zjets_c_fraction / composition.zjets_b_fraction == pytest.approx(0.085 / 0.045)
    # 15 000 pilot events leave 0.008, the counted events 0.006
    assert measured(composition) == pytest.approx((purity_hf, purity_lf), abs=0.02)


@pytest.mark.parametrize(("purity_hf", "purity_lf", "key"), [(0.9999, 0.8, "purity_hf"), (0.85, 0.9999, "purity_lf")])
def test_a_purity_out_of_reach_is_refused_with_its_range(purity_hf, purity_lf, key):
    with pytest.raises(ValueError, match=rf"generator\.{key} = 0\.9999 is out of reach: .* between 0\.\d+ and 0\.\d+"):
        tuned(purity_hf, purity_lf)


def test_without_zjets_only_the_heavy_flavour_region_is_tuned_and_that_reproducibly():
    composition = tuned(0.9, 0.88, {"ttbar": 90.0})
    assert composition == tuned(0.9, 0.88, {"ttbar": 90.0}), "not deterministic"
    assert composition.purity_hf == pytest.approx(0.9, abs=2e-3)
    assert composition.zjets_b_fraction == Composition().zjets_b_fraction
