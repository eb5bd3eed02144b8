"""Events for efficiencies from the skims of a campaign: all selected jets of simulated events, by working point."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf import parquet_files
from deepsf.config.efficiency.efficiency import EfficiencySplit
from deepsf.config.efficiency.processes import EfficiencyProcesses
from deepsf.config.flavours import Flavour, Tagger, hadron_flavours
from deepsf.config.samples import Sample
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.efficiency.events.events import JetEvents, join, offsets_of
from deepsf.efficiency.events.folds import in_test_sample
from deepsf.efficiency.events.from_jets import wrapped
from deepsf.efficiency.events.source import EventSource, seed_of
from deepsf.jets import flavour_index
from deepsf.probes.tables import luminosity_weights
from deepsf.seeds import mixed
from deepsf.skim.cut_flow import SkimReport, read_report
from deepsf.skim.event_table import read_events
from deepsf.skim.shifts import NOMINAL

_NUMBERS = ("run", "luminosity_block", "event")
_COLUMNS = (*_NUMBERS, "weight", "pt_gev", "eta", "phi", "discriminant", "hadron_flavour")


def jet_events(  # noqa: PLR0913 - what events are made of comes from many parts of the config
    paths: Iterable[Path],
    *,
    samples: Mapping[str, Sample],
    flavours: Mapping[str, Flavour],
    tagger: Tagger,
    working_points: Sequence[str],
    luminosity_ifb: float,
    split: EfficiencySplit,
    processes: EfficiencyProcesses,
) -> dict[str, JetEvents]:
    """Return the simulated events of skims, nominal jets only, for training and for tests.

    An event's number is a hash of its sample, the name of its NanoAOD file and its entry there: where files lie and in
    which order they are given changes neither numbers nor the division. The number decides about the division. Two of
    n events have the same number with a probability of n^2 / 2^65, 3e-8 for a million.

    Parameters
    ----------
    paths
        Tables of all jets of the skim; those of data are left out.
    flavours
        In the order that `JetEvents.flavour` counts in.
    tagger, working_points
        A jet passes a working point if its discriminant exceeds it; one without a valid score passes none.
    luminosity_ifb
        Of the data [1/fb]: generator weights are scaled by cross section x luminosity / their sum over the sample.
    processes
        Samples to train and test on, and those of each transfer sample.

    Returns
    -------
    dict
        ``train`` and ``test``, either may have no events; and the transfer samples, whose events are not in ``train``.

    Raises
    ------
    JetEventsError
        If there are no simulated jets, a table is not whole or older than its contract, the same file was skimmed
        twice, a sample or a hadron flavour is unknown, a sample cannot be normalised, or working points are not nested.
    """
    codes = hadron_flavours(flavours)
    naming = _Naming(codes, tuple(working_points), _thresholds(tagger, working_points))
    tables = [(path, read_report(path)) for path in sorted(paths)]
    simulated = [(path, report) for path, report in tables if report.kind == "simulation"]
    present = {report.sample for _, report in simulated}
    if unknown := sorted(present - set(samples)):
        raise JetEventsError(f"skims of {unknown} are of no sample of the configuration, which has {list(samples)}")
    used = {name: sample for name, sample in samples.items() if name in present}
    factors = luminosity_weights([report for _, report in simulated], used, luminosity_ifb)
    parts = [
        _events_of(path, report, factors[report.sample], seed, naming) for seed, path, report in _identified(simulated)
    ]
    if not sum(map(len, parts)):
        raise JetEventsError(
            f"no event with selected jets in {len(simulated)} simulated of {len(tables)} skims; see the cut flow of "
            "SkimNtuples, then give more input or loosen the selection"
        )
    return _divided(join(parts), split, processes)


def _divided(events: JetEvents, split: EfficiencySplit, processes: EfficiencyProcesses) -> dict[str, JetEvents]:
    is_test = in_test_sample(events, split)
    trained = _of_samples(events, processes.train) if processes.train else np.ones(len(events), np.bool_)
    divided = {"train": trained & ~is_test, "test": trained & is_test}
    for name, samples in processes.transfer.items():
        # what is trained on must not be tested on
        divided[name] = _of_samples(events, samples) & ~divided["train"]
    for name in (["train"] if processes.train else []) + list(processes.transfer):
        if not np.any(divided[name]):
            wanted = processes.train if name == "train" else processes.transfer[name]
            raise JetEventsError(
                f"efficiency.processes: no selected event of {list(wanted)} for the sample {name}; see the cut flow of "
                "SkimNtuples, then give more input or loosen the selection"
            )
    return {name: events.select(chosen) for name, chosen in divided.items()}


def _of_samples(events: JetEvents, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which events are of some samples, ``(n_events,)``."""
    assert events.source is not None
    return np.array([name in names for name in events.source.samples], np.bool_)[events.source.sample]


