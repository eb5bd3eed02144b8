"""The audit: every method against the truth, against data, and against itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.binned import MeasureBinnedSF
from tasks.deepsf import AggregateDeepSF
from tasks.direct import direct_if_wanted, load_direct
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.machine import made_on
from tasks.framework.targets import staged
from tasks.inputs import ENTRY_KEYS, SampleInclusiveJets, load_inclusive, load_regions
from tasks.skim import SkimNtuples

if TYPE_CHECKING:
    from deepsf.audit import TrueFunction


class AuditScaleFactors(ConfigTask):
    """``audit.json`` with all figures; truth overlay, closure histograms and means by bin that plots draw.

    The only task that reads the true scale factor of generated data.
    """

    config_keys = (
        *ENTRY_KEYS,
        "tagger.branch",
        "generator",
        "event_weight",
        "normalisation",
        "training.precision",
        "ensemble",
        "direct",
        "audit",
    )
    code_version = 3
    keeps_replaced = True

    def requires(self) -> Any:
        needed = {
            "skims": SkimNtuples.req(self),
            "inclusive": SampleInclusiveJets.req(self),
            "binned": MeasureBinnedSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
        }
        return needed | direct_if_wanted(self)

    def external_files(self) -> tuple[Path, ...]:
        generator = self.cfg("generator")
        return () if generator is None else (settings.resolve(generator.true_sf.file),)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("audit", "truth_overlay", "closure", "bin_means")}

    def run(self) -> None:
        import json

        from deepsf.audit import audit
        from deepsf.audit.ensemble_mean import ExactMean
        from deepsf.audit.methods import DIRECT
        from deepsf.binned.scale_factor import BinnedScaleFactor
        from deepsf.networks.cpu import prepare_process
        from deepsf.networks.ensemble import EntryScaleFactors
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        prepare_process()
        deepsf, generator, direct = self.input()["deepsf"], self.cfg("generator"), self.cfg("direct")
        seeds = {"ensemble": self.cfg("ensemble").seed} | ({} if direct is None else {"direct": direct.seed})
        result = audit(
            provenance=made_on(),
            config_name=settings.config_path(self.config).stem,
            seeds=seeds if generator is None else {**seeds, "generator": generator.seed},
            regions=load_regions(self, self.input()["skims"]),
            definitions=self.cfg("regions"),
            flavours=self.cfg("flavours"),
            inclusive=load_inclusive(self.input()["inclusive"]),
            binned=BinnedScaleFactor.from_json(self.input()["binned"].file.read_text()),
            deepsf=EnsembleScaleFactor.load(deepsf["ensemble"].file, self.cfg("training.precision")),
            entry_sf={name: EntryScaleFactors.read(deepsf[f"entries_{name}"].file) for name in self.cfg("regions")},
            event_weight=self.cfg("event_weight"),
            normalisation=self.cfg("normalisation"),
            settings=self.cfg("audit"),
            truth=self._truth(),
            grids=json.loads(deepsf["grid"].file.read_text()),
            further_methods={} if direct is None else {DIRECT: ExactMean(load_direct(self.input()["direct"]))},
            n_members_configured=self.cfg("ensemble").n_members,
        )
        with staged(*self.output().values()) as paths:
            for path, text in zip(paths, result, strict=True):
                path.write_text(text)

    def _truth(self) -> TrueFunction | None:
        from deepsf.generator.truth import load as effective_truth

        generator = self.cfg("generator")
        if generator is None:
            return None
        (path,) = self.external_files()
        true_sf = generator.true_sf
        return effective_truth(path, true_sf.name, true_sf.systematic, self.cfg("tagger.branch")).evaluate
