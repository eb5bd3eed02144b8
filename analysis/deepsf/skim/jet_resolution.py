"""Smearing of simulated jets to the resolution of data, by the hybrid method of CMS (arXiv:1607.03663).

With the relative resolution sigma of simulation and the scale factor s, a jet that matches a jet of the generator is
multiplied by

    c = 1 + (s - 1) (pT - pT_gen) / pT,

any other by c = 1 + sigma N(0, 1) sqrt(max(s^2 - 1, 0)). Files of CMS give s as ``nom``, ``up`` and ``down`` of an
input, or, since 2024, with a relative uncertainty u beside it: s, s (1 + u) and s (1 - u).

The factor is that of a correction of CMS (jer_smear.json.gz) where one is given. Its input ``EventID`` is the event
number, as in the recipes of CMS: with eta, pT and rho it fixes the random number of a jet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from deepsf.arrays import Array, Bools, Floats
from deepsf.config.jet_corrections import Resolution
from deepsf.nanoaod.events import Events
from deepsf.seeds import GAMMA, mixed, uniform
from deepsf.skim.dileptons import LeptonPairs, delta_r_squared
from deepsf.skim.jet_inputs import Correction, JetCorrectionError, JetInputs, evaluate
from deepsf.skim.shifts import NOMINAL

SMALLEST_FACTOR = 0.01
"""Smearing leaves jets at least this fraction of their pT."""
SYSTEMATIC = {NOMINAL: "nom", "jer_up": "up", "jer_down": "down"}
"""Value of the scale factor's input ``systematic`` by shift."""
SIGN = {NOMINAL: 0.0, "jer_up": 1.0, "jer_down": -1.0}


@dataclass(frozen=True)
class JetResolution:
    """The corrections of the jet energy resolution; made by `deepsf.skim.jet_corrections.load_jet_energy`.

    Attributes
    ----------
    uncertainty
        Relative uncertainty of the scale factor; None: the scale factor takes a ``systematic``.
    smearing
        Gives the factor of a jet; None: it is calculated here.
    """

    settings: Resolution
    resolution: Correction
    scale_factor: Correction
    uncertainty: Correction | None = None
    smearing: Correction | None = None

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """All corrections."""
        every = (self.resolution, self.scale_factor, self.uncertainty, self.smearing)
        return tuple(correction for correction in every if correction is not None)

    def smeared(self, events: Events, leptons: LeptonPairs, jets: JetInputs, pt: Floats) -> dict[str, Floats]:
        """Return the pT of jets by shift of the scale factor, nominal first; pT and result of shape (m,), GeV."""
        resolution = evaluate(self.resolution, jets.inputs, pt, above=0.0)
        gen_pt = _generator_pt(events, leptons, jets, pt, resolution, self.settings)
        noise = np.zeros(0) if self.smearing is not None else resolution * _normal(events, leptons, jets)
        kept = (gen_pt < 0.0) & self._in_veto(jets)
        result = {}
        for shift in SYSTEMATIC:
            scale = self.scale(jets.inputs, pt, shift)
            if self.smearing is None:
                factor = _factor(pt, gen_pt, noise, scale)
            else:
                inputs = {"GenPt": gen_pt, "JER": resolution, "JERSF": scale, "JERsf": scale}
                factor = evaluate(self.smearing, {**jets.inputs, **inputs}, pt)
            result[shift] = pt * np.where(kept, 1.0, np.maximum(factor, SMALLEST_FACTOR))
        return result

    def scale(self, jets: Mapping[str, Array], pt: Floats, shift: str) -> Floats:
        """Return the scale factor for a shift at jets with the given inputs.

        Raises
        ------
        JetCorrectionError
            If it cannot be evaluated, or is not positive.
        """
        if self.uncertainty is None:
            return evaluate(self.scale_factor, jets, pt, SYSTEMATIC[shift], above=0.0)
        nominal = evaluate(self.scale_factor, jets, pt, SYSTEMATIC[NOMINAL], above=0.0)
        change = SIGN[shift] * evaluate(self.uncertainty, jets, pt)
        if not np.all(change > -1.0):
            raise JetCorrectionError(
                f"correction {self.uncertainty.name!r} reaches {np.abs(change).max():g}, so that {shift} has a scale "
                "factor below 0; a relative uncertainty must be below 1; name another one in jet_corrections"
            )
        return nominal * (1.0 + change)

    def _in_veto(self, jets: JetInputs) -> Bools:
        low, high = self.settings.stochastic_veto_abseta or (np.inf, -np.inf)
        abseta = np.abs(jets.inputs["JetEta"])
        return np.asarray((abseta >= low) & (abseta <= high))


def _factor(pt: Floats, gen_pt: Floats, noise: Floats, scale: Floats) -> Floats:
    matched = 1.0 + (scale - 1.0) * ((pt - gen_pt) / pt)
    return np.where(gen_pt >= 0.0, matched, 1.0 + noise * np.sqrt(np.maximum(scale**2 - 1.0, 0.0)))


def _generator_pt(
    events: Events, leptons: LeptonPairs, jets: JetInputs, pt: Floats, resolution: Floats, settings: Resolution
) -> Floats:
    """Return the pT of the generator's jet; -1 for jets that none matches in angle and pT."""
    assert events.gen_jets is not None
    offsets, columns = events.gen_jets
    start = offsets[leptons.position][jets.row]
    in_event = events.jets.columns["genJetIdx"][jets.position]
    # genJetIdx may point at a jet that is below the threshold and not stored
    exists = np.flatnonzero((in_event >= 0) & (start + in_event < offsets[leptons.position + 1][jets.row]))
    partner = (start + in_event)[exists]
    gen_pt, gen_eta, gen_phi = (columns[name][partner].astype(np.float64) for name in ("pt", "eta", "phi"))
    eta, phi = jets.inputs["JetEta"][exists], jets.inputs["JetPhi"][exists]
    near = delta_r_squared(eta, phi, gen_eta, gen_phi) < settings.match_delta_r_max**2
    near &= np.abs((pt[exists] - gen_pt) / pt[exists]) < settings.match_sigmas_max * resolution[exists]
    result = np.full(len(pt), -1.0)
    result[exists[near]] = gen_pt[near]
    return result


def _normal(events: Events, leptons: LeptonPairs, jets: JetInputs) -> Floats:
    """Return a normal random number for each jet, fixed by run, luminosity block, event and position in the event.

    A jet has the same number in every chunk, file, shift and program.
    """
    state = np.zeros(len(leptons.position), np.uint64)
    for column in (events.run, events.luminosity_block, events.event):
        state = mixed(state ^ column[leptons.position].astype(np.uint64))
    place = jets.position - events.jets.offsets[leptons.position][jets.row]
    bits = mixed(state[jets.row] + place.astype(np.uint64) * GAMMA)
    return np.asarray(ndtri(uniform(bits)))
