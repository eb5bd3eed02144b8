"""The file of networks: the student of an ensemble, and how far it is from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.config.exports import Student
from deepsf.config.flavours import Flavour
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import Tree
from deepsf.errors.method_errors import MethodErrors
from deepsf.exports.corrections import Label
from deepsf.exports.distance import Distance, distances, some_jets
from deepsf.exports.network_correction import network_correction
from deepsf.exports.student import distilled
from deepsf.probes.inclusive import InclusiveJets

_STUDENT_DIGITS = 7
"""Of a student's weights: values change by 4e-7, and the file is a fifth smaller than with nine."""
_N_TEST = 20_000
_CONTENT = (
    "DeepSF b-tag shape scale factors: one network a flavour that has learnt the mean of the ensemble. central alone: "
    "errors are in the tables."
)


class StudentError(ValueError):
    """A student is too far from its ensemble to stand for it."""


def student_correction(
    errors: MethodErrors,
    inclusive: InclusiveJets,
    flavours: Mapping[str, Flavour],
    label: Label,
    settings: Student,
    *,
    abseta_max: float = 2.5,
) -> tuple[Tree, str]:
    """Return the correction of the student of an ensemble, and what its description says of its distance.

    The student learns on jets of events of even number. Its distance is that of the correction at the others.

    Parameters
    ----------
    errors
        The ensemble, and the statistical error that the distance is compared with.
    inclusive
        Jets of all flavours.

    Raises
    ------
    StudentError
        If the distance of a flavour is above ``settings.largest_error`` of the statistical error in a range between
        working points, both as root mean squares: errors differ by much from range to range.
    """
    measured = [flavour for flavour in flavours if flavour in errors.ensemble.members[0].networks]
    place = {flavour: number for number, flavour in enumerate(flavours)}
    student = distilled(errors.ensemble, {f: inclusive.of(place[f], 0) for f in measured}, settings)

    def correction(statement: str) -> Tree:
        return network_correction(student, flavours, label, statement, abseta_max=abseta_max, digits=_STUDENT_DIGITS)

    made, found = Correction.of_tree(correction("")), []
    for flavour in measured:
        jets = some_jets(inclusive.of(place[flavour], 1), _N_TEST)
        away = distances(errors.ensemble, made, flavour, flavours[flavour].hadron_flavours[0], jets)
        at_jets = errors.at(flavour, jets)
        worst = _largest_ratio(away, at_jets.at_each()["stat"], at_jets.score_range)
        _require_close(flavour, worst, settings.largest_error)
        found.append(f"{flavour} {Distance.of(away)}, between two working points at most {worst:.2g} of the stat error")
    note = (
        "Root mean square of student minus ensemble over inclusive jets that it did not learn from: "
        f"{'; '.join(found)}."
    )
    return correction(f"{_CONTENT} {note}"), note


def _largest_ratio(away: Floats, stat: Floats, score_range: Ints) -> float:
    """Return the largest ratio, over ranges of the score, of the root mean squares of a distance and of an error.

    It is NaN if one of them is. Ranges without an error do not count (few jets, and no bootstraps: ``direct: null``);
    where there is none at all, the ratio is infinite.
    """
    of_away, of_stat = (np.bincount(score_range, of**2) for of in (away, stat))
    has_error = of_stat != 0  # NaN is one
    return float(np.max(np.sqrt(of_away[has_error] / of_stat[has_error]))) if has_error.any() else np.inf


def _require_close(flavour: str, ratio: float, largest: float) -> None:
    if ratio <= largest:
        return
    raise StudentError(
        f"the student of {flavour} is {ratio:.2g} statistical errors from the ensemble in a range between working "
        f"points (root mean squares over inclusive jets); exports.student.largest_error allows {largest:g}: raise "
        "exports.student.steps, n_jets or units, or leave networks out of exports.forms"
    )
