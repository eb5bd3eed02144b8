"""Shapes of the generated b-tag discriminants at given flavour, pT and |eta|.

The logit of a valid discriminant is ``shift(pT, |eta|) + scale(|eta|) * Q(n)``: n is a standard normal variable, Q the
quantile function of the flavour at 60 GeV in the central detector. Q runs through seven measured quantiles (monotone
cubic interpolation) and ends in exponential tails. The columns are independent of each other at given flavour and
kinematics, which real taggers are not: a measurement uses one of them. `deepsf.generator.hidden_variables` correlates
them if asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, log_ndtr, logit, ndtr, ndtri

from deepsf.arrays import Ints, Reals
from deepsf.generator.jagged import flavour_place

TAGGER_ABSETA_MAX = 2.5
PROBABILITIES = (0.01, 0.05, 0.16, 0.50, 0.84, 0.95, 0.99)
INVALID_VALUES = (-1.0, -2.0)
INVALID_SHARES = (0.7, 0.3)
_INVALID_PT_GEV = (25.0, 42.0, 85.0)
_PT_RANGE_GEV = (20.0, 600.0)
_NORMAL = np.linspace(-6.0, 6.0, 4801)
_MAX_LOGIT = 15.0  # float32 would round a larger one to a discriminant of 1


@dataclass(frozen=True)
class FlavourShape:
    """Discriminant of one flavour.

    Attributes
    ----------
    quantiles
        Logit of the discriminant at ``PROBABILITIES``, strictly increasing.
    tail_low, tail_high
        Decay length of the exponential tails, in units of logit.
    pt_slope, pt_curvature
        Shift of the logit: slope * l + curvature * l**2, l = ln(pT / 60 GeV) with pT clipped to 20 and 600 GeV.
    abseta_start, abseta_slope, abseta_scale
        Above ``abseta_start`` the logit is shifted by slope and scaled by 1 + scale, both per unit of |eta|.
    invalid
        Fraction of invalid scores at 25, 42 and 85 GeV, interpolated in ln(pT).
    """

    quantiles: tuple[float, ...]
    tail_low: float
    tail_high: float
    pt_slope: float
    pt_curvature: float
    abseta_start: float
    abseta_slope: float
    abseta_scale: float
    invalid: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @cached_property
    def table(self) -> Reals:
        """Q at the normal quantiles ``_NORMAL``."""
        first, last = ndtri(PROBABILITIES[0]), ndtri(PROBABILITIES[-1])
        inner = PchipInterpolator(ndtri(PROBABILITIES), self.quantiles)(np.clip(_NORMAL, first, last))
        low = self.tail_low * (log_ndtr(np.minimum(_NORMAL, first)) - np.log(PROBABILITIES[0]))
        high = self.tail_high * (np.log1p(-PROBABILITIES[-1]) - log_ndtr(-np.maximum(_NORMAL, last)))
        return np.asarray(inner + low + high)

    @property
    def kinks(self) -> dict[str, tuple[float, ...]]:
        """Values of ``abseta`` and ``pt`` [GeV] at which the distribution's dependence on them is not smooth."""
        of_invalid = _INVALID_PT_GEV if max(self.invalid) > 0 else ()
        return {"abseta": (self.abseta_start,), "pt": (*_PT_RANGE_GEV, *of_invalid)}

    def shift(self, pt_gev: Reals, abseta: Reals) -> Reals:
        """Return the shift of the logit."""
        log_pt = np.log(np.clip(pt_gev, *_PT_RANGE_GEV) / 60.0)
        forward = np.maximum(abseta - self.abseta_start, 0.0)
        return np.asarray((self.pt_slope + self.pt_curvature * log_pt) * log_pt + self.abseta_slope * forward)

    def scale(self, abseta: Reals) -> Reals:
        """Return the scale of the logit."""
        return np.asarray(1.0 + self.abseta_scale * np.maximum(abseta - self.abseta_start, 0.0))


