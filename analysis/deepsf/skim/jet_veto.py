"""Veto maps: events with a jet in a part of the detector that is not to be trusted are rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deepsf.arrays import Bools
from deepsf.config.jet_id import JetVeto
from deepsf.config.selection import Jet
from deepsf.corrections.sets import named
from deepsf.nanoaod.columns import Collection
from deepsf.skim.jet_id import JetIdentification, identification_of, load_jet_id

ABSETA_MAX, PHI_MAX = 5.19, 3.14159
"""The maps of CMS end at |eta| = 5.191 and |phi| = 3.1415926, and do not hold their upper ends."""


class JetVetoError(ValueError):
    """A veto map cannot be used; the message names file, map, rule and way out."""


@dataclass(frozen=True)
class JetVetoMap:
    """A veto map with the identification of the jets that veto; made by `load_jet_veto`."""

    settings: JetVeto
    correction: Any
    identification: JetIdentification

    @property
    def content(self) -> tuple[str, ...]:
        """Branches of jets that are needed."""
        em = () if self.settings.em_fraction_max is None else ("chEmEF", "neEmEF")
        return (*self.identification.content, *em)

    def rejects(self, jets: Collection, position: Any) -> Bools:
        """Return which of the events at the given positions have a jet in the map, shape (n,)."""
        index, row = jets.of_events(position)
        columns = {name: column[index] for name, column in jets.columns.items()}
        counts = (columns["pt"] > self.settings.pt_min_gev) & (np.abs(columns["eta"]) < ABSETA_MAX)
        if self.settings.em_fraction_max is not None:
            counts &= columns["chEmEF"] + columns["neEmEF"] < self.settings.em_fraction_max
        counts &= self.identification.passes(columns)
        chosen = np.flatnonzero(counts)
        vetoed = np.zeros(len(position), np.bool_)
        if len(chosen):
            vetoed[row[chosen[self._in_map(columns["eta"][chosen], columns["phi"][chosen])]]] = True
        return vetoed

    def _in_map(self, eta: Any, phi: Any) -> Bools:
        values = {
            "type": self.settings.type,
            "eta": eta.astype(np.float64),
            "phi": np.clip(phi.astype(np.float64), -PHI_MAX, PHI_MAX),
        }
        try:
            return np.asarray(self.correction.evaluate(*(values[v.name] for v in self.correction.inputs)) != 0.0)
        except (IndexError, RuntimeError, ValueError) as error:
            raise JetVetoError(
                f"veto map {self.settings.name!r} of {self.settings.file} is not defined for type "
                f"{self.settings.type!r} and all jets ({error}); correct jet_veto.type"
            ) from error


def load_jet_veto(settings: JetVeto, jet: Jet) -> JetVetoMap:
    """Return a veto map of a correctionlib file.

    Raises
    ------
    JetVetoError
        If the file cannot be read, lacks the map, or it takes other inputs than type, eta and phi.
    """
    keys = {"file_key": "jet_veto.file", "name_key": "jet_veto.name"}
    correction = named(settings.file, settings.name, JetVetoError, **keys)
    inputs = sorted(variable.name for variable in correction.inputs)
    if inputs != ["eta", "phi", "type"]:
        raise JetVetoError(
            f"{settings.file}: correction {settings.name!r} takes {', '.join(inputs)}; a veto map takes type, eta and "
            "phi; set jet_veto.name to one"
        )
    identification = identification_of(jet) if settings.id is None else load_jet_id(settings.id, None)
    return JetVetoMap(settings, correction, identification)
