"""The closure of a campaign in all phase spaces, as the two texts that its task writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from deepsf.audit.ensemble_mean import ensemble_mean, interpolation_rms
from deepsf.audit.methods import DEEPSF, standard_methods
from deepsf.audit.phase_space.histograms import phase_spaces
from deepsf.audit.phase_space.jets import JetFile
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour
from deepsf.config.samples import Sample
from deepsf.config.validation import Validation
from deepsf.networks.scale_factor import EnsembleScaleFactor


class PhaseSpaceResult(NamedTuple):
    """Rates, yields and tests; and histograms, as `histograms_from_json` of the module `histograms` reads them."""

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
    deepsf: EnsembleScaleFactor,
    abseta_max: float,
    settings: Validation,
    jet_columns: Sequence[str] = (),
    further: Mapping[str, EnsembleScaleFactor] | None = None,
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
        As `deepsf.audit.phase_space.histograms.phase_spaces`.
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
