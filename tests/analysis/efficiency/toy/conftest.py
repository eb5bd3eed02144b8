"""The toy of a configuration, and events with given jets."""

from pathlib import Path

import numpy as np
import pytest

from deepsf import config
from tests.analysis.efficiency.events.hand_events import flat_events

CONFIGS = Path(__file__).parents[4] / "configs"


@pytest.fixture
def toy():
    """Return the toy of a shipped configuration with other fields, those of its kinematics by their name."""

    def of(name="toy", **changes):
        settings = config.load(CONFIGS / f"efficiency_{name}.yaml").efficiency.toy
        known = type(settings.kinematics).model_fields
        kinematics = {key: changes.pop(key) for key in list(changes) if key in known}
        tree = settings.model_dump()
        return type(settings).model_validate({**tree, **changes, "kinematics": {**tree["kinematics"], **kinematics}})

    return of


@pytest.fixture
def jets():
    """Return events of jets given as (pT, eta, phi, flavour), one list an event."""

    def of(*events, flavours=("b", "c", "udsg")):
        pt, eta, phi, flavour = np.array([jet for event in events for jet in event]).T
        counts = [len(event) for event in events]
        return flat_events(counts, pt_gev=pt, eta=eta, phi=phi, flavour=flavour, flavours=flavours)

    return of
