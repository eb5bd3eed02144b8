"""The gate between skims and measurements: what all files have in common, what was selected, and the cut flow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.framework.base import ConfigTask
from tasks.framework.configuration import local_file
from tasks.framework.targets import ProvenanceTarget, staged
from tasks.generation import OF_DATA, of_data
from tasks.skim import SkimNtuples, pairs, weight_sources


class ReportCutFlow(ConfigTask):
    """Counts the events of each sample after each cut, by channel: ``cut_flow.txt``; lists processed luminosity blocks.

    It is a gate that every measurement passes. It fails if nothing is selected, too many scores are invalid, a weight
    outweighs all others, events or files are there twice, or files do not fit together.
    """

    code_version = 3
    config_keys = (
        *(
            "samples",
            "regions",
            "campaign.luminosity_ifb",
            "campaign.certified",
            "campaign.runs",
            "campaign.data_order",
        ),
        *("tagger.branch", "tagger.max_invalid_fraction", "selection.max_weight_share"),
    )

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def own_parameters(self) -> dict[str, Any]:
        return {"sources": weight_sources(self)}

    def output(self) -> Any:
        data = [name for name, sample in self.plan_cfg("samples").items() if sample.kind == "data"]
        luminosity = {name: self.target("processed_luminosity", f"{name}.json") for name in data}
        return {"cut_flow": self.target("cut_flow.txt"), "luminosity": luminosity}

    def used_output(self) -> list[ProvenanceTarget]:
        """Return nothing: what requires the gate reads the skims themselves."""
        return []

    def run(self) -> None:
        from deepsf.probes import campaign_report
        from deepsf.skim.campaign_checks import foreign_pileup
        from deepsf.skim.cut_flow import read_report
        from deepsf.skim.limits import Limits
        from deepsf.skim.skipped import format_skipped

        samples, regions = self.cfg("samples"), self.cfg("regions")
        limits = Limits(
            branch=self.cfg("tagger.branch"),
            max_invalid_fraction=self.cfg("tagger.max_invalid_fraction"),
            max_weight_share=self.cfg("selection.max_weight_share"),
        )
        tables = pairs(self.input())
        reports = campaign_report.require_usable_campaign(tables, samples, regions, limits, weight_sources(self))
        yields = campaign_report.yields_of(reports, samples, self.cfg("campaign.luminosity_ifb"), regions)
        certified = certified_blocks(samples, self.plan_cfg("campaign"))
        lost = campaign_report.lost_in_order(reports, samples, self.cfg("campaign.data_order"))
        text = campaign_report.format_campaign(reports, certified, yields, lost)
        files = [read_report(entries) for entries, _ in tables]
        notes = [*format_skipped(files), *campaign_report.files_without_events(files), *foreign_pileup(files)]
        text = "".join(f"{line}\n" for line in notes) + text
        processed = campaign_report.processed_blocks(reports)
        output = self.output()
        with staged(output["cut_flow"], *output["luminosity"].values()) as (flow, *luminosity):
            flow.write_text(text)
            for name, path in zip(output["luminosity"], luminosity, strict=True):
                path.write_text(json.dumps(processed[name], indent=1, allow_nan=False))
        self.publish_message(text)


def certified_blocks(samples: Mapping[str, Any], campaign: Any) -> dict[str, Any]:
    """Return by data sample the certified luminosity blocks of its runs, None where they are not known."""
    from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks

    found = {}
    for name, sample in samples.items():
        if sample.kind == "data":
            path, runs = (of_data(sample, getattr(campaign, key), key) for key in OF_DATA)
            found[name] = path and LuminosityBlocks.load(local_file(path)).within(runs)
    return found