@dataclass(frozen=True)
class Tagger:
    """One discriminant column: its branch and the shapes of b, c and udsg jets."""

    branch: str
    shapes: tuple[FlavourShape, FlavourShape, FlavourShape]
    invalid_values: tuple[float, float] = INVALID_VALUES
    """Of jets without a score; the last one also where there is no tracking."""

    @cached_property
    def tables(self) -> Reals:
        """Quantile tables, shape ``(3, n)``."""
        return np.stack([shape.table for shape in self.shapes])

    @property
    def has_invalid(self) -> bool:
        """Whether the column has invalid scores."""
        return any(max(shape.invalid) > 0 for shape in self.shapes)


# Quantiles of DeepJet in simulated ttbar events (CMS, 2018, pT > 20 GeV). There 5 % of the b jets share the largest
# value that the reduced precision leaves; here the distribution goes on.
DEEPJET = Tagger(
    "btagDeepFlavB",
    (
        FlavourShape((-5.11, -3.58, -1.50, 2.22, 6.52, 7.62, 8.50), 0.6, 0.5, 0.9, -0.5, 1.2, -0.50, -0.04),
        FlavourShape((-5.84, -5.34, -4.73, -3.10, -0.97, 0.36, 1.86), 0.3, 0.9, 0.4, 0.0, 1.2, -0.20, 0.0),
        FlavourShape((-6.02, -5.71, -5.30, -4.26, -2.85, -1.83, -0.44), 0.2, 0.72, 0.25, 0.0, 1.0, 0.35, 0.03),
    ),
)
# Efficiencies near .85/.69/.50 (b), .38/.12/.03 (c), .11/.01/.001 (udsg) at 0.1355, 0.4506 and 0.7738.
_B_CSV = FlavourShape((-4.20, -3.10, -1.75, 1.23, 4.30, 5.90, 7.20), 0.6, 0.6, 0.8, -0.45, 1.2, -0.45, -0.04)
_C_CSV = FlavourShape((-4.90, -4.30, -3.60, -2.40, -0.50, 0.70, 2.00), 0.3, 0.9, 0.35, 0.0, 1.2, -0.20, 0.0)
_UDSG_CSV = FlavourShape((-5.30, -4.90, -4.40, -3.50, -2.20, -1.25, -0.20), 0.2, 0.62, 0.2, 0.0, 1.0, 0.30, 0.0)
DEEPCSV = Tagger(
    "btagDeepB",
    (
        replace(_B_CSV, invalid=(0.031, 0.007, 0.006)),
        replace(_C_CSV, invalid=(0.084, 0.026, 0.003)),
        replace(_UDSG_CSV, invalid=(0.176, 0.063, 0.045)),
    ),
)


def _like_deepjet(branch: str, shift: float, invalid_value: float) -> Tagger:
    """Return a tagger as good as DeepJet with other working points, and its value for the few jets without a score."""
    shapes = [
        replace(shape, quantiles=tuple(value + shift for value in shape.quantiles), invalid=(0.004, 0.003, 0.002))
        for shape in DEEPJET.shapes
    ]
    return Tagger(branch, (shapes[0], shapes[1], shapes[2]), (invalid_value, invalid_value))


# The shifts of the logit are those of the working points, over those of DeepJet, in CMS data of 2022 and of 2024.
PARTICLENET = _like_deepjet("btagPNetB", -0.2, -1.0)
ROBUST_PART = _like_deepjet("btagRobustParTAK4B", 0.6, -3.0)
UPART = _like_deepjet("btagUParTAK4B", -0.9, -1.0)
TAGGERS = {tagger.branch: tagger for tagger in (DEEPJET, DEEPCSV, PARTICLENET, ROBUST_PART, UPART)}


