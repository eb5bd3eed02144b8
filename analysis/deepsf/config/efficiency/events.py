"""Section of events in files: of any experiment, any selection, with or without a graph of skims before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic import Field, model_validator

from deepsf.config.base import Name, Section
from deepsf.config.efficiency.processes import reserved_problems


class EventColumns(Section):
    """Columns of parquet files, or branches of ROOT files: lists with a value a jet, by falling pT, or one an event."""

    pt_gev: str | None = Field(default=None, description="pT of the jets [GeV]; this one or pt_mev")
    pt_mev: str | None = Field(default=None, description="the same in MeV")
    eta: str = Field(description="pseudorapidity of the jets")
    phi: str = Field(description="azimuth of the jets [rad]")
    flavour: str = Field(description="flavour of the jets, the codes of flavours.<name>.hadron_flavours")
    tag_bin: str | None = Field(
        default=None, description="number of nested working points that a jet passes, 0: untagged; this one or score"
    )
    score: str | None = Field(
        default=None, description="score of the tagger, which is cut at efficiency.events.working_points"
    )
    weight: str | None = Field(default=None, description="weight of the event; null: all weigh 1")
    event: str | None = Field(
        default=None, description="event number; null: made of the sample, the file's name and the row"
    )
    run: str | None = Field(
        default=None,
        description="run, and with luminosity_block part of the number of the event, where event alone repeats",
    )
    luminosity_block: str | None = Field(default=None, description="luminosity block")

    @model_validator(mode="after")
    def _one_of_two(self) -> EventColumns:
        for one, other in (("pt_gev", "pt_mev"), ("tag_bin", "score")):
            given = [name for name in (one, other) if getattr(self, name) is not None]
            if len(given) != 1:
                raise ValueError(f"give {one} or {other}, one of the two, got {' and '.join(given) or 'neither'}")
        if len({self.run is None, self.luminosity_block is None}) > 1 or (self.run is not None and self.event is None):
            raise ValueError("run and luminosity_block are given together, and only beside event")
        return self


class EfficiencyEvents(Section):
    """Events in files, parquet or ROOT, in place of generated ones or of skims."""

    train: tuple[str, ...] = Field(
        min_length=1,
        description="files to train on: paths, glob patterns or lists (.txt); may start with an environment variable",
    )
    test: tuple[str, ...] = Field(
        default=(), description="files of the test sample; none: efficiency.split divides the events of train"
    )
    transfer: dict[Name, tuple[str, ...]] = Field(
        default={}, description="files of other processes or generators, which are tested on and never trained on"
    )
    tree: str = Field(default="Events", description="tree of ROOT files")
    columns: EventColumns | None = Field(
        default=None, description="what files call their columns; null: parquet files of deepsf's `JetEvents.write`"
    )
    working_points: dict[Name, float] | None = Field(
        default=None, description="cut on columns.score by working point: a jet passes if its score is above"
    )


def event_problems(events: EfficiencyEvents, names: Sequence[str] | None) -> Iterator[str]:
    """Yield what does not fit together; ``names`` are ``efficiency.working_points``, from loose to tight."""
    where = "efficiency.events"
    for name, files in events.transfer.items():
        yield from reserved_problems(f"{where}.transfer", name, files)
    if not names:
        yield "efficiency.working_points: null is for toys; name those of the tag bins from loose to tight"
        return
    has_score = events.columns is not None and events.columns.score is not None
    if has_score != (events.working_points is not None):
        way_out = "give the cuts, such as {L: 0.05, M: 0.3}" if has_score else "leave it out, or give columns.score"
        yield f"{where}.working_points: cuts are given for a score (columns.score) and for nothing else; {way_out}"
    elif events.working_points is not None:
        yield from _cut_problems(events.working_points, names)


def _cut_problems(cuts: Mapping[str, float], names: Sequence[str]) -> Iterator[str]:
    where = "efficiency.events.working_points"
    if set(cuts) != set(names):
        yield f"{where}: cuts of {sorted(cuts)}, but efficiency.working_points are {list(names)}; name the same in both"
        return
    yield from nesting_problems(names, cuts)


def nesting_problems(names: Sequence[str], cuts: Mapping[str, float]) -> Iterator[str]:
    """Yield each of ``efficiency.working_points`` that does not cut more tightly than the one before it."""
    for loose, tight in pairwise(names):
        if not cuts[loose] < cuts[tight]:
            yield (
                f"efficiency.working_points: not nested, {tight} cuts at {cuts[tight]:g} and {loose} before it at "
                f"{cuts[loose]:g}; order them from loose to tight"
            )
