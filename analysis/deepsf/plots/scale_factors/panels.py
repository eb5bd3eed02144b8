"""What the figures of scale factors show: binned scale factor, ensemble and truth in one (pT, |eta|) bin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import hist
import numpy as np
from correctionlib import Correction
from scipy.special import expit

from deepsf.binned.envelope import Envelope
from deepsf.binned.scale_factor import (
    BinnedFlavour,
    BinnedScaleFactor,
    _mean_divisor,
    normalised_bins,
    systematic_envelope,
)
from deepsf.binned.smoothing import interpolate
from deepsf.networks.ensemble import FlavourSummary
from deepsf.plots.discriminant_axis import DiscriminantAxis, drawn_edges
from deepsf.plots.scale_factors.names import panel_stem
from deepsf.probes.entries import Floats, logit

_FINE_PER_BIN = 15


class Reference(NamedTuple):
    """A scale factor from elsewhere: ``evaluate(flavour, pt_gev, abseta, discriminant)`` on arrays ``(n,)``."""

    label: str
    evaluate: Callable[[str, Floats, Floats, Floats], Floats]

    @classmethod
    def of_correction(
        cls, correction: Correction, label: str, systematic: str, hadron_flavours: Mapping[str, Sequence[int]]
    ) -> Reference:
        """Return a correction of flavor, abseta, pt, discriminant and optionally systematic, as BTV's ``*_shape`` are.

        Parameters
        ----------
        hadron_flavours
            Codes of each flavour; the first is asked for.

        Raises
        ------
        ValueError
            If the correction has further inputs.
        """
        names = [variable.name for variable in correction.inputs]
        unknown = sorted(set(names) - {"systematic", "flavor", "abseta", "pt", "discriminant"})
        if unknown:
            raise ValueError(
                f"plots.reference: correction {correction.name} has the inputs {unknown}; a reference may depend on "
                "systematic, flavor, abseta, pt and discriminant alone"
            )

        def evaluate(flavour: str, pt_gev: Floats, abseta: Floats, discriminant: Floats) -> Floats:
            given = {
                "systematic": systematic,
                "flavor": hadron_flavours[flavour][0],
                "abseta": abseta,
                "pt": pt_gev,
                "discriminant": discriminant,
            }
            return np.asarray(correction.evaluate(*(given[name] for name in names)))

        return cls(label, evaluate)


class Panel(NamedTuple):
    """One (pT, |eta|) bin, arrays by discriminant bin ``(n,)`` unless said otherwise; NaN where nothing was measured.

    ``binned`` and its ``error`` are normalised like the ensemble; ``node`` is the median discriminant of a bin's jets.
    ``jets`` counts jets by bin and value, ``(n, n_values)``, flow of the values left out; ``value_edges`` belong to it.
    ``fine`` are discriminants ``(m,)`` of the curves ``smooth`` and ``reference``. ``systematic`` is the envelope of
    the binned scale factor's systematic shifts, None if there are none. ``further`` holds other methods' means.
    """

    flavour: str
    pt_gev: tuple[float, float]
    abseta: tuple[float, float]
    last_pt: bool
    edges: Floats
    binned: Floats
    error: Floats
    node: Floats
    mean: Floats
    sem: Floats
    n_members: int
    jets: Floats
    value_edges: Floats
    n_jets: Floats
    fine: Floats
    smooth: Floats
    truth: Floats | None
    reference: Floats | None
    reference_label: str
    systematic: Envelope | None = None
    further: Mapping[str, Floats] = MappingProxyType({})

    @property
    def share_outside(self) -> float:
        """Return the share of jets whose value lies beyond ``value_edges``."""
        total = float(self.n_jets.sum())
        return 1.0 - float(self.jets.sum()) / total if total > 0 else 0.0

    @property
    def stem(self) -> str:
        """Return the name of the panel's file, such as ``sf_b_pt20to30_eta0to2p5``."""
        return panel_stem(self.flavour, self.pt_gev, self.abseta, last_pt=self.last_pt)


