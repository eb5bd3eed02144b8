"""What many tasks start from: the entries of all regions and the inclusive jets, read from the skims."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.framework.base import ConfigTask
from tasks.framework.targets import leaves, staged
from tasks.skim import SkimNtuples

if TYPE_CHECKING:
    from deepsf.binned.shifts import SkimShifts
    from deepsf.probes.entries import RegionEntries
    from deepsf.probes.inclusive import InclusiveJets

ENTRY_KEYS = ("samples", "flavours", "regions", "campaign.luminosity_ifb", "selection.jet_columns")
"""What `load_regions` and `SampleInclusiveJets` read."""


def skimmed(requirement: Any, kind: str) -> list[Path]:
    """Return the tables of one kind (``entries``, ``jets``) of all branches of `SkimNtuples`."""
    return [target.file for target in leaves(requirement) if target.file.name.endswith(f"_{kind}.parquet")]


def load_regions(task: ConfigTask, requirement: Any, shift: str = "nominal") -> dict[str, RegionEntries]:
    """Return data and simulation of all regions, of one of the skim's shifts; ``task`` declares `ENTRY_KEYS`."""
    from deepsf.probes import load
    from deepsf.skim.cut_flow import read_metadata
    from deepsf.skim.skim_file import require_selected

    paths = skimmed(requirement, "entries")
    require_selected([read_metadata(path) for path in paths], task.cfg("regions"))
    return load.load_regions(
        paths,
        samples=task.cfg("samples"),
        regions=task.cfg("regions"),
        flavours=task.cfg("flavours"),
        luminosity_ifb=task.cfg("campaign.luminosity_ifb"),
        jet_columns=task.cfg("selection.jet_columns"),
        shift=shift,
    )


def load_shifts(task: ConfigTask, skims: Any, inclusive: Any) -> SkimShifts:
    """Return the shifts that the skim offers, with what reads their tables; ``task`` declares `ENTRY_KEYS`."""
    from deepsf.binned.shifts import SkimShifts
    from deepsf.probes.entries import available_shifts

    kinematic, weights = available_shifts(skimmed(skims, "entries"))
    regions = partial(load_regions, task, skims)
    return SkimShifts(kinematic[1:], weights, regions, load_inclusive(inclusive, shifts=True).shifted)


class SampleInclusiveJets(ConfigTask):
    """Simulated jets without region and tag, on which every method's scale factors are normalised."""

    config_keys = ("samples", "flavours", "campaign.luminosity_ifb", "selection.jet_columns", "normalisation.max_jets")
    code_version = 2

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return self.target("inclusive.parquet")

    def run(self) -> None:
        from deepsf.probes.inclusive import sample_inclusive_jets

        sampled = sample_inclusive_jets(
            skimmed(self.input(), "jets"),
            samples=self.cfg("samples"),
            flavours=self.cfg("flavours"),
            luminosity_ifb=self.cfg("campaign.luminosity_ifb"),
            max_jets=self.cfg("normalisation.max_jets"),
            jet_columns=self.cfg("selection.jet_columns"),
        )
        with staged(self.output()) as (path,):
            sampled.write(path)


def load_inclusive(requirement: Any, *, shifts: bool = False) -> InclusiveJets:
    """Return the output of `SampleInclusiveJets`, nominal, or with all shifts."""
    from deepsf.probes.inclusive import InclusiveJets

    return InclusiveJets.read(requirement.file, shifts=shifts)
