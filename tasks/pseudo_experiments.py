"""Pseudo-experiments, which test bias, errors and covariance of the binned measurement."""

from __future__ import annotations

import json
from typing import Any

import luigi

from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged

PURITIES = ((0.85, 0.90), (0.70, 0.75))
"""Purities of the b-enriched and of the light-enriched region."""


class RunPseudoExperiments(ConfigTask):
    """Runs pseudo-experiments at two pairs of purities: mean, width and chi2 of their pulls, and a figure of them."""

    code_version = 2
    n_experiments = luigi.IntParameter(default=500, description="pseudo-experiments at each pair of purities")
    n_bootstrap = luigi.IntParameter(default=100, description="bootstraps of each experiment")
    n_events = luigi.IntParameter(default=400_000, description="data events of a region")
    seed = luigi.IntParameter(default=1, description="seed of all experiments")
    config_keys = ("plots", "flavours")

    def own_parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("n_experiments", "n_bootstrap", "n_events", "seed")}

    def output(self) -> Any:
        figure = [self.target(f"pulls.{kind}") for kind in self.plan_cfg("plots").formats]
        return {"summary": self.target("summary.json"), "figure": figure}

    def run(self) -> None:
        from deepsf.binned import pseudo_experiments
        from deepsf.plots.scale_factors import pulls
        from deepsf.plots.style import Style, save

        experiments = {
            f"purities {hf:.2f}, {lf:.2f}": pseudo_experiments.run(
                pseudo_experiments.model(hf, lf, n_events=self.n_events),
                n_experiments=self.n_experiments,
                n_bootstrap=self.n_bootstrap,
                seed=self.seed,
            )
            for hf, lf in PURITIES
        }
        # bins are left out because so few entries are expected in them
        summaries = {
            label: {**found.summary(), "expected_where_left_out": found.expected[~found.is_used].round(3).tolist()}
            for label, found in experiments.items()
        }
        text = json.dumps(summaries, sort_keys=True, indent=1, allow_nan=False)
        plots = self.cfg("plots")
        style = Style.of(plots, None, tuple(self.cfg("flavours")))
        output = self.output()
        with staged(output["summary"], *output["figure"]) as (summary, first, *_):
            summary.write_text(text)
            save(pulls.figure(experiments, style), first.with_suffix(""), plots.dpi, plots.formats)
        self.publish_message(text)
