"""Identification of jets: by the stored bit, by a correctionlib file, or by published cuts on what a jet consists of.

NanoAOD v15 stores no identification, and that of v12 to v14 is wrong at |eta| > 2.7 (cms-sw/cmssw#46085). The cuts are
those of BTVNanoCommissioning for jets of run 3 and of the legacy reconstruction of run 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Array, Bools
from deepsf.config.jet_id import JetId
from deepsf.config.selection import Jet
from deepsf.corrections.sets import named

Columns = Mapping[str, Array]

_CONTENT = ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity")
TIGHT_BIT = 2


class JetIdError(ValueError):
    """A jet identification cannot be used; the message names file, correction, rule and way out."""


@dataclass(frozen=True)
class JetIdentification:
    """An identification with the branches that it needs; made by `load_jet_id`.

    ``passes`` takes columns of n jets by branch, and ``eta``, and returns which are identified, shape (n,). It is quick
    if it takes less time than to choose the jets that matter.
    """

    content: tuple[str, ...]
    passes: Callable[[Columns], Bools]
    is_quick: bool = False


def load_jet_id(settings: JetId | None, bit: int | None) -> JetIdentification:
    """Return the identification of a configuration: worked out anew, or else by the stored bit; None: all jets pass.

    Raises
    ------
    JetIdError
        If the file cannot be read, lacks the correction, or it takes unknown inputs.
    """
    if settings is None:
        return _everything() if bit is None else _by_bit(bit)
    if settings.cuts is not None:
        content, cuts = _CUTS[settings.cuts]
        passes = _with_lepton_veto(cuts, _LEPTON_VETO_ABSETA[settings.cuts]) if settings.lepton_veto else cuts
        veto = ("muEF", "chEmEF") if settings.lepton_veto else ()
        return JetIdentification(tuple(dict.fromkeys((*content, *veto))), passes)
    return _from_file(str(settings.file), str(settings.name))


def identification_of(jet: Jet) -> JetIdentification:
    """Return the identification of the selection."""
    return load_jet_id(jet.id, jet.jet_id_bit)


def _everything() -> JetIdentification:
    return JetIdentification((), lambda jets: np.ones(len(jets["eta"]), np.bool_), is_quick=True)


def _by_bit(bit: int) -> JetIdentification:
    return JetIdentification(("jetId",), lambda jets: np.asarray(jets["jetId"] & bit != 0), is_quick=True)


def _run3(jets: Columns) -> Bools:
    abseta, multiplicity = np.abs(jets["eta"]), jets["chMultiplicity"] + jets["neMultiplicity"]
    central = (jets["neHEF"] < 0.99) & (jets["neEmEF"] < 0.9) & (multiplicity > 1)
    central &= (jets["chHEF"] > 0.01) & (jets["chMultiplicity"] > 0)
    between = (jets["neHEF"] < 0.9) & (jets["neEmEF"] < 0.99)
    forward = (jets["neMultiplicity"] >= 2) & (jets["neEmEF"] < 0.4)
    return np.select([abseta <= 2.6, abseta <= 2.7, abseta <= 3.0], [central, between, jets["neHEF"] < 0.99], forward)


def _v12(jets: Columns) -> Bools:
    abseta = np.abs(jets["eta"])
    repair = np.select([abseta <= 2.7, abseta <= 3.0], [True, jets["neHEF"] < 0.99], jets["neEmEF"] < 0.4)
    return np.asarray((jets["jetId"] & TIGHT_BIT != 0) & repair)


def _ul_2016(jets: Columns) -> Bools:
    return _ul(jets, central_abseta=2.4, between_nehef=0.98, endcap=jets["neMultiplicity"] >= 1)


def _ul_2017(jets: Columns) -> Bools:
    return _ul(jets, central_abseta=2.6, between_nehef=0.9, endcap=jets["neHEF"] < 0.9999)


def _ul(jets: Columns, central_abseta: float, between_nehef: float, endcap: Bools) -> Bools:
    """Return what the years of run 2 have in common; ``endcap`` holds from |eta| = 2.7 to 3."""
    abseta, multiplicity = np.abs(jets["eta"]), jets["chMultiplicity"] + jets["neMultiplicity"]
    central = (jets["neHEF"] < 0.9) & (jets["neEmEF"] < 0.9) & (multiplicity > 1)
    central &= (jets["chHEF"] > 0.0) & (jets["chMultiplicity"] > 0)
    between = (jets["neHEF"] < between_nehef) & (jets["neEmEF"] < 0.99)
    forward = (jets["neMultiplicity"] > 2) & (jets["neEmEF"] < 0.9)
    places = [abseta <= central_abseta, abseta <= 2.7, abseta <= 3.0]
    return np.select(places, [central, between, endcap], forward)


_FRACTIONS = ("chHEF", "neHEF", "neEmEF", "chMultiplicity", "neMultiplicity")
_CUTS: dict[str, tuple[tuple[str, ...], Callable[[Columns], Bools]]] = {
    "run3": (_FRACTIONS, _run3),
    "v12": (("jetId", "neHEF", "neEmEF"), _v12),
    "ul_2016": (_FRACTIONS, _ul_2016),
    "ul_2017": (_FRACTIONS, _ul_2017),
}
_LEPTON_VETO_ABSETA = {"run3": 2.7, "v12": 2.7, "ul_2016": 2.4, "ul_2017": 2.7}


def _with_lepton_veto(cuts: Callable[[Columns], Bools], abseta_max: float) -> Callable[[Columns], Bools]:
    def passes(jets: Columns) -> Bools:
        is_no_lepton = (jets["muEF"] < 0.8) & (jets["chEmEF"] < 0.8)
        return np.asarray(cuts(jets) & ((np.abs(jets["eta"]) > abseta_max) | is_no_lepton))

    return passes


def _from_file(path: str, name: str) -> JetIdentification:
    keys = {"file_key": "the file of the jet id", "name_key": "the name of the jet id"}
    correction = named(path, name, JetIdError, **keys)
    inputs = [(variable.name, variable.type) for variable in correction.inputs]
    known = ("eta", *_CONTENT, "multiplicity")
    unknown = [variable for variable, _ in inputs if variable not in known]
    if unknown:
        raise JetIdError(f"{path}: {name!r} takes {', '.join(unknown)}; known inputs are {', '.join(known)}")
    content = [variable for variable, _ in inputs if variable in _CONTENT]
    if "multiplicity" in dict(inputs):
        content += ["chMultiplicity", "neMultiplicity"]

    def passes(jets: Columns) -> Bools:
        if not len(jets["eta"]):
            return np.zeros(0, np.bool_)
        columns = dict(jets)
        if "multiplicity" in dict(inputs):
            columns["multiplicity"] = jets["chMultiplicity"] + jets["neMultiplicity"]
        arguments = [columns[n].astype(np.int64 if kind == "int" else np.float64) for n, kind in inputs]
        try:
            return np.asarray(correction.evaluate(*arguments) > 0.5)
        except (IndexError, RuntimeError, ValueError) as error:
            raise JetIdError(
                f"correction {name!r} of {path} is not defined for all jets, with eta from {jets['eta'].min():g} to "
                f"{jets['eta'].max():g} ({error}); take another identification"
            ) from error

    return JetIdentification(tuple(dict.fromkeys(content)), passes)
