"""The text of a new campaign, from files that were looked into and the shipped campaign of their era."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deepsf.config import Config
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.survey import Content, Era, sample_of

MARK = "CHECK"
"""What a user has to look at is marked with this word."""


class NewCampaignError(ValueError):
    """A campaign cannot be written; the message says what is missing and the way out."""


def campaign_text(contents: Sequence[Content], era: Era, config: Config, extends: str, schema: str) -> str:
    """Return the YAML of a campaign that extends that of an era and has the given files as its samples.

    Parameters
    ----------
    config
        The campaign of the era.
    extends, schema
        Paths of that campaign and of the JSON schema, as they are to be written.

    Raises
    ------
    NewCampaignError
        If there is no file.
    """
    if not contents:
        raise NewCampaignError("no file was given; name folders or patterns of NanoAOD files with --files")
    of_samples: dict[str, list[Content]] = {}
    unknown: dict[tuple[str, bool], list[Content]] = {}
    for content in contents:
        sample = sample_of(content.path, content.is_data, era)
        if sample is None:
            unknown.setdefault((_folder(content), content.is_data), []).append(content)
        else:
            of_samples.setdefault(sample, []).append(content)
    lines = [
        f"# yaml-language-server: $schema={schema}",
        f"# Made from {len(contents)} files. Look at what is marked {MARK}, then try it:",
        "# law run CheckCampaign --version v1 --config <this file>",
        f"extends: {extends}",
        "",
        "campaign:",
        f"  luminosity_ifb: {config.campaign.luminosity_ifb:g}  # {MARK}: of the whole era; less if files are missing",
        *_certified(config),
        "",
        *_tagger(contents, config),
        *_selection(contents, config),
        "samples:",
        *_known_samples(of_samples, config),
        *_unknown_samples(unknown),
        *_dropped(of_samples, config),
    ]
    return "\n".join(lines) + "\n"


def _certified(config: Config) -> list[str]:
    named = config.campaign.certified
    return [] if named is None else [f"  # certified luminosity blocks: {named}"]


def _tagger(contents: Iterable[Content], config: Config) -> list[str]:
    """Return the tagger, if all files have its branch only a comment."""
    common = frozenset.intersection(*(content.branches for content in contents))
    found = sorted(name.removeprefix("Jet_") for name in common if name.startswith("Jet_btag"))
    taggers = f"# Taggers in all files: {', '.join(found) or 'none'}."
    if f"Jet_{config.tagger.branch}" in common:
        return [f"{taggers} The campaign takes {config.tagger.branch}.", ""]
    return [
        taggers,
        f"# {MARK}: they lack {config.tagger.branch} of the era; take another one with its working points.",
        "# tagger: {name: ..., branch: ..., working_points: {L: ..., M: ..., T: ...}}",
        "",
    ]


def _selection(contents: Sequence[Content], config: Config) -> list[str]:
    """Return filters that all files have, and which trigger paths some lack."""
    common = frozenset.intersection(*(content.branches for content in contents))
    kept = [name for name in config.selection.event_filters if name in common]
    lines = []
    if kept != list(config.selection.event_filters):
        absent = [name for name in config.selection.event_filters if name not in common]
        lines += [
            "selection:",
            f"  # {MARK}: not in all files: {', '.join(absent)}",
            "  event_filters:",
            *(f"    - {name}" for name in kept),
        ]
    for channel, paths in config.selection.triggers.items():
        names = [path if isinstance(path, str) else path.path for path in paths]
        absent = [name for name in names if name not in common]
        if absent:
            all_absent = f"{MARK}: none of the" if len(absent) == len(names) else "some files lack these"
            lines.append(f"# {all_absent} trigger paths of {channel}: {', '.join(absent)}")
    return [*lines, ""] if lines else []


def _known_samples(of_samples: Mapping[str, Sequence[Content]], config: Config) -> list[str]:
    lines = []
    for name, contents in of_samples.items():
        sample = config.samples[name]
        what = ", ".join(sample.channels) if sample.kind == "data" else f"{sample.cross_section_pb:g} pb"
        lines += [f"  {name}:  # {sample.kind}, {what}{_runs(contents)}", *_files(contents)]
    return lines


def _unknown_samples(groups: Mapping[tuple[str, bool], Sequence[Content]]) -> list[str]:
    """Return samples of files that the era does not know, one for each folder, and for data and simulation in it."""
    lines = []
    for (folder, is_data), contents in groups.items():
        name = (
            "".join(c if c.isalnum() or c in "_-." else "_" for c in folder.rpartition("/")[2]).lstrip("-.") or "files"
        )
        is_mixed = (folder, not is_data) in groups
        name = f"{name or 'files'}_{_kind(is_data)}" if is_mixed else name or "files"
        lines.append(f"  {name}:  # {MARK}: no sample of the era has this name{_runs(contents)}")
        lines.append(f"    kind: {_kind(is_data)}")
        if is_data:
            lines.append(f"    channels: [{', '.join(CHANNELS)}]  # {MARK}: those of its primary data set")
        else:
            lines.append(f"    cross_section_pb: null  # {MARK}: fill in [pb]")
        lines += _files(contents, one_by_one=is_mixed)
    return lines


def _kind(is_data: bool) -> str:
    return "data" if is_data else "simulation"


def _dropped(of_samples: Mapping[str, Sequence[Content]], config: Config) -> list[str]:
    """Return the samples of the era without files, and their jet corrections, as null."""
    absent = [name for name in config.samples if name not in of_samples]
    lines = ["  # samples of the era of which no file was given", *(f"  {name}: null" for name in absent)]
    corrections = config.jet_corrections
    levels = [] if corrections is None else [name for name in corrections.jec.samples if name in absent]
    if levels:
        lines += ["", "jet_corrections:", "  jec:", "    samples:", *(f"      {name}: null" for name in levels)]
    return lines if absent else []


def _files(contents: Sequence[Content], *, one_by_one: bool = False) -> list[str]:
    # servers of http list no files
    names = {
        content.path if one_by_one or content.path.startswith("http") else f"{_folder(content)}/*.root"
        for content in contents
    }
    return ["    files:", *(f"      - {name}" for name in sorted(names))]


def _folder(content: Content) -> str:
    return content.path.rpartition("/")[0]


def _runs(contents: Sequence[Content]) -> str:
    runs = [content.runs for content in contents if content.runs is not None]
    n_events = sum(content.n_events for content in contents)
    span = f", runs {min(a for a, _ in runs)} to {max(b for _, b in runs)}" if runs else ""
    return f", {n_events} events in {len(contents)} files{span}"
