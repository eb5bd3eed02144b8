"""The errors of an ensemble as named shifts: what files for analyses hold, each source once.

Bootstraps move all jets of both flavours together. Their covariance is the sum of principal components, which are
combinations of bootstraps and so are smooth functions of the jet, as many as carry a share of the variance; what the
others carry, and the floor of counting, is one more shift, ``statrest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Floats
from deepsf.errors.method_errors import ErrorsAtJets, MethodErrors
from deepsf.probes.entries import Jets, evenly
from deepsf.probes.inclusive import InclusiveJets
from deepsf.skim.shifts import NOMINAL

N_JETS = 20_000
"""Inclusive jets of a flavour that components are found on."""


@dataclass(frozen=True)
class Components:
    """Principal components of the bootstraps.

    Attributes
    ----------
    coefficients
        Of each bootstrap's deviation in each component, shape ``(n_components, n_bootstraps)``.
    carried
        By flavour, the share of the bootstraps' variance over inclusive jets that the components carry.
    """

    coefficients: Floats
    carried: Mapping[str, float]

    def of(self, replicas: Floats) -> Floats:
        """Return the components at jets, ``(n_components, n)``, from the deviations of bootstraps there."""
        return np.asarray(self.coefficients @ replicas)


def statistical_components(
    errors: MethodErrors, samples: Mapping[str, InclusiveJets], share: float = 0.95
) -> Components:
    """Return the fewest components that carry a share of the variance of every flavour.

    Parameters
    ----------
    samples
        Inclusive jets by flavour, whose weights say what counts; each flavour counts as much as another.
    """
    deviations, weights = {}, {}
    for flavour, sample in samples.items():
        chosen = evenly(np.arange(len(sample.jets)), N_JETS)
        found = errors.refits.replicas(flavour, sample.jets[chosen])
        if found is None:
            return Components(np.zeros((0, 0)), {})
        deviations[flavour] = found * errors.ensemble.member_values(flavour, sample.jets[chosen]).mean(axis=0)
        weights[flavour] = np.maximum(sample.weight[chosen], 0.0)
    gram = {f: (d * weights[f]) @ d.T / weights[f].sum() for f, d in deviations.items()}
    _, vectors = np.linalg.eigh(np.sum([g / np.trace(g) for g in gram.values()], axis=0))
    ordered = vectors[:, ::-1].T
    carried = {f: np.einsum("ki,ij,kj->k", ordered, g, ordered).cumsum() / np.trace(g) for f, g in gram.items()}
    least = np.min(list(carried.values()), axis=0)
    # rounding must not ask for one component more than there are
    n = int(np.searchsorted(least, share * (1.0 - 1e-9))) + 1
    n_replicas = len(ordered)
    signs = np.where(ordered[:n].sum(axis=1) < 0, -1.0, 1.0)[:, None]
    return Components(signs * ordered[:n] / np.sqrt(n_replicas - 1), {f: float(c[n - 1]) for f, c in carried.items()})


def named_shifts(errors: MethodErrors, flavour: str, jets: Jets, components: Components) -> dict[str, Floats]:
    """Return by name of the shift the scale factors of jets, shape ``(n,)``; ``nominal`` first.

    Errors of the measurement go both ways by one size; systematic shifts have the values found for each.
    """
    at = errors.at(flavour, jets)
    steps = _statistical(at, components)
    parts = at.at_each()
    steps |= {name: parts[name] for name in ("train", "extrapolation")} | {"model": at.model}
    shifted = {NOMINAL: at.value}
    for name, deviation in at.shifts.items():
        shifted[name] = at.value + deviation
    for source, step in steps.items():
        shifted |= {f"{source}_up": at.value + step, f"{source}_down": at.value - step}
    # a scale factor below 0 is no rate
    return {name: np.maximum(values, 0.0) for name, values in shifted.items()}


def _statistical(at: ErrorsAtJets, components: Components) -> dict[str, Floats]:
    found = components.of(at.replicas) if len(components.coefficients) else np.zeros((0, len(at.value)))
    variance = at.replicas.var(axis=0, ddof=1) if len(at.replicas) > 1 else np.zeros_like(at.value)
    left = np.maximum(variance - np.sum(found**2, axis=0), 0.0)
    steps = {f"stat{number}": component for number, component in enumerate(found, start=1)}
    return steps | {"statrest": np.sqrt(left + at.rest**2)}
