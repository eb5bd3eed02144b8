"""Versions of NanoAOD: which branches there are, their names and types.

The branches that exist, the missing pT and rho by version are facts of CMS; small integers are those of v13, since v12
itself could not be read. Generated files have the branches that an analysis of dileptons and jets needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from deepsf.generator.discriminant import DEEPCSV, DEEPJET, PARTICLENET, ROBUST_PART, UPART, Tagger

Name = Literal["v9", "v12", "v15"]

_SMALL_INTEGERS: dict[str, Any] = {
    "PV_npvs": np.uint8,
    "PV_npvsGood": np.uint8,
    "Electron_cutBased": np.uint8,
    "Jet_jetId": np.uint8,
    "Jet_hadronFlavour": np.uint8,
    "Jet_genJetIdx": np.int16,
    "Jet_chMultiplicity": np.uint8,
    "Jet_neMultiplicity": np.uint8,
}
_NEW = ("Electron_superclusterEta", "Jet_chMultiplicity", "Jet_neMultiplicity")
_RHO = {"fixedGridRhoFastjetAll": "Rho_fixedGridRhoFastjetAll"}


class Version(NamedTuple):
    """What a version has, compared with v9.

    Attributes
    ----------
    taggers
        Discriminants, one column each.
    charm_scores
        Branches of c tags; the last three letters say which.
    renamed, left_out, types
        Branches of v9 by their new names; those that are gone; types that differ.
    """

    taggers: tuple[Tagger, ...]
    charm_scores: tuple[str, ...]
    renamed: Mapping[str, str]
    left_out: frozenset[str]
    types: Mapping[str, Any]


def _charm_scores(*taggers: Tagger) -> tuple[str, ...]:
    return tuple(f"{tagger.branch.removesuffix('B')}{score}" for tagger in taggers for score in ("CvL", "CvB"))


_OF_2022 = DEEPJET, PARTICLENET, ROBUST_PART
_OF_2024 = DEEPJET, PARTICLENET, UPART
VERSIONS: dict[Name, Version] = {
    "v9": Version(
        taggers=(DEEPJET, DEEPCSV),
        charm_scores=("btagDeepFlavCvL",),
        renamed={},
        left_out=frozenset({"Jet_puIdDisc", *_NEW}),
        types={},
    ),
    "v12": Version(
        taggers=_OF_2022,
        charm_scores=_charm_scores(*_OF_2022),
        renamed=_RHO,
        left_out=frozenset({"Jet_puId", "Jet_puIdDisc", *_NEW}),
        types=_SMALL_INTEGERS,
    ),
    "v15": Version(
        taggers=_OF_2024,
        charm_scores=_charm_scores(*_OF_2024),
        renamed={**_RHO, "MET_pt": "PFMET_pt", "MET_phi": "PFMET_phi"},
        left_out=frozenset({"Jet_puId", "Jet_jetId"}),
        types=_SMALL_INTEGERS,
    ),
}
WRONG_JET_ID_ABSETA = 2.7
"""Beyond, v12 stores Jet_jetId as passed by all jets."""
