"""Whether the errors cover: pseudo-data sets with known scale factors, measured as data are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepsf.config import ConfigError
from tasks.errors import DEEPSF_SHIFT_KEYS
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.framework.workflows import Workflow
from tasks.inputs import MEASUREMENT_KEYS, load_measurement, measurement_inputs


class MeasurePseudoData(Workflow):
    """Measures pseudo-data sets of known scale factors, one per branch: means, errors and truth by cell."""

    keeps_replaced = True
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Shifts of the contamination only where it varies."""
        varied = ("shifts.contamination", *DEEPSF_SHIFT_KEYS) if self._varies_contamination() else ()
        return (*MEASUREMENT_KEYS, "binned", "direct", "training", "coverage", "tagger.working_points", *varied)

    def _varies_contamination(self) -> bool:
        coverage, shifts = self.plan_cfg("coverage"), self.plan_cfg("shifts")
        return coverage is not None and shifts is not None and bool(coverage.contamination)

    def create_branch_map(self) -> dict[int, tuple[str, int]]:
        coverage = self.plan_cfg("coverage")
        if coverage is None:
            return {}
        # sets of one truth after the other, so that a set keeps its number and division if there are more
        sets = [(name, number) for number in range(coverage.n_sets) for name in sorted(coverage.true_sf)]
        return dict(enumerate(sets))

    def shared_requirements(self) -> dict[str, Any]:
        if self.plan_cfg("coverage") is None:
            raise ConfigError(
                "the configuration has no section coverage, which MeasureCoverage needs; write it, or extend "
                "configs/toy_coverage.yaml"
            )
        if self.plan_cfg("direct") is None:
            raise ConfigError(
                "the configuration has direct: null, which MeasureCoverage cannot do without; leave it out"
            )
        return measurement_inputs(self)

    def external_files(self) -> tuple[Path, ...]:
        coverage = self.plan_cfg("coverage")
        return () if coverage is None else tuple(settings.resolve(truth.file) for truth in coverage.true_sf.values())

    def own_parameters(self) -> dict[str, Any]:
        return {"set": list(self.branch_data)}

    def output(self) -> Any:
        return self.target(f"set_{self.branch}.json")

    def run(self) -> None:
        from deepsf.audit.coverage import Settings, compared, contaminations, measured_set, pseudo_data
        from deepsf.generator.true_sf import load
        from deepsf.seeds import part_of, seed_sequence

        (name, number), coverage = self.branch_data, self.cfg("coverage")
        truth = coverage.true_sf[name]
        function = load(settings.resolve(truth.file), truth.name, truth.systematic).evaluate
        seed = seed_sequence(coverage.seed, "coverage", name, number)
        varied = self.cfg("shifts.contamination") if self._varies_contamination() else {}
        wanted = Settings(
            coverage,
            self.cfg("binned"),
            self.cfg("direct"),
            self.cfg("training"),
            self.cfg("tagger.working_points"),
            varied,
            *(self.cfg(key) for key in DEEPSF_SHIFT_KEYS if varied),
        )
        drawn = contaminations(varied, len(self.branch_map), seed_sequence(coverage.seed, "contamination"))[self.branch]
        measurement = pseudo_data(load_measurement(self), function, part_of(seed, "division"), drawn)
        rows = compared(measured_set(measurement, wanted, seed), function, measurement, wanted)
        with staged(self.output()) as (path,):
            path.write_text(json.dumps([{"true_sf": name, **row} for row in rows], allow_nan=False))


class MeasureCoverage(ConfigTask):
    """Tells how often errors cover the truth over many pseudo-data sets: ``coverage.json``."""

    def requires(self) -> Any:
        return MeasurePseudoData.req(self)

    def output(self) -> Any:
        return self.target("coverage.json")

    def run(self) -> None:
        from deepsf.audit.coverage_report import coverage_report, coverage_text

        sets = self.input()["collection"].targets.values()
        report = coverage_report(row for target in sets for row in target.read_json())
        with staged(self.output()) as (path,):
            path.write_text(json.dumps(report, sort_keys=True, indent=1, allow_nan=False))
        self.publish_message(coverage_text(report))