def panels(
    flavour: str,
    binned: BinnedScaleFactor,
    summary: FlavourSummary,
    truth: hist.Hist[Any] | None = None,
    reference: Reference | None = None,
    further: Mapping[str, hist.Hist[Any]] | None = None,
) -> list[Panel]:
    """Return what the figures of a flavour show, one panel a (pT, |eta|) bin.

    Parameters
    ----------
    summary
        The ensemble in the same bins.
    truth
        Mean of the true scale factor over the jets of each bin.
    further
        The same of further methods, by name.

    Raises
    ------
    ValueError
        If ensemble, truth or further methods have other bins than the binned scale factor.
    """
    table = binned.flavours[flavour]
    methods = dict(further or {})
    for what, other in (("the ensemble's summary", summary.values), ("the truth", truth), *methods.items()):
        if other is not None:
            _check_bins(table, other, f"{what} of {flavour}")
    estimate = summary.estimate()
    counts = np.asarray(summary.values.values(flow=True))[..., 1:-1]
    all_counts = np.asarray(summary.values.values(flow=True)).sum(axis=-1)
    value, error = normalised_bins(table)
    systematic = systematic_envelope(table)
    made = []
    for i in range(table.sf.shape[0]):
        for j in range(table.sf.shape[1]):
            axis = DiscriminantAxis(table.bins.discriminant, True)
            fine = axis.fine(_FINE_PER_BIN)
            pt = float(table.bins.pt_gev[i]), float(table.bins.pt_gev[i + 1])
            abseta = float(table.bins.abseta[j]), float(table.bins.abseta[j + 1])
            made.append(
                Panel(
                    flavour=flavour,
                    pt_gev=pt,
                    abseta=abseta,
                    last_pt=i == table.sf.shape[0] - 1,
                    edges=table.bins.discriminant,
                    binned=value[i, j],
                    error=error[i, j],
                    node=_nodes(table),
                    mean=estimate.mean[i, j],
                    sem=estimate.sem[i, j],
                    n_members=len(np.asarray(summary.member_means.values())),
                    jets=counts[i, j],
                    value_edges=np.asarray(summary.values.axes[-1].edges),
                    n_jets=all_counts[i, j],
                    fine=fine,
                    smooth=_smooth(table, i, j, fine),
                    truth=None if truth is None else np.asarray(truth.values())[i, j],
                    reference=None if reference is None else _at_centre(reference, flavour, pt, abseta, fine),
                    reference_label="" if reference is None else reference.label,
                    systematic=None if systematic is None else Envelope(*(side[i, j] for side in systematic)),
                    further={name: np.asarray(means.values())[i, j] for name, means in methods.items()},
                )
            )
    return made


def _check_bins(table: BinnedFlavour, other: hist.Hist[Any], what: str) -> None:
    for name, edges in zip(("pt", "abseta", "discriminant"), table.bins, strict=True):
        found = np.asarray(other.axes[name].edges)
        if not np.array_equal(found, edges):
            raise ValueError(
                f"{what} has the {name} edges {found.tolist()}, the binned scale factor {edges.tolist()}; "
                "both must come from the same binned.bins"
            )


def _nodes(table: BinnedFlavour) -> Floats:
    valid = expit(table.node) if table.transform == "logit" else table.node
    drawn = drawn_edges(table.bins.discriminant)
    return np.asarray(np.clip(np.concatenate([[0.5 * (drawn[0] + drawn[1])], valid]), drawn[:-1], drawn[1:]))


def _smooth(table: BinnedFlavour, pt_bin: int, abseta_bin: int, fine: Floats) -> Floats:
    position = logit(fine) if table.transform == "logit" else fine
    row = np.zeros(len(fine), np.int64)
    curve = interpolate(table.smooth[pt_bin, abseta_bin][None], table.node, row, position)
    return curve / _mean_divisor(table, "binned_smooth", pt_bin, abseta_bin)


def _at_centre(
    reference: Reference, flavour: str, pt: tuple[float, float], abseta: tuple[float, float], fine: Floats
) -> Floats:
    centre_pt, centre_eta = np.sqrt(pt[0] * pt[1]), 0.5 * (abseta[0] + abseta[1])
    return np.asarray(reference.evaluate(flavour, np.full_like(fine, centre_pt), np.full_like(fine, centre_eta), fine))
