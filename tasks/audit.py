"""The audit: every method against the truth, against data, and against itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config import ConfigError
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.deepsf import AggregateDeepSF, load_ensemble, member_seed
from tasks.direct import direct_if_wanted, direct_members, direct_seed, load_direct
from tasks.errors import MeasureErrors, load_errors
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.machine import made_on
from tasks.framework.targets import staged
from tasks.inputs import MEASUREMENT_KEYS, load_measurement, measurement_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepsf.audit import Results, TrueFunction
    from deepsf.audit.methods import HeldOut


TRUTH_KEYS = ("generator", "tagger.branch")
"""What `load_truth` reads of the configuration; no task but the audits does."""


class AuditScaleFactors(ConfigTask):
    """Compares every method with data and with the truth: ``audit.json``, and what figures need from it.

    These are the truth overlay, closure histograms, and means by bin.
    """

    code_version = 10
    keeps_replaced = True
    uses_networks = True
    config_keys = (
        *MEASUREMENT_KEYS,
        *TRUTH_KEYS,
        "tagger.working_points",
        "training.precision",
        "training.validation_fraction",
        "ensemble",
        "direct",
        "audit",
        "shifts",
    )

    def check(self) -> None:
        super().check()
        refuse_unknown_truth(self)

    def requires(self) -> Any:
        return measurement_inputs(self) | method_inputs(self) | {"errors": MeasureErrors.req(self)}

    def external_files(self) -> tuple[Path, ...]:
        return true_sf_files(self)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("audit", "truth_overlay", "closure", "bin_means")}

    def run(self) -> None:
        from deepsf.audit import audit
        from deepsf.audit.contamination import contamination_notes

        shifts = self.cfg("shifts")
        head = {**made_on(), "config": settings.config_path(self.config).stem, "seeds": self._seeds()}
        result = audit(
            load_measurement(self),
            self._results(),
            self.cfg("audit"),
            truth=load_truth(self),
            working_points=self.cfg("tagger.working_points"),
            shifts={} if shifts is None else shifts.contamination,
            head=head,
        )
        for note in contamination_notes(json.loads(result.audit)["contamination"]):
            self.publish_message(note)
        with staged(*self.output().values()) as paths:
            for path, text in zip(paths, result, strict=True):
                path.write_text(text)

    def _seeds(self) -> dict[str, int]:
        """Return all seeds that the figures depend on."""
        sections = {name: self.cfg(name) for name in ("ensemble", "direct", "generator", "audit")}
        return {name: section.seed for name, section in sections.items() if section is not None}

    def _results(self) -> Results:
        from deepsf.networks.ensemble import EntryScaleFactors

        results, deepsf = load_results(self), self.input()["deepsf"]
        bins = deepsf["bins"].read_json()
        return replace(
            results,
            errors=load_errors(self, self.input()["errors"], results.ensembles()),
            at_entries={name: EntryScaleFactors.read(deepsf[f"entries_{name}"].file) for name in self.cfg("regions")},
            grids=deepsf["grid"].read_json(),
            members=self._members(),
            training=self._training(bins["members_used"]),
        )

    def _members(self) -> dict[str, Any]:
        """Return which trainings there are, and which have not converged, of every ensemble and of the errors."""
        from deepsf.audit.methods import DEEPSF, DIRECT
        from deepsf.networks.ensemble import members_from_json

        inputs = self.input()
        members = {DEEPSF: inputs["deepsf"]["bins"].read_json(members_from_json).to_json()}
        if "direct" in inputs:
            members[DIRECT] = direct_members(inputs["direct"]["history"].read_json()).to_json()
        return members | inputs["errors"]["errors"].read_json()["trainings"]

    def _training(self, members: Sequence[int]) -> dict[str, HeldOut]:
        """Return what each training held out: audits test it there."""
        from deepsf.audit.methods import DEEPSF, DIRECT, HeldOut

        fraction, direct = self.cfg("training.validation_fraction"), self.cfg("direct")
        held_out = {DEEPSF: HeldOut([member_seed(self, number) for number in members], fraction)}
        if direct is not None:
            seeds = [direct_seed(self, number) for number in range(direct.n_members)]
            held_out[DIRECT] = HeldOut(seeds, direct.validation_fraction)
        return held_out


def refuse_unknown_truth(task: ConfigTask) -> None:
    """Refuse generated data whose effective true scale factor is not known exactly."""
    generator = task.plan_cfg("generator")
    if generator is not None and generator.neighbours is not None:
        raise ConfigError(
            "generator.neighbours: with jets that have an effect on each other the true scale factors are not known "
            "exactly, so that no method can be compared to them; take the section away, or measure efficiencies alone "
            "with ProduceEfficiencyEnsemble"
        )


def true_sf_files(task: ConfigTask) -> tuple[Path, ...]:
    """Return the file that `load_truth` reads, an external file of the task; none without generated data."""
    generator = task.cfg("generator")
    return () if generator is None else (settings.resolve(generator.true_sf.file),)


def load_truth(task: ConfigTask) -> TrueFunction | None:
    """Return the truth of generated data; ``task`` declares `TRUTH_KEYS`."""
    from deepsf.generator.truth import load as effective_truth

    generator = task.cfg("generator")
    if generator is None:
        return None
    (path,) = true_sf_files(task)
    true_sf = generator.true_sf
    return effective_truth(path, true_sf.name, true_sf.systematic, task.cfg("tagger.branch")).evaluate


def method_inputs(task: ConfigTask) -> dict[str, Any]:
    """Return what `load_results` needs, as requirements of a task."""
    return {
        "binned": MeasureBinnedSF.req(task),
        "deepsf": AggregateDeepSF.req(task),
        **direct_if_wanted(task),
    }


def load_results(task: ConfigTask) -> Results:
    """Return the scale factors of all methods, from the inputs `method_inputs` of a task."""
    from deepsf.audit import Results
    from deepsf.audit.methods import DIRECT

    inputs = task.input()
    deepsf = load_ensemble(task, inputs["deepsf"])
    other = {DIRECT: load_direct(inputs["direct"])} if "direct" in inputs else {}
    return Results(load_binned(inputs["binned"]), deepsf, other=other)
