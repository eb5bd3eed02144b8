"""Weights of events from an exported shape correction, for awkward and numpy arrays.

>>> correction = ShapeCorrection.load("deepJet_shape.json.gz", era="2017_UL")     # doctest: +SKIP
>>> weight = event_weight(correction, events.Jet, shift="cferr1_up")              # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.corrections import nodes
from deepsf.corrections.correction import SHAPE_INPUTS, Correction, CorrectionFileError
from deepsf.corrections.nodes import Tree
from deepsf.exports.systematics import CENTRAL, shift_of, systematic_of
from deepsf.jets import INVALID

if TYPE_CHECKING:
    import correctionlib

    from deepsf.networks.scale_factor import EnsembleScaleFactor

_CODES = (5, 4, 0)
_HEAD = re.compile(r"\[tagger: (?P<tagger>[^;\]]*); branch: (?P<branch>[^;\]]*); era: (?P<era>[^;\]]*)\]")


@dataclass(frozen=True)
class ShapeCorrection:
    """Scale factors of jets from a correctionlib file, with the inputs systematic, flavor, abseta, pt, discriminant.

    Attributes
    ----------
    checked
        The correction.
    defined
        Hadron-flavour codes that have each systematic, by its name in the file.
    tagger, branch, era
        What the correction is made for; empty if its description does not say so.
    """

    checked: Correction
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
            If the file cannot be read, has no such correction, one of other inputs, or is for another era or branch.
        """
        found = cls.of(Correction.load(Path(path), name))
        for key, wanted, said in (("era", era, found.era), ("branch", branch, found.branch)):
            if wanted is not None and wanted != said:
                raise ValueError(f"{path}: made for {key} {said or '(not said)'}, not for {wanted}; take its file")
        return found

    @classmethod
    def of_tree(cls, tree: Tree) -> ShapeCorrection:
        """Return a correction that is plain lists and dictionaries; raise as `load` does."""
        return cls.of(Correction.of_tree(tree))

    @classmethod
    def of(cls, checked: Correction) -> ShapeCorrection:
        """Return the same correction as scale factors of shapes; raise as `load` does."""
        checked.require_inputs(SHAPE_INPUTS)
        data = checked.tree["data"]
        codes = {*_CODES, *nodes.keys(data, "flavor")}
        defined = {
            systematic: frozenset(
                code for code in codes if nodes.reached(data, {"systematic": systematic, "flavor": code}) is not None
            )
            for systematic in nodes.keys(data, "systematic")
        }
        if not defined.get(CENTRAL):
            raise CorrectionFileError(
                f"{checked.where}: has the systematics {', '.join(defined) or '(none)'}, not {CENTRAL}; take a "
                "correction that has it"
            )
        head = _HEAD.search(checked.tree.get("description") or "")
        return cls(checked, defined, **(head.groupdict() if head else {}))

    @property
    def correction(self) -> correctionlib.highlevel.Correction:
        """The correction, as correctionlib has it."""
        return self.checked.evaluator

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
            or NaN) have a scale factor of their own; it is 1 where the correction has none, as those of run 3.
        shift
            ``nominal`` or ``central``, ``lf_up`` or ``up_lf``: both forms of a name are understood.

        Raises
        ------
        ValueError
            For a shift or a hadron flavour that the correction does not know, a negative |eta|, |eta| or pT that are
            not finite, and any other value outside of the table; the message names the input.
        """
        with np.errstate(invalid="ignore"):
            codes = np.asarray(flavour).astype(np.int64)
        if not np.array_equal(codes, flavour):
            raise ValueError("hadron flavours must be whole numbers")
        eta, momentum, score = (np.asarray(v, np.float64) for v in (abseta, pt, discriminant))
        systematic = self._systematic(shift)
        self._check(codes, eta, momentum, score)
        columns = {"flavor": codes, "abseta": eta, "pt": momentum, "discriminant": np.where(score >= 0, score, INVALID)}
        shifted = np.isin(codes, list(self.defined[systematic]))
        values = np.empty(len(codes))
        for chosen, key in ((shifted, systematic), (~shifted, CENTRAL)):
            part = {name: column[chosen] for name, column in columns.items()}
            values[chosen] = self.checked.scale_factor({"systematic": key, **part})
        return values

    def _systematic(self, shift: str) -> str:
        systematic = systematic_of(shift)
        if systematic not in self.defined:
            raise ValueError(
                f"{self.correction.name} has no shift {shift!r}; it has {', '.join(self.shifts)} (up_lf is as good as "
                "lf_up)"
            )
        return systematic

    def _check(self, codes: Ints, eta: Floats, pt: Floats, score: Floats) -> None:
        unknown = np.setdiff1d(codes, list(self.defined[CENTRAL]))
        if unknown.size:
            raise ValueError(
                f"{self.correction.name} has no hadron flavours {unknown.tolist()}, only "
                f"{sorted(self.defined[CENTRAL])}; hadronFlavour is meant, not partonFlavour"
            )
        for name, bad in (("|eta|", ~np.isfinite(eta)), ("pT", ~np.isfinite(pt)), ("a score", np.isposinf(score))):
            if bad.any():
                raise ValueError(f"{name} is not finite for {bad.sum()} of {len(bad)} jets; drop these jets")
        if not (eta >= 0).all():
            raise ValueError(f"abseta must be the absolute value of eta, got {eta.min():g}")


def event_weight(
    correction: ShapeCorrection | EnsembleScaleFactor,
    jets: Any,
    shift: str = CENTRAL,
    *,
    discriminant: str | None = None,
    counts: npt.ArrayLike | None = None,
    replica: int | None = None,
) -> Any:
    """Return the weight of each event, the product of the scale factors of its jets, shape ``(n_events,)``.

    A jet whose flavour does not have the shift gets its central scale factor, so ``cferr1_up`` moves c jets alone. For
    a shift of the jet energies (``jesAbsolute_up``), pass the jets varied in the same direction. b and light jets get
    the scale factor measured with such jets, and c jets their central one at the varied kinematics.

    Parameters
    ----------
    correction
        From a file of correctionlib, or an ensemble of networks, which has replicas in place of shifts.
    jets
        Exactly the jets that the correction is made for, with the columns of NanoAOD: ``pt`` [GeV], ``eta`` (or
        ``abseta``), ``hadronFlavour`` and the discriminant. Either an awkward array of records, one list for each
        event, or a mapping of numpy arrays. These have the shape ``(n_events, n_jets)``, masked where there is no jet,
        or are flat, together with ``counts``. Further inputs of networks are columns, too.
    shift
        ``nominal`` or ``central``, ``lf_up`` or ``up_lf``: both forms of a name are understood.
    discriminant
        Column of the discriminant; by default the branch that the correction is made for. An ensemble does not know it.
    counts
        Number of jets of each event, for flat numpy arrays.
    replica
        Number of a statistical replica of an ensemble that was loaded with ``replicas``. Its spread is the statistical
        error of whatever is made of the weights, with all correlations.

    Raises
    ------
    ValueError
        If a column is missing, jets are not sorted by event, or the column of the discriminant is not known; if there
        is no such replica or shift; and as `ShapeCorrection.evaluate`.
    """
    source = _source(correction, shift, replica)
    column = discriminant or source.branch
    if not column:
        raise ValueError(f"{source.name} does not say which discriminant it is for; give its column")
    fields = set(jets.fields if isinstance(jets, ak.Array) else jets)
    missing = [name for name in ("pt", "hadronFlavour", column, *source.further_inputs) if name not in fields]
    if missing or not {"eta", "abseta"} & fields:
        raise ValueError(f"jets have no column {', '.join(missing) or 'eta'}; they have {sorted(fields)}")
    abseta = jets["abseta"] if "abseta" in fields else abs(jets["eta"])
    further = [jets[name] for name in source.further_inputs]
    arrays = [jets["hadronFlavour"], abseta, jets["pt"], jets[column], *further]
    if isinstance(jets, ak.Array):
        return _of_awkward(source, arrays)
    if counts is not None:
        return np.asarray(_of_awkward(source, [ak.unflatten(np.asarray(a), counts) for a in arrays]))
    return _of_rectangle(source, arrays)


class _Source(NamedTuple):
    """Where scale factors come from; ``evaluate`` takes flavour, |eta|, pT, score and further inputs of flat jets."""

    name: str
    branch: str
    further_inputs: tuple[str, ...]
    evaluate: Callable[..., Floats]


def _source(correction: ShapeCorrection | EnsembleScaleFactor, shift: str, replica: int | None) -> _Source:
    if isinstance(correction, ShapeCorrection):
        name = correction.correction.name
        if replica is not None:
            raise ValueError(
                f"{name} has no replicas: files hold the statistical error as shifts; for replicas load an "
                "EnsembleScaleFactor with replicas=FILE"
            )
        return _Source(name, correction.branch, (), partial(correction.evaluate, shift=shift))
    if systematic_of(shift) != CENTRAL:
        raise ValueError(f"an ensemble has no shift {shift!r}; load its exported table, a ShapeCorrection, for shifts")

    def evaluate(flavour: Any, abseta: Any, pt: Any, score: Any, *further: Any) -> Floats:
        extra = dict(zip(correction.further_inputs, further, strict=True))
        return np.asarray(correction.evaluate(flavour, abseta, pt, score, replica=replica, **extra).mean)

    return _Source("an ensemble", "", correction.further_inputs, evaluate)


def _of_awkward(source: _Source, arrays: list[Any]) -> ak.Array:
    if any(array.ndim != 2 for array in arrays):
        raise ValueError("jets must be one list an event; of flat arrays give counts, the number of jets of each event")
    values = source.evaluate(*(ak.to_numpy(ak.flatten(array)) for array in arrays))
    return ak.prod(ak.unflatten(values, ak.num(arrays[0])), axis=1)


def _of_rectangle(source: _Source, arrays: list[Any]) -> Floats:
    columns = [np.ma.asarray(array) for array in arrays]
    if any(column.ndim != 2 for column in columns):
        raise ValueError(
            "numpy arrays of jets must have the shape (n_events, n_jets); of flat ones give counts, the number of jets "
            "of each event"
        )
    present = ~np.logical_or.reduce([np.ma.getmaskarray(column) for column in columns])
    values = np.ones(present.shape)
    values[present] = source.evaluate(*(column.data[present] for column in columns))
    return np.asarray(values.prod(axis=1))
