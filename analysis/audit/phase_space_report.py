"""The closure of a campaign in all phase spaces, as the two texts that its task writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from analysis.audit.ensemble_mean import ensemble_mean, interpolation_rms
from analysis.audit.jet_events import JetFile
from analysis.audit.methods import DEEPSF, standard_methods
from analysis.audit.phase_space import phase_spaces
from analysis.binned_scale_factor import BinnedScaleFactor
from analysis.config.events import Flavour, Sample
from analysis.config.validation import Validation
from analysis.scale_factor import ScaleFactor


class PhaseSpaceResult(NamedTuple):
    """Rates, yields and tests; and histograms, which `analysis.audit.phase_space.histograms_from_json` reads."""

    report: str
    histograms: str


def audit_phase_spaces(
    paths: Sequence[Path],
    *,
    provenance: Mapping[str, str | int],
    samples: Mapping[str, Sample],
    flavours: Mapping[str, Flavour],
    luminosity_ifb: float,
    binned: BinnedScaleFactor,
    deepsf: ScaleFactor,
    abseta_max: float,
    settings: Validation,
    jet_columns: Sequence[str] = (),
    further: Mapping[str, ScaleFactor] | None = None,
) -> PhaseSpaceResult:
    """Compare data and simulation with every method in all phase spaces.

    Parameters
    ----------
    paths
        Tables of all jets of the skim.
    provenance
        ``commit``, ``cpu``, ``cores``, ``config``: written as they are.
    abseta_max
        Of the jets' selection.
    further
        Methods besides the binned ones and DeepSF that are ensembles too, by name.

    Raises
    ------
    ValueError
        As `analysis.audit.phase_space.phase_spaces`.
    """
    ensembles = {**(further or {}), DEEPSF: deepsf}
    means = {name: ensemble_mean(ensemble, abseta_max=abseta_max) for name, ensemble in ensembles.items()}
    extra = tuple(jet_columns)
    spaces = phase_spaces(
        paths,
        samples=samples,
        flavours=flavours,
        luminosity_ifb=luminosity_ifb,
        methods={**standard_methods(binned, deepsf), **means},
        binned=binned,
        settings=settings,
        jet_columns=extra,
    )
    simulated = next(file for path in sorted(paths) if not (file := JetFile(path, flavours, extra)).is_data)
    jets = simulated.events().jets
    report = {
        **provenance,
        **spaces.report(),
        **{
            f"{name}_interpolation_rms": interpolation_rms(means[name], ensemble, jets, tuple(flavours))
            for name, ensemble in ensembles.items()
        },
    }
    text = json.dumps(report, sort_keys=True, indent=1, allow_nan=False)
    return PhaseSpaceResult(text, spaces.histograms_to_json())