def shares_of_luminosity(samples: Mapping[str, JetEvents]) -> dict[str, float]:
    """Return by sample of a division its part of all weights, and so of the luminosity that these are scaled to.

    NaN if all weights sum up to nothing.
    """
    sums = {name: float(events.weight.sum(dtype=np.float64)) for name, events in samples.items()}
    total = sum(sums.values())
    return {name: value / total if total > 0 else math.nan for name, value in sums.items()}


class _Naming(NamedTuple):
    """What hadron flavours and discriminants are turned into; thresholds by working point."""

    hadron_flavours: dict[str, tuple[int, ...]]
    working_points: tuple[str, ...]
    thresholds: npt.NDArray[np.float64]


def _thresholds(tagger: Tagger, names: Sequence[str]) -> npt.NDArray[np.float64]:
    if unknown := [name for name in names if name not in tagger.working_points]:
        raise JetEventsError(
            f"tagger {tagger.name} has no working points {unknown}; it has {list(tagger.working_points)}"
        )
    values = np.array([tagger.working_points[name] for name in names])
    if not len(values) or not (np.diff(values) > 0).all():
        raise JetEventsError(
            f"working points must be nested, from loose to tight, got {dict(zip(names, values.tolist(), strict=True))} "
            f"of tagger {tagger.name}"
        )
    return values


def _identified(simulated: Sequence[tuple[Path, SkimReport]]) -> list[tuple[np.uint64, Path, SkimReport]]:
    """Return the files with the seed of their events' numbers, in an order that has nothing to do with their place.

    Files of one sample and name, from several folders, are told apart by their content.
    """
    names = Counter((report.sample, report.file) for _, report in simulated)
    by_name: dict[tuple[str, ...], tuple[Path, SkimReport]] = {}
    for path, report in simulated:
        name = (report.sample, report.file)
        key = name if names[name] == 1 else (*name, _digest(path))
        if key in by_name:
            raise JetEventsError(
                f"{path} and {by_name[key][0]}: the same events of sample {name[0]} twice; name every NanoAOD file in "
                "one sample, once"
            )
        by_name[key] = path, report
    return [(seed_of(*key), *by_name[key]) for key in sorted(by_name)]


def _digest(path: Path) -> str:
    table = parquet_files.read(path, columns=["entry", "pt_gev"])
    content = (np.ascontiguousarray(table[name].to_numpy()).data for name in table.column_names)
    digest = hashlib.sha256()
    for values in content:
        digest.update(values)
    return digest.hexdigest()


def _events_of(path: Path, report: SkimReport, factor: float, seed: np.uint64, naming: _Naming) -> JetEvents:
    if missing := sorted({"entry", "rank", "n_jets", *_COLUMNS} - set(parquet_files.read_schema(path).names)):
        raise JetEventsError(f"{path}: lacks the columns {missing} of today's skims; run SkimNtuples again")
    events = read_events(path, report, NOMINAL, _COLUMNS)
    jets = {name: events.jets[name].to_numpy() for name in ("entry", *_COLUMNS)}
    score = jets["discriminant"].astype(np.float64)
    passed = np.where(score >= 0.0, np.searchsorted(naming.thresholds, score), 0)  # negative: no valid score
    return JetEvents(
        offsets=offsets_of(events.n_jets),
        pt_gev=jets["pt_gev"],
        eta=jets["eta"],
        phi=wrapped(jets["phi"]),
        flavour=flavour_index(jets["hadron_flavour"], naming.hadron_flavours, str(path)),
        tag_bin=passed.astype(np.int8),
        weight=(jets["weight"][events.first] * factor).astype(np.float32),
        event=mixed(seed + mixed(jets["entry"][events.first].astype(np.uint64))),
        flavours=tuple(naming.hadron_flavours),
        working_points=naming.working_points,
        source=EventSource.of_sample(report.sample, {name: jets[name][events.first] for name in _NUMBERS}),
        discriminant=jets["discriminant"].astype(np.float32),
    ).check(str(path))
