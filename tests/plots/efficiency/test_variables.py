"""Variables are those of the results, and are named in files without their unit."""

from __future__ import annotations

from deepsf.efficiency.audit.closure import REGIONS
from deepsf.efficiency.events.observables import JET_VARIABLES as MEASURED_OF_JETS
from deepsf.efficiency.events.observables import VARIABLES as MEASURED
from deepsf.plots.efficiency.variables import EVENT_VARIABLES, JET_VARIABLES, TAG_REGIONS, event_variables


def test_all_variables_and_regions_of_the_audit_are_drawn():
    assert tuple(EVENT_VARIABLES) == MEASURED
    assert tuple(JET_VARIABLES) == MEASURED_OF_JETS
    assert tuple(TAG_REGIONS) == tuple(REGIONS)


def test_every_variable_in_gev_has_its_unit_in_the_label_and_no_other_has():
    for name, variable in (EVENT_VARIABLES | JET_VARIABLES).items():
        assert name.endswith("_gev") == ("[GeV]" in variable.label)


def test_the_scalar_has_one_mass():
    assert "mass_gev" in event_variables("test")
    assert "mass_gev" not in event_variables("scalar")
