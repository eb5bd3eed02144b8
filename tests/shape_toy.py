"""A smooth toy of tag-probe entries with known scale factors, fast enough to train on in a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
REGIONS = {
    "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5),
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.5),
}
EVENT_WEIGHT, NORMALISATION = EventWeight(n_pt=8, n_abseta=2), Normalisation(n_pt=4, n_abseta=2)
TrueSF = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_MIXTURE = {"hf": (0.80, 0.05, 0.15), "lf": (0.05, 0.09, 0.86)}
_CENTRE, _WIDTH = np.array([1.5, -1.5, -3.0]), np.array([2.2, 1.8, 1.6])


@dataclass(frozen=True)
class ShapeToy:
    entries: dict[str, RegionEntries]
    inclusive: InclusiveJets
    truth: Callable[[str, Jets], np.ndarray]
    regions: dict[str, Region]
    flavours: dict[str, Flavour]

    def measurement(
        self, event_weight: EventWeight = EVENT_WEIGHT, normalisation: Normalisation = NORMALISATION
    ) -> Measurement:
        """Return what is measured on."""
        return Measurement(self.regions, self.entries, self.flavours, self.inclusive, event_weight, normalisation)

    def deviation(self, member: MemberScaleFactor, flavour: str) -> tuple[float, float]:
        """Return the RMS of S - truth over inclusive jets, and that of 1 - truth."""
        jets = self.inclusive.of(list(self.flavours).index(flavour), half=1).jets
        truth = self.truth(flavour, jets)
        differences = member.evaluate(flavour, jets) - truth, 1 - truth
        return tuple(float(np.sqrt(np.mean(difference**2))) for difference in differences)

    def slope(self, member: MemberScaleFactor, flavour: str) -> float:
        """Return the mean of S before normalisation in the highest pT quarter over that in the lowest; truth: 1."""
        jets = self.entries["hf" if flavour == "b" else "lf"].simulation.probe
        jets = jets[np.flatnonzero(jets.flavour == list(self.flavours).index(flavour))]
        sf = member.evaluate(flavour, jets, normalised=False)
        low, high = np.quantile(jets.pt_gev, [0.25, 0.75])
        return sf[jets.pt_gev > high].mean() / sf[jets.pt_gev < low].mean()


def true_sf(flavour, score, abseta):
    """A cosine of the flavour's quantile of the score, so that its mean is one at every kinematics; c: 1."""
    from scipy.special import ndtr

    z = np.log(score) - np.log1p(-score)
    quantile = ndtr((z - _CENTRE[flavour]) / _WIDTH[flavour])
    size = np.array([0.25, 0.0, -0.28])[flavour] * (0.7 + 0.3 * abseta / 1.2)
    return 1 + size * np.cos(np.pi * quantile)


def narrow_sf(flavour, score, abseta):
    """The same for b; light jets have 1 but for a bump that 1.5 % of them are in."""
    z = np.log(score) - np.log1p(-score)
    return np.where(flavour == 2, 1 + 0.4 * np.exp(-0.5 * ((z - 1) / 0.3) ** 2), true_sf(flavour, score, abseta))


def _jets(rng, flavour, pt):
    n = len(flavour)
    z = _CENTRE[flavour] + _WIDTH[flavour] * rng.normal(size=n)
    return pt, rng.uniform(0, 2.4, n), 1 / (1 + np.exp(-z))


def make(n: int, seed: int, *, tilt: float = 0.0, negative: float = 0.0, sf: TrueSF = true_sf) -> ShapeToy:
    """Return a toy of n data entries a region.

    ``tilt`` is that of the pT spectrum in data, ``negative`` the fraction of simulation with a negative weight.
    ``sf`` takes flavours, scores and |eta|.
    """
    rng = np.random.default_rng(seed)
    entries = {}
    for name, mixture in _MIXTURE.items():
        simulation = _sample(rng, 2 * n, mixture, weight=0.5, labelled=True)
        sign = np.where(rng.random(2 * n) < negative, -1.0, 1.0) / (1 - 2 * negative)
        simulation = replace(simulation, weight=simulation.weight * sign)
        data = _sample(rng, 2 * n, mixture, 1.0, labelled=False, tilt=tilt, sf=sf)
        entries[name] = RegionEntries(data, simulation)
    flavour = rng.integers(0, 3, 30000).astype(np.int8)
    pt, abseta, score = _jets(rng, flavour, _spectrum(rng, 30000))
    jets = Jets(pt.astype(np.float32), abseta.astype(np.float32), score.astype(np.float32), flavour)
    inclusive = InclusiveJets(np.arange(30000), np.ones(30000), jets)
    index = {name: number for number, name in enumerate(FLAVOURS)}

    def truth(flavour: str, jets: Jets) -> np.ndarray:
        return sf(np.full(len(jets), index[flavour]), jets.discriminant.astype(float), jets.abseta)

    return ShapeToy(entries, inclusive, truth, REGIONS, FLAVOURS)


def _spectrum(rng, n):
    return 20 + rng.gamma(1.3, 45.0, n)


def _sample(rng, n, mixture, weight, *, labelled, tilt=0.0, sf=true_sf) -> ProbeEntries:
    flavour = rng.choice(3, size=n, p=mixture).astype(np.int8)
    pt, abseta, score = _jets(rng, flavour, _spectrum(rng, n))
    if not labelled:
        rate = sf(flavour, score, abseta) * (1 + tilt * np.log(np.clip(pt, 20, 600) / 60) / np.log(3))
        kept = rng.random(n) < rate / 2.0
        flavour, pt, abseta, score = flavour[kept], pt[kept], abseta[kept], score[kept]
    n = len(pt)
    tag = Jets(np.full(n, 60, np.float32), np.ones(n, np.float32), np.full(n, 0.7, np.float32), np.ones(n, np.int8))
    kind = flavour if labelled else np.full(n, -1, np.int8)
    probe = Jets(pt.astype(np.float32), abseta.astype(np.float32), score.astype(np.float32), kind)
    return ProbeEntries(np.arange(n), np.full(n, weight), np.zeros(n, np.int8), probe, tag)