def invalid_probability(tagger: Tagger, hadron_flavour: Ints, pt_gev: Reals) -> Reals:
    """Return the probability of an invalid score, per jet."""
    index = flavour_place(hadron_flavour)
    log_pt = np.log(pt_gev)
    fractions = [np.interp(log_pt, np.log(_INVALID_PT_GEV), shape.invalid) for shape in tagger.shapes]
    return np.asarray(np.choose(index, fractions))


def quantile(tagger: Tagger, hadron_flavour: Ints, pt_gev: Reals, abseta: Reals, normal: Reals) -> Reals:
    """Return the valid discriminant at a standard normal quantile; all arguments broadcast."""
    index = flavour_place(hadron_flavour)
    step = np.clip((normal - _NORMAL[0]) / (_NORMAL[1] - _NORMAL[0]), 0.0, len(_NORMAL) - 1.0000001)
    below = step.astype(np.intp)
    fraction = step - below
    flat = index * len(_NORMAL) + below
    table = tagger.tables.ravel()
    z = table[flat] + fraction * (table[flat + 1] - table[flat])
    shift, scale = _shift_and_scale(tagger, index, pt_gev, abseta)
    return np.asarray(expit(np.clip(shift + scale * z, -_MAX_LOGIT, _MAX_LOGIT)))


def cumulative(tagger: Tagger, hadron_flavour: Ints, pt_gev: Reals, abseta: Reals, discriminant: Reals) -> Reals:
    """Return the probability of a smaller discriminant among the valid ones; all arguments broadcast."""
    index = flavour_place(hadron_flavour)
    shift, scale = _shift_and_scale(tagger, index, pt_gev, abseta)
    z = (logit(np.clip(discriminant, expit(-_MAX_LOGIT), expit(_MAX_LOGIT))) - shift) / scale
    index = np.broadcast_to(index, z.shape)
    normal = np.empty(z.shape)
    for place, table in enumerate(tagger.tables):
        normal[index == place] = np.interp(z[index == place], table, _NORMAL)
    return np.asarray(ndtr(normal) * (discriminant > 0))


def moved(normal: Reals, odds: Reals) -> Reals:
    """Return the standard normal quantiles of scores whose odds to exceed any value are multiplied by a factor."""
    log_odds = log_ndtr(normal) - log_ndtr(-normal) + np.log(odds)
    # from the side where the probability is small: near 1 it would be rounded
    return np.asarray(-np.sign(log_odds) * ndtri(expit(-np.abs(log_odds))))


# 6 arguments: the tagger, and a column each
def draw(
    rng: np.random.Generator,
    tagger: Tagger,
    hadron_flavour: Ints,
    pt_gev: Reals,
    abseta: Reals,
    odds: Reals | None = None,
) -> Reals:
    """Draw one discriminant per jet, as stored (float32); invalid scores are the tagger's.

    Beyond |eta| = 2.5 there is no tracking: a column that knows invalid scores is invalid there.

    Parameters
    ----------
    odds
        Factor on the odds to exceed any value, by jet; None: 1.
    """
    normal: Reals = rng.standard_normal(len(pt_gev))
    if odds is not None:
        normal = moved(normal, odds)
    values = quantile(tagger, hadron_flavour, pt_gev, abseta, normal).astype(np.float32)
    if tagger.has_invalid:
        uniform = rng.random(len(pt_gev))
        probability = invalid_probability(tagger, hadron_flavour, pt_gev)
        values[uniform < probability] = tagger.invalid_values[0]
        values[uniform < INVALID_SHARES[1] * probability] = tagger.invalid_values[1]
        values[abseta >= TAGGER_ABSETA_MAX] = tagger.invalid_values[1]
    return values


def _shift_and_scale(tagger: Tagger, index: Ints, pt_gev: Reals, abseta: Reals) -> tuple[Reals, Reals]:
    shift = np.choose(index, [shape.shift(pt_gev, abseta) for shape in tagger.shapes])
    scale = np.choose(index, [shape.scale(abseta) for shape in tagger.shapes])
    return np.asarray(shift), np.asarray(scale)
