"""Efficiency maps."""

from __future__ import annotations

from typing import Any

from tasks.efficiency.events import TRAIN, EfficiencyTask
from tasks.framework.targets import staged


class BuildEfficiencyMaps(EfficiencyTask):
    """Fills two efficiency maps: by flavour, pT and eta, and by these and the distance of the closest jet."""

    config_keys = ("efficiency.maps",)

    def requires(self) -> Any:
        return self.req_events(TRAIN)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("map", "map_delta_r")}

    def run(self) -> None:
        from deepsf.efficiency.maps.maps import EfficiencyMap

        events = self.load_events(TRAIN)
        with staged(*self.output().values()) as paths:
            for name, path in zip(self.output(), paths, strict=True):
                found = EfficiencyMap.fit(events, self.cfg("efficiency.maps"), delta_r=name == "map_delta_r")
                path.write_text(found.to_json())
