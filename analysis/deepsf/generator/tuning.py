"""Find the composition that gives the standard regions the configured purities.

Pilot samples are generated and reconstructed once. The flavour of a radiated jet is independent of its kinematics, so
the purities follow from the pilots as sums of flavour probabilities times tag probabilities, for any flavour fractions;
jets are lost by comparing one fixed random number per jet with the parameter. Both make the purities smooth in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from deepsf.arrays import Bools, Reals
from deepsf.config.generator import Generator
from deepsf.generator import kinematics
from deepsf.generator.composition import Composition
from deepsf.generator.detector import RecoEvents, reconstruct
from deepsf.generator.discriminant import DEEPJET, cumulative
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place, rows
from deepsf.generator.reference_regions import TAG_ABOVE_HF, TAG_BELOW_LF, jet_pairs
from deepsf.seeds import seed_sequence

N_PILOT = {"ttbar": 150_000, "zjets": 400_000}
# The only parameter of ttbar: above 0 the fraction of radiation that is dropped, below 0 that of b jets that are lost.
TTBAR_RANGE = (-0.8, 1.0)
_ZJETS_NOMINAL = Composition()
_HEAVY = _ZJETS_NOMINAL.zjets_b_fraction + _ZJETS_NOMINAL.zjets_c_fraction
ZJETS_HEAVY_RANGE = (0.0, 0.9)


class _Pairs(NamedTuple):
    """Events with two jets: flavour and tag probabilities of shape ``(n, 2, 3)``, masks, and the weight of an event."""

    flavour: Reals
    is_radiated: Bools
    tag_hf: Reals
    tag_lf: Reals
    in_hf: Bools
    in_lf: Bools
    weight: float


class _Probes(NamedTuple):
    """Expected probe jets of b, c and udsg in the two regions."""

    hf: Reals
    lf: Reals

    def purities(self, other: _Probes) -> tuple[float, float]:
        hf, lf = self.hf + other.hf, self.lf + other.lf
        return float(hf[0] / max(hf.sum(), 1e-300)), float(lf[2] / max(lf.sum(), 1e-300))


def tune(generator: Generator, cross_sections_pb: Mapping[str, float]) -> Composition:
    """Return the composition whose standard regions have the purities of the config.

    Parameters
    ----------
    generator
        Gives ``purity_hf``, ``purity_lf`` and the seed.
    cross_sections_pb
        By generated process: HF also gets Z+jets off the Z peak, LF some ttbar; zcc does not count. The parameters of
        an absent process stay at their defaults, and the purity that it would set is only reported.

    Raises
    ------
    ValueError
        If a purity is out of reach; the message gives the range.
    """
    seed = generator.seed
    ttbar = _ttbar_probes(seed, cross_sections_pb["ttbar"]) if "ttbar" in cross_sections_pb else _no_probes
    zjets = _zjets_probes(seed, cross_sections_pb["zjets"]) if "zjets" in cross_sections_pb else _no_probes

    def heavy_fraction(of_ttbar: _Probes, strict: bool) -> float:
        if zjets is _no_probes:
            return _HEAVY
        given = f"purity_hf = {generator.purity_hf:g}"
        return _solve(
            lambda h: zjets(h).purities(of_ttbar)[1], generator.purity_lf, ZJETS_HEAVY_RANGE, "purity_lf", given, strict
        )

    def purity_hf(parameter: float) -> float:
        of_ttbar = ttbar(parameter)
        return zjets(heavy_fraction(of_ttbar, strict=False)).purities(of_ttbar)[0]

    parameter = 0.0
    if ttbar is not _no_probes:
        given = f"purity_lf = {generator.purity_lf:g}"
        parameter = _solve(purity_hf, generator.purity_hf, TTBAR_RANGE, "purity_hf", given)
    heavy = heavy_fraction(ttbar(parameter), strict=True)
    return Composition(*_ttbar_losses(parameter), *_zjets_fractions(heavy), *zjets(heavy).purities(ttbar(parameter)))


def _no_probes(_: float) -> _Probes:
    return _Probes(np.zeros(3), np.zeros(3))


def _solve(
    purity: Callable[[float], float],
    wanted: float,
    limits: tuple[float, float],
    key: str,
    given: str,
    strict: bool = True,
) -> float:
    ends = [purity(limit) for limit in limits]
    low, high = min(ends), max(ends)
    if not low <= wanted <= high:
        if not strict:
            return limits[int(np.argmin(np.abs(np.array(ends) - wanted)))]
        raise ValueError(
            f"generator.{key} = {wanted:g} is out of reach: with {given} and these cross sections it can lie between "
            f"{low:.3f} and {high:.3f}"
        )
    return float(brentq(lambda value: purity(value) - wanted, *limits, xtol=1e-3))


def _ttbar_losses(parameter: float) -> tuple[float, float]:
    return 1.0 - max(parameter, 0.0), max(-parameter, 0.0)


def _zjets_fractions(heavy: float) -> tuple[float, float]:
    return heavy * _ZJETS_NOMINAL.zjets_b_fraction / _HEAVY, heavy * _ZJETS_NOMINAL.zjets_c_fraction / _HEAVY


def _pilot(seed: int, process: str) -> tuple[kinematics.ParticleEvents, RecoEvents]:
    kinematic_rng, detector_rng = (np.random.default_rng(s) for s in seed_sequence(seed, "pilot", process).spawn(2))
    if process == "ttbar":
        particles = kinematics.ttbar(kinematic_rng, N_PILOT[process]).events
    else:
        particles = kinematics.zjets(kinematic_rng, N_PILOT[process], *_zjets_fractions(_HEAVY)).events
    return particles, reconstruct(detector_rng, particles)


def _zjets_probes(seed: int, cross_section_pb: float) -> Callable[[float], _Probes]:
    """Return the probe jets of Z+jets as a function of the heavy-flavour fraction."""
    _, events = _pilot(seed, "zjets")
    exists = np.ones(len(events.jets.event), bool)
    pairs = _pairs(events, exists, cross_section_pb / N_PILOT["zjets"])
    return lambda heavy: _count(pairs, _zjets_fractions(heavy))


def _ttbar_probes(seed: int, cross_section_pb: float) -> Callable[[float], _Probes]:
    """Return the probe jets of ttbar as a function of its parameter."""
    particles, events = _pilot(seed, "ttbar")
    weight = cross_section_pb / N_PILOT["ttbar"]

    def probes(parameter: float) -> _Probes:
        pairs = _pairs(events, _existing(particles, events, parameter), weight)
        return _count(pairs, kinematics.TTBAR_HEAVY_FRACTIONS)

    return probes


def _existing(particles: kinematics.ParticleEvents, events: RecoEvents, parameter: float) -> Bools:
    """Return which reconstructed jets exist at a parameter of ttbar, in events that pass the filter on jets."""
    losses = _ttbar_losses(parameter)
    hard, jets = particles.jets, events.jets
    left = kinematics.kept_jets(hard.is_radiated, hard.survival, *losses)
    passed = kinematics.has_two_jets(particles._replace(jets=rows(hard, left)))
    # Pile-up and lepton jets have no survival number: they are never lost.
    kept = kinematics.kept_jets(jets.is_radiated, jets.survival, *losses) | np.isnan(jets.survival)
    return np.asarray(kept & passed[jets.event])


def _pairs(events: RecoEvents, jet_exists: Bools, weight: float) -> _Pairs:
    pairs = jet_pairs(events, jet_exists)
    jets = events.jets
    codes = np.array(HADRON_FLAVOURS)
    pt, abseta = jets.pt_gev[pairs.jets][..., None], np.abs(jets.eta[pairs.jets])[..., None]
    below_m, below_l = (cumulative(DEEPJET, codes, pt, abseta, np.array(cut)) for cut in (TAG_ABOVE_HF, TAG_BELOW_LF))
    return _Pairs(
        flavour=np.eye(3)[flavour_place(jets.hadron_flavour[pairs.jets])],
        is_radiated=jets.is_radiated[pairs.jets][..., None],
        tag_hf=1.0 - below_m,
        tag_lf=below_l,
        in_hf=pairs.in_hf,
        in_lf=pairs.in_lf,
        weight=weight,
    )


def _count(pairs: _Pairs, fractions: tuple[float, float]) -> _Probes:
    """Return the expected probe jets if radiated jets have these b and c fractions; both permutations."""
    flavour = np.where(pairs.is_radiated, np.array([*fractions, 1.0 - sum(fractions)]), pairs.flavour)

    def probes(in_region: Bools, tag: Reals) -> Reals:
        tagged = (flavour[in_region] * tag[in_region]).sum(axis=2, keepdims=True)
        return np.asarray(pairs.weight * (tagged[:, ::-1] * flavour[in_region]).sum(axis=(0, 1)))

    return _Probes(probes(pairs.in_hf, pairs.tag_hf), probes(pairs.in_lf, pairs.tag_lf))
