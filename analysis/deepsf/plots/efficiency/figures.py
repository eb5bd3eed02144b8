"""All figures of efficiencies, made from the audit's results under the names of `deepsf.plots.efficiency.names`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.figure import Figure

from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency import correlation, gain, jets, regions, reliability, spread, training
from deepsf.plots.efficiency.names import CROSS_FIT, JET_VARIABLES, TAG_REGIONS, event_variables
from deepsf.plots.style import Style


def figures(
    closure: EfficiencyClosure, histories: Mapping[str, Sequence[training.History]], style: Style
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of everything.

    Parameters
    ----------
    histories
        By network the records of its members' trainings.
    """
    for sample in sorted((name for name in closure.samples if name != CROSS_FIT), key=lambda name: name != "test"):
        for variable in JET_VARIABLES:
            yield f"jet_efficiency_{variable}_{sample}", jets.figure(closure, sample, variable, style)
        for region in TAG_REGIONS:
            for variable in event_variables(sample):
                yield f"{region}_{variable}_{sample}", regions.figure(closure, sample, region, variable, style)
            pairs = regions.pairs_figure(closure, sample, region, "delta_r", style)
            yield f"{region}_delta_r_pairs_{sample}", pairs
        yield f"n_tags_{sample}", regions.figure(closure, sample, "", "n_tags", style)
    for region in TAG_REGIONS:
        yield f"{region}_delta_r_{CROSS_FIT}", regions.figure(closure, CROSS_FIT, region, "delta_r", style)
    yield "correlation", correlation.figure(closure, style)
    yield "gain", gain.figure(closure, style)
    yield "reliability", reliability.figure(closure, style)
    if closure.spread is not None:
        yield "spread", spread.figure(closure, style)
    for flavour in closure.flavours:
        yield f"non_closure_{flavour}", spread.non_closure_figure(closure, flavour, style)
    yield "training", training.figure(histories, style)
