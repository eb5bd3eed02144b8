"""The binned baseline."""

from __future__ import annotations

from typing import Any

from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import ENTRY_KEYS, SampleInclusiveJets, load_inclusive, load_regions, load_shifts
from tasks.skim import SkimNtuples


class MeasureBinnedSF(ConfigTask):
    """Iterative tag and probe with bootstrap errors and systematic shifts, smoothed and normalised."""

    config_keys = (*ENTRY_KEYS, "binned", "shifts", "event_weight", "normalisation")
    code_version = 3
    keeps_replaced = True

    def requires(self) -> Any:
        return {"skims": SkimNtuples.req(self), "inclusive": SampleInclusiveJets.req(self)}

    def output(self) -> Any:
        return self.target("binned.json")

    def run(self) -> None:
        from deepsf.binned.build import measure_and_build

        inputs, shifts = self.input(), self.cfg("shifts")
        result = measure_and_build(
            load_regions(self, inputs["skims"]),
            self.cfg("regions"),
            self.cfg("flavours"),
            load_inclusive(inputs["inclusive"]),
            settings=self.cfg("binned"),
            event_weight=self.cfg("event_weight"),
            normalisation=self.cfg("normalisation"),
            shifts=shifts,
            skim=None if shifts is None else load_shifts(self, inputs["skims"], inputs["inclusive"]),
        )
        with staged(self.output()) as (path,):
            path.write_text(result.to_json())
        self.publish_message(f"binned scale factors moved by {', '.join(f'{c:.1e}' for c in result.changes)}")
        if len(result.shift_names) > 1:
            self.publish_message(f"shifts: {', '.join(result.shift_names[1:])}")
