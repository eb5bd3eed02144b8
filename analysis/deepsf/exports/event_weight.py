"""Weights of events from an exported shape correction, for awkward and numpy arrays.

>>> correction = ShapeCorrection.load("deepJet_shape.json.gz", era="2017_UL")     # doctest: +SKIP
>>> weight = event_weight(correction, events.Jet, shift="cferr1_up")              # doctest: +SKIP
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats
from deepsf.exports.files import correction_of, read_text
from deepsf.exports.systematics import CENTRAL, shift_of, systematic_of
from deepsf.jets import INVALID

if TYPE_CHECKING:
    import correctionlib

_HEAD = re.compile(r"\[tagger: (?P<tagger>[^;\]]*); branch: (?P<branch>[^;\]]*); era: (?P<era>[^;\]]*)\]")


@dataclass(frozen=True)
class ShapeCorrection:
    """Scale factors of jets from a correctionlib file, with the inputs (systematic, flavor, abseta, pt, discriminant).

    Attributes
    ----------
    correction
        The correction, as correctionlib has it.
    defined
        Hadron-flavour codes that have each systematic, by its name in the file.
    tagger, branch, era
        What the correction is made for; empty if its description does not say so.
    """

    correction: correctionlib.highlevel.Correction
    defined: Mapping[str, frozenset[int]]
    tagger: str = ""
    branch: str = ""
    era: str = ""

    @classmethod
    def load(
        cls, path: str | Path, name: str | None = None, *, era: str | None = None, branch: str | None = None
    ) -> ShapeCorrection:
        """Return a correction of a JSON file, one of DeepSF or a public one of CMS.

        Parameters
        ----------
        name
            Name of the correction; needed only if the file has several.
        era, branch
            Era and branch that the file must be made for, if given.

        Raises
        ------
        ValueError
            If the file has no such correction, or is for another era or branch.
        """
        file = Path(path)
        text = read_text(file)
        found = cls._of(correction_of(json.loads(text), name, file.name), text)
        for key, wanted, said in (("era", era, found.era), ("branch", branch, found.branch)):
            if wanted is not None and wanted != said:
                raise ValueError(f"{file.name}: made for {key} {said or '(not said)'}, not for {wanted}; take its file")
        return found

    @classmethod
    def of_tree(cls, tree: Mapping[str, Any]) -> ShapeCorrection:
        """Return a correction that is plain lists and dictionaries."""
        return cls._of(tree, json.dumps({"schema_version": 2, "corrections": [tree]}))

    @classmethod
    def _of(cls, tree: Mapping[str, Any], text: str) -> ShapeCorrection:
        import correctionlib

        head = _HEAD.search(tree.get("description") or "")
        return cls(
            correctionlib.CorrectionSet.from_string(text)[tree["name"]],
            {s["key"]: frozenset(int(f["key"]) for f in s["value"]["content"]) for s in tree["data"]["content"]},
            **(head.groupdict() if head else {}),
        )

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of all shifts, such as ``lf_up``; not every flavour has each of them."""
        return tuple(shift_of(systematic) for systematic in self.defined)

    def evaluate(
        self,
        flavour: npt.ArrayLike,
        abseta: npt.ArrayLike,
        pt: npt.ArrayLike,
        discriminant: npt.ArrayLike,
        shift: str = CENTRAL,
    ) -> Floats:
        """Return the scale factor of each jet, shape ``(n,)``; flavours without the shift get their central one.

        Parameters
        ----------
        flavour, abseta, pt, discriminant
            Hadron flavour, |eta|, pT [GeV] and score of the jets, shapes ``(n,)``. Jets without a valid score (negative
            or NaN) have a scale factor of their own.
        shift
            ``nominal`` or ``central``, ``lf_up`` or ``up_lf``: both forms of a name are understood.

        Raises
        ------
        ValueError
            For a shift or a hadron flavour that the correction does not know, a negative |eta| or one outside of the
            table, and NaN in |eta| or pT.
        """
        codes = np.asarray(flavour, np.int64)
        eta, momentum, score = (np.asarray(v, np.float64) for v in (abseta, pt, discriminant))
        systematic = self._systematic(shift)
        self._check(codes, eta, momentum)
        score = np.where(score >= 0, score, INVALID)
        shifted = np.isin(codes, list(self.defined[systematic]))
        values = np.empty(len(codes))
        for chosen, key in ((shifted, systematic), (~shifted, CENTRAL)):
            if chosen.any():
                values[chosen] = self._values(key, codes[chosen], eta[chosen], momentum[chosen], score[chosen])
        return values

    def _values(self, systematic: str, codes: Any, eta: Floats, pt: Floats, score: Floats) -> Floats:
        try:
            return np.asarray(self.correction.evaluate(systematic, codes, eta, pt, score), np.float64)
        except (IndexError, RuntimeError) as error:
            raise ValueError(
                f"{self.correction.name}: {error}; |eta| of the jets reaches {eta.max():g}: select jets inside of the "
                "correction's range"
            ) from error

    def _systematic(self, shift: str) -> str:
        systematic = systematic_of(shift)
        if systematic not in self.defined:
            raise ValueError(
                f"{self.correction.name} has no shift {shift!r}; it has {', '.join(self.shifts)} (up_lf is as good as "
                "lf_up)"
            )
        return systematic

    def _check(self, codes: npt.NDArray[np.int64], eta: Floats, pt: Floats) -> None:
        unknown = np.setdiff1d(codes, list(self.defined[CENTRAL]))
        if unknown.size:
            raise ValueError(
                f"{self.correction.name} has no hadron flavours {unknown.tolist()}, only "
                f"{sorted(self.defined[CENTRAL])}; hadronFlavour is meant, not partonFlavour"
            )
        for name, values in (("|eta|", eta), ("pT", pt)):
            if np.isnan(values).any():
                raise ValueError(f"{name} is NaN for {np.isnan(values).sum()} of {len(values)} jets; drop these jets")
        if (eta < 0).any():
            raise ValueError(f"abseta must be the absolute value of eta, got {eta.min():g}")


