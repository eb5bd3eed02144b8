"""The binned measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import MEASUREMENT_KEYS, load_measurement, load_shifts, measurement_inputs

if TYPE_CHECKING:
    from deepsf.binned.scale_factor import BinnedScaleFactor


class MeasureBinnedSF(ConfigTask):
    """Measures scale factors by iterative tag and probe: ``binned.json``.

    They come with bootstrap errors and systematic shifts, smoothed and normalised.
    """

    code_version = 6
    keeps_replaced = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Working points too, where tighter cuts on the tag jet may be named by them."""
        shifts = self.plan_cfg("shifts")
        named = ("tagger.working_points",) if shifts is not None and shifts.tag_cuts else ()
        return (*MEASUREMENT_KEYS, "binned", "shifts", *named)

    def requires(self) -> Any:
        return measurement_inputs(self)

    def output(self) -> Any:
        return self.target("binned.json")

    def run(self) -> None:
        from deepsf.binned.build import measure_binned

        result = measure_binned(load_measurement(self), self.cfg("binned"), load_shifts(self))
        with staged(self.output()) as (path,):
            path.write_text(result.to_json())
        self.publish_message(f"binned scale factors moved by {', '.join(f'{c:.1e}' for c in result.changes)}")
        for name, table in result.flavours.items():
            if below := table.n_below_zero:
                self.publish_message(f"{below} of {table.sf.size} bins of {name} are below 0 and count as 0")
        if len(result.shift_names) > 1:
            self.publish_message(f"shifts: {', '.join(result.shift_names[1:])}")


def load_binned(requirement: Any) -> BinnedScaleFactor:
    """Return the output of `MeasureBinnedSF`."""
    from deepsf.binned.scale_factor import BinnedScaleFactor

    return BinnedScaleFactor.load(requirement.file)
