"""The audit's rows on samples of other processes: whether efficiencies trained on one hold for another."""

from __future__ import annotations

from collections.abc import Mapping

from deepsf.efficiency.audit.closure import REGIONS
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.audit.sample_rows import Findings, chi2_of
from deepsf.efficiency.process_ratios import ProcessRatios

Ratios = Mapping[str, Mapping[str, ProcessRatios]]
"""By flavour and working point."""


def process_rows(findings: Findings, ratios: Mapping[str, Ratios]) -> Rows:
    """Return the rows of every transfer sample; ``ratios`` by name of the sample."""
    rows: Rows = {}
    for process, of_flavours in ratios.items():
        rows |= _of_process(findings, process, of_flavours)
    return rows


def _of_process(findings: Findings, process: str, ratios: Ratios) -> Rows:
    closure = findings.closure
    calibration = 100.0 * findings.figures[process].tag_calibration[closure.nominal]
    rows = findings.by_flavour("process.{process}.calibration.{flavour}", calibration, process=process)
    for region in REGIONS:
        yields, name = findings.yields(region, "delta_r", process), "process.{process}.delta_r.{region}.chi2"
        rows |= row(name, chi2_of(yields, closure.nominal), process=process, region=region)
        if "map" in yields.models:
            rows |= row(f"{name}_map", chi2_of(yields, "map"), process=process, region=region)
    for flavour in closure.flavours:
        found = ratios.get(flavour, {}).get(closure.working_point)
        chi2 = None if found is None else found.chi2
        rows |= row("process.{process}.residual.{flavour}.chi2", chi2, process=process, flavour=flavour)
    return rows
