"""Inputs of the networks that are not as in training: invalid values, and values beyond the range that was trained."""

from __future__ import annotations

import numpy as np

from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import joined_jets
from deepsf.probes.measurement import Measurement


def input_counts(ensemble: EnsembleScaleFactor, measurement: Measurement) -> dict[str, dict[str, dict[str, int]]]:
    """Return by input, for probe jets in data and for inclusive jets of simulation, what networks see of them.

    Returns
    -------
    dict
        ``n_jets``; ``invalid``, those of which networks see a flag alone; ``beyond``, those with a value beyond the
        range of the training, which is taken to be at its end.
    """
    scaling = next(iter(ensemble.members[0].scalings.values()))
    samples = {
        "data": joined_jets([measurement.entries[name].data.probe for name in measurement.enriching]),
        "inclusive": measurement.inclusive.jets,
    }
    return {
        name: {
            kind: {
                "n_jets": len(jets),
                "invalid": int(np.count_nonzero(~scaling.is_valid(name, jets))),
                "beyond": int(np.count_nonzero(scaling.is_beyond(name, jets))),
            }
            for kind, jets in samples.items()
        }
        for name in scaling.names
    }
