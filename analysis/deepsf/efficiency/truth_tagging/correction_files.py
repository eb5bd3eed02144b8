"""Scale factors of tags from correctionlib files: of cuts at working points, or of the score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deepsf.arrays import Floats
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import keys, reached
from deepsf.efficiency.truth_tagging.scale_factors import FromCuts, MeansInBins, TaggedJets
from deepsf.efficiency.truth_tagging.score_distribution import ScoreDistribution
from deepsf.efficiency.truth_tagging.systematics import Keys, expanded
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.systematics import CENTRAL

_WORKING_POINT_INPUTS = {
    "systematic": "string", "working_point": "string", "flavor": "int", "abseta": "real", "pt": "real"
}  # fmt: skip
_SOME_SCORE = 0.5


@dataclass(frozen=True)
class ShapeInBins:
    """A correction of the score, averaged over the scores that a sample's jets have in each of ``n_bins`` tag bins.

    ``keys`` has the correction's key of each systematic. A flavour without that key is central.
    """

    correction: ShapeCorrection
    n_bins: int
    keys: Mapping[str, str] = field(default_factory=dict)
    scores: ScoreDistribution | None = None

    @property
    def systematics(self) -> tuple[str, ...]:
        """Names of the systematics."""
        return tuple(self.keys)

    @property
    def n_merged(self) -> int:
        """Cells of the score distribution that had too few jets."""
        return 0 if self.scores is None else self.scores.n_merged

    def averaged_over(self, jets: TaggedJets) -> ShapeInBins:
        """Return the correction averaged over the scores of these jets, by flavour, pT, |eta| and tag bin.

        Raises
        ------
        ValueError
            If the jets' scores are not known.
        """
        if jets.discriminant is None or jets.tag_bin is None or jets.weight is None:
            raise ValueError(
                f"{self.correction.correction.name} depends on the discriminant, which the jets of these events do not "
                "have; give it (JetEvents.discriminant), or take scale factors of working points"
            )
        kinematics = jets.hadron_flavour, jets.abseta, jets.pt_gev
        scores = ScoreDistribution.fit(*kinematics, jets.discriminant, jets.tag_bin, jets.weight, self.n_bins)
        return replace(self, scores=scores)

    def of_jets(self, jets: TaggedJets, systematic: str | None = None) -> MeansInBins:
        """Return means over each tag bin, at the own flavour, pT and |eta| of each jet, and values at its own score.

        Raises
        ------
        ValueError
            If the correction has no value for some jets; or it was not averaged over a sample.
        """
        if self.scores is None or jets.discriminant is None:
            raise ValueError(f"{self.correction.correction.name}: not averaged over the scores of a sample")
        key = CENTRAL if systematic is None else self.keys[systematic]
        means = np.zeros((len(jets.pt_gev), self.n_bins))
        for flavour in np.unique(jets.hadron_flavour).tolist():
            chosen = np.flatnonzero(jets.hadron_flavour == flavour)
            part = jets.choose(chosen)
            for number in range(self.n_bins):
                for score, share in self.scores.scores(flavour, number, part.abseta, part.pt_gev, part.position):
                    means[chosen, number] += share * self.correction.evaluate(*part[:3], score, key)
        values = self.correction.evaluate(*jets[:3], jets.discriminant, key)
        return MeansInBins(means, values)

    def check(self, jets: TaggedJets) -> None:
        """Refuse jets that the correction has no value for, whatever their score."""
        self.correction.evaluate(*jets[:3], np.full(len(jets.pt_gev), _SOME_SCORE))


@dataclass(frozen=True)
class WorkingPointScaleFactors:
    """Scale factors of cuts at working points; the first of the corrections that has a flavour serves it.

    ``keys`` has for each systematic the keys of the corrections that it varies. The others, and flavours and working
    points without the key, are central.
    """

    corrections: tuple[Correction, ...]
    working_points: tuple[str, ...]
    keys: Mapping[str, Keys] = field(default_factory=dict)

    @property
    def systematics(self) -> tuple[str, ...]:
        """Names of the systematics."""
        return tuple(self.keys)

    @property
    def n_merged(self) -> int:
        """No score is averaged over."""
        return 0

    def averaged_over(self, jets: TaggedJets) -> WorkingPointScaleFactors:
        """Return the same: within tag bins they are constant."""
        return self

    def of_jets(self, jets: TaggedJets, systematic: str | None = None) -> FromCuts:
        """Return the scale factors of each cut, ``(n, K)``.

        Raises
        ------
        ValueError
            If no correction has a jet's flavour, or its pT or |eta|.
        """
        of_name = {} if systematic is None else self.keys[systematic]
        cuts = np.empty((len(jets.pt_gev), len(self.working_points)))
        for flavour in np.unique(jets.hadron_flavour).tolist():
            chosen = np.flatnonzero(jets.hadron_flavour == flavour)
            part = jets.choose(chosen)
            for number, point in enumerate(self.working_points):
                cuts[chosen, number] = self._values(flavour, point, part, of_name)
        return FromCuts(cuts, jets.tag_bin)

    def check(self, jets: TaggedJets) -> None:
        """Refuse jets that no correction has a value for."""
        self.of_jets(jets)

    def _values(self, flavour: int, point: str, jets: TaggedJets, of_name: Keys) -> Floats:
        chosen: dict[str, int | str] = {"systematic": CENTRAL, "working_point": point, "flavor": flavour}
        for correction in self.corrections:
            data = correction.tree["data"]
            if reached(data, chosen) is not None:
                key = of_name.get(correction.evaluator.name, CENTRAL)
                shifted = {**chosen, "systematic": key}
                used = chosen if reached(data, shifted) is None else shifted
                return correction.evaluate({**used, "abseta": jets.abseta, "pt": jets.pt_gev})
        raise ValueError(
            f"none of the corrections {[c.evaluator.name for c in self.corrections]} has {CENTRAL!r}, {point!r} and "
            f"hadron flavour {flavour}"
        )


def read_scale_factors(
    path: Path, names: Sequence[str], working_points: Iterable[str], systematics: Mapping[str, str | Keys] | None = None
) -> ShapeInBins | WorkingPointScaleFactors:
    """Return scale factors of a correctionlib file, ours or a public one of CMS.

    Parameters
    ----------
    names
        Corrections with the inputs of CMS for working points (systematic, working_point, flavor, abseta, pt), several
        if they share the flavours (deepJet_comb and deepJet_incl); or one for shapes (systematic, flavor, abseta, pt,
        discriminant).
    working_points
        Their names, from the loosest to the tightest, as in the file.
    systematics
        As `deepsf.efficiency.truth_tagging.systematics.expanded` takes them.

    Raises
    ------
    ValueError
        If the file lacks a correction or a systematic, or inputs are others.
    """
    corrections = tuple(Correction.load(path, name) for name in names)
    points = tuple(working_points)
    known = {correction.evaluator.name: keys(correction.tree["data"], "systematic") for correction in corrections}
    try:
        found = expanded(systematics or {}, known)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if "discriminant" not in corrections[0].inputs:
        for correction in corrections:
            correction.require_inputs(_WORKING_POINT_INPUTS)
        return WorkingPointScaleFactors(corrections, points, found)
    if len(corrections) > 1:
        raise ValueError(f"{path}: {list(names)} must be corrections of working points, or one of the discriminant")
    of_shape = {name: of_name[names[0]] for name, of_name in found.items()}
    return ShapeInBins(ShapeCorrection.of(corrections[0]), len(points) + 1, of_shape)


def check_range(
    source: ShapeInBins | WorkingPointScaleFactors, hadron_flavours: Iterable[int], pt_min_gev: float, abseta_max: float
) -> None:
    """Refuse scale factors that end within the cuts on taggable jets: at the smallest pT, or below the largest |eta|.

    Raises
    ------
    ValueError
        If they do; or have no value for one of the hadron flavours.
    """
    codes = np.array(list(hadron_flavours), np.int64)
    for abseta in (0.0, float(np.nextafter(abseta_max, 0.0))):
        source.check(TaggedJets(codes, np.full(len(codes), abseta), np.full(len(codes), pt_min_gev)))