def event_weight(
    correction: ShapeCorrection,
    jets: Any,
    shift: str = CENTRAL,
    *,
    discriminant: str | None = None,
    counts: npt.ArrayLike | None = None,
) -> Any:
    """Return the weight of each event, the product of the scale factors of its jets, shape ``(n_events,)``.

    A jet whose flavour does not have the shift gets its central scale factor, so ``cferr1_up`` moves c jets alone. For
    a shift of the jet energies (``jesAbsolute_up``), pass the jets varied in the same direction. b and light jets get
    the scale factor measured with such jets, and c jets their central one at the varied kinematics.

    Parameters
    ----------
    jets
        Exactly the jets that the correction is made for, with the columns of NanoAOD: ``pt`` [GeV], ``eta`` (or
        ``abseta``), ``hadronFlavour`` and the discriminant. Either an awkward array of records, one list for each
        event, or a mapping of numpy arrays. These have the shape ``(n_events, n_jets)``, masked where there is no jet,
        or are flat, together with ``counts``.
    shift
        ``nominal`` or ``central``, ``lf_up`` or ``up_lf``: both forms of a name are understood.
    discriminant
        Column of the discriminant; by default the branch that the correction is made for.
    counts
        Number of jets of each event, for flat numpy arrays.

    Raises
    ------
    ValueError
        If a column is missing, jets are not sorted by event, or the column of the discriminant is not known; and as
        `ShapeCorrection.evaluate`.
    """
    column = discriminant or correction.branch
    if not column:
        raise ValueError(f"{correction.correction.name} does not say which discriminant it is for; give its column")
    fields = set(jets.fields if isinstance(jets, ak.Array) else jets)
    missing = [name for name in ("pt", "hadronFlavour", column) if name not in fields]
    if missing or not {"eta", "abseta"} & fields:
        raise ValueError(f"jets have no column {', '.join(missing) or 'eta'}; they have {sorted(fields)}")
    abseta = jets["abseta"] if "abseta" in fields else abs(jets["eta"])
    arrays = [jets["hadronFlavour"], abseta, jets["pt"], jets[column]]
    if isinstance(jets, ak.Array):
        return _of_awkward(correction, arrays, shift)
    if counts is not None:
        return np.asarray(_of_awkward(correction, [ak.unflatten(np.asarray(a), counts) for a in arrays], shift))
    return _of_rectangle(correction, arrays, shift)


def _of_awkward(correction: ShapeCorrection, arrays: list[Any], shift: str) -> ak.Array:
    if any(array.ndim != 2 for array in arrays):
        raise ValueError("jets must be one list an event; of flat arrays give counts, the number of jets of each event")
    flavour, abseta, pt, score = (ak.to_numpy(ak.flatten(array)) for array in arrays)
    values = correction.evaluate(flavour, abseta, pt, score, shift)
    return ak.prod(ak.unflatten(values, ak.num(arrays[0])), axis=1)


def _of_rectangle(correction: ShapeCorrection, arrays: list[Any], shift: str) -> Floats:
    columns = [np.ma.asarray(array) for array in arrays]
    if any(column.ndim != 2 for column in columns):
        raise ValueError(
            "numpy arrays of jets must have the shape (n_events, n_jets); of flat ones give counts, the number of jets "
            "of each event"
        )
    present = ~np.logical_or.reduce([np.ma.getmaskarray(column) for column in columns])
    values = np.ones(present.shape)
    flavour, abseta, pt, score = (column.data[present] for column in columns)
    values[present] = correction.evaluate(flavour, abseta, pt, score, shift)
    return np.asarray(values.prod(axis=1))
