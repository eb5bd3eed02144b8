"""What many tasks start from: the skims' tables, and all that is measured on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tasks.cut_flow import ReportCutFlow
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.skim import SkimNtuples, skimmed

if TYPE_CHECKING:
    from deepsf.binned.shifts import SystematicShifts
    from deepsf.probes.entries import RegionEntries
    from deepsf.probes.inclusive import InclusiveJets
    from deepsf.probes.measurement import Measurement
    from deepsf.probes.tables import SkimTables

TABLE_KEYS = ("samples", "flavours", "campaign.luminosity_ifb", "selection.jet_columns")
"""What `skim_tables` reads of the configuration."""
ENTRY_KEYS = (*TABLE_KEYS, "regions")
"""What `load_entries` reads."""
MEASUREMENT_KEYS = (*ENTRY_KEYS, "event_weight", "normalisation", "extrapolation")
"""What `load_measurement` reads."""


def skim_tables(task: ConfigTask, requirement: Any, kind: str) -> SkimTables:
    """Return the same tables with what is needed to read them."""
    from deepsf.probes.tables import SkimTables

    return SkimTables(
        skimmed(requirement, kind),
        samples=task.cfg("samples"),
        flavours=task.cfg("flavours"),
        luminosity_ifb=task.cfg("campaign.luminosity_ifb"),
        jet_columns=tuple(task.cfg("selection.jet_columns")),
    )


def load_entries(task: ConfigTask, requirement: Any, shift: str = "nominal") -> dict[str, RegionEntries]:
    """Return data and simulation of all regions, of one of the skim's shifts."""
    from deepsf.probes import load
    from deepsf.skim.limits import require_selected

    tables, regions = skim_tables(task, requirement, "entries"), task.cfg("regions")
    require_selected(tables.reports, regions)
    return load.load_entries(tables, regions, shift)


def _load_weighted(task: ConfigTask, requirement: Any, shift: str = "nominal") -> dict[str, RegionEntries]:
    """Return the same with the factors of ``event_weight`` on the contamination; what measures has these."""
    from deepsf.probes.composition import with_contamination

    enriching = {name: region.enriched_flavour for name, region in task.cfg("regions").items()}
    entries = load_entries(task, requirement, shift)
    return with_contamination(entries, enriching, tuple(task.cfg("flavours")), task.cfg("event_weight.contamination"))


def measurement_inputs(task: ConfigTask) -> dict[str, Any]:
    """Return what `load_measurement` needs, as requirements of a task."""
    return {"skims": SkimNtuples.req(task, branch=-1), "inclusive": SampleInclusiveJets.req(task)}


def load_measurement(task: ConfigTask) -> Measurement:
    """Return what is measured on, from the inputs `measurement_inputs` of a task."""
    from deepsf.probes.measurement import Measurement

    inputs = task.input()
    return Measurement(
        regions=task.cfg("regions"),
        entries=_load_weighted(task, inputs["skims"]),
        flavours=task.cfg("flavours"),
        inclusive=load_inclusive(inputs["inclusive"]),
        event_weight=task.cfg("event_weight"),
        normalisation=task.cfg("normalisation"),
        extrapolation=task.cfg("extrapolation"),
    )


def load_shifts(task: ConfigTask) -> SystematicShifts | None:
    """Return the systematic shifts of the config, with what reads their tables; ``task`` declares ``shifts``."""
    from deepsf.binned.shifts import SystematicShifts

    settings, inputs = task.cfg("shifts"), task.input()
    if settings is None:
        return None
    kinematic, weights = skim_tables(task, inputs["skims"], "entries").shifts
    entries = partial(_load_weighted, task, inputs["skims"])
    inclusive = load_inclusive(inputs["inclusive"], shifts=True).shifted
    points = task.cfg("tagger.working_points") if settings.tag_cuts else {}
    return SystematicShifts(settings, kinematic[1:], weights, entries, inclusive, points)


class SampleInclusiveJets(ConfigTask):
    """Samples simulated jets without region and tag: ``inclusive.parquet``.

    The scale factors of every method are normalised on them.
    """

    code_version = 2
    config_keys = (*TABLE_KEYS, "normalisation.max_jets")

    def requires(self) -> Any:
        # every measurement needs these jets, and so passes the gate
        return {"skims": SkimNtuples.req(self), "gate": ReportCutFlow.req(self)}

    def output(self) -> Any:
        return self.target("inclusive.parquet")

    def run(self) -> None:
        from deepsf.probes.inclusive import sample_inclusive_jets

        tables = skim_tables(self, self.input()["skims"], "jets")
        sampled = sample_inclusive_jets(tables, self.cfg("normalisation.max_jets"))
        with staged(self.output()) as (path,):
            sampled.write(path)


def load_inclusive(requirement: Any, *, shifts: bool = False) -> InclusiveJets:
    """Return the output of `SampleInclusiveJets`, nominal, or with all shifts."""
    from deepsf.probes.inclusive import InclusiveJets

    return InclusiveJets.read(requirement.file, shifts=shifts)
