"""Jets as corrections take them: which jets, their inputs by the names in the files of CMS, and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import correctionlib
import numpy as np

from deepsf.arrays import Array, Floats
from deepsf.nanoaod.events import Events
from deepsf.skim.dileptons import LeptonPairs, delta_r_squared

Correction = correctionlib.highlevel.Correction | correctionlib.highlevel.CompoundCorrection


class JetCorrectionError(ValueError):
    """A correction of jets cannot be used; the message names file, correction, rule and way out."""


class JetInputs(NamedTuple):
    """The m jets away from both leptons.

    Attributes
    ----------
    position
        Shape (m,): place among the jets of the chunk.
    row
        Shape (m,): row of the jet's pair of leptons.
    stored_pt
        Shape (m,), GeV.
    inputs
        What corrections may take, by name, each of shape (m,); and ``rawFactor``.
    """

    position: Array
    row: Array
    stored_pt: Floats
    inputs: dict[str, Array]


def jets_of(events: Events, leptons: LeptonPairs, lepton_delta_r_min: float) -> JetInputs:
    """Return the jets of the events with a pair of leptons that are further away from both than a distance."""
    columns, position = events.jets.columns, leptons.position
    index, row = events.jets.of_events(position)
    far = np.ones(len(index), np.bool_)
    eta, phi = (columns[name][index].astype(np.float64) for name in ("eta", "phi"))
    for lepton in (0, 1):
        lepton_eta, lepton_phi = (c[row, lepton] for c in (leptons.lepton_eta, leptons.lepton_phi))
        far &= delta_r_squared(eta, phi, lepton_eta, lepton_phi) > lepton_delta_r_min**2
    index, row = index[far], row[far]
    of_jet = {"JetEta": "eta", "JetPhi": "phi", "JetA": "area", "rawFactor": "rawFactor"}
    inputs = {name: columns[column][index].astype(np.float64) for name, column in of_jet.items() if column in columns}
    of_event = {"run": events.run, "EventID": events.event}
    of_event |= {} if events.rho is None else {"Rho": events.rho}
    inputs |= {name: column[position][row] for name, column in of_event.items()}
    return JetInputs(index, row, columns["pt"][index].astype(np.float64), inputs)


def evaluate(
    correction: Correction, jets: Mapping[str, Array], pt: Floats, systematic: str = "nom", above: float = -np.inf
) -> Floats:
    """Return a correction at all jets.

    Parameters
    ----------
    jets
        Inputs by name, each of shape (m,), of which the correction gets those that it asks for.
    pt
        Shape (m,), GeV: the input ``JetPt``.
    above
        What the result must be above.

    Raises
    ------
    JetCorrectionError
        If it is not defined somewhere, not finite, or not above the limit.
    """
    if not len(pt):
        return np.zeros(0)
    values = {**jets, "JetPt": pt, "systematic": systematic}
    arguments = [_typed(values[variable.name], variable.type) for variable in correction.inputs]
    try:
        result = np.broadcast_to(np.asarray(correction.evaluate(*arguments), np.float64), pt.shape)
    except (IndexError, RuntimeError, ValueError) as error:
        eta = jets["JetEta"]
        raise JetCorrectionError(
            f"correction {correction.name!r} is not defined for all jets, with pT from {pt.min():g} to {pt.max():g} "
            f"GeV and eta from {eta.min():g} to {eta.max():g} ({error}); name another one in jet_corrections"
        ) from error
    bad = ~(np.isfinite(result) & (result > above))
    if np.any(bad):
        raise JetCorrectionError(
            f"correction {correction.name!r} is {result[bad][0]:g} at pT = {pt[bad][0]:g} GeV, eta = "
            f"{jets['JetEta'][bad][0]:g} ({np.count_nonzero(bad)} of {len(bad)} jets); it must be finite"
            f"{'' if above == -np.inf else f' and above {above:g}'}; name another one in jet_corrections"
        )
    return result


def _typed(value: Any, kind: str) -> Any:
    types = {"int": np.int64, "real": np.float64}
    return value if kind == "string" else value.astype(types[kind], copy=False)
