"""Section of processes: which samples of a campaign are trained on, and which are other processes to test on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import Field

from deepsf.config.base import Name, Section

RESERVED = ("train", "test", "scalar")
"""Names of samples of efficiencies that have a meaning of their own."""


class EfficiencyProcesses(Section):
    """Simulated samples of a campaign: those to train and test on, and those of other processes or generators."""

    train: tuple[str, ...] = Field(
        default=(), description="samples that efficiency.split divides into train and test; none: all simulated ones"
    )
    transfer: dict[Name, tuple[str, ...]] = Field(
        default={},
        description="samples of the campaign by name of a transfer sample; of those in train, the events of the test "
        "sample alone",
    )


def process_problems(processes: EfficiencyProcesses, simulated: Collection[str]) -> Iterator[str]:
    """Yield samples that there are not, and names that mean something else."""
    where = "efficiency.processes"
    named = {f"{where}.train": processes.train}
    for name, samples in processes.transfer.items():
        named[f"{where}.transfer.{name}"] = samples
        yield from reserved_problems(f"{where}.transfer", name, samples)
    for key, samples in named.items():
        if unknown := [sample for sample in samples if sample not in simulated]:
            yield f"{key}: {unknown} are no simulated samples of the campaign, which are {sorted(simulated)}"


def reserved_problems(where: str, name: str, content: Sequence[str]) -> Iterator[str]:
    """Yield a transfer sample that has the name of another one, or nothing in it."""
    if name in RESERVED:
        yield f"{where}.{name}: {', '.join(RESERVED)} are other samples; take another name"
    if not content:
        yield f"{where}.{name}: is empty; name what is in it, or leave it out"


def transfer_names(*sections: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
    """Return the names of transfer samples, in an order that has nothing to do with that of the file."""
    return tuple(sorted(name for section in sections if section is not None for name in section))
