"""Files that cannot be read and are left out (``on_bad_file: skip``): empty tables that say why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from deepsf.config.samples import Sample
from deepsf.nanoaod.root_file import UnreadableError
from deepsf.skim.counting import blank_report
from deepsf.skim.cut_flow import SkimReport, by_sample
from deepsf.skim.probe_entries import probe_entries_schema
from deepsf.skim.settings import Corrections, SkimSettings
from deepsf.skim.tables import jets_schema, open_tables


def skip_file(
    error: UnreadableError,
    settings: SkimSettings,
    *,
    entries_path: str | Path,
    jets_path: str | Path,
    file_name: str,
) -> SkimReport:
    """Write the two tables of a file that cannot be read: without rows, with the reason in the report.

    Raises
    ------
    UnreadableError
        If the sample's sum of weights is a number: it would count what the file holds.
    """
    if _is_number(settings.sample):
        raise UnreadableError(
            f"{error}; it cannot be skipped, since samples.{settings.sample_name}.sum_weights = "
            f"{settings.sample.sum_weights:g} counts all files of the sample: correct the number and the list of files"
        ) from error
    report = replace(blank_report(settings, Corrections.load(settings), file_name), skipped=str(error))
    columns = settings.selection.jet_columns, report.weight_shifts
    with open_tables(
        (entries_path, probe_entries_schema(settings.regions, *columns)), (jets_path, jets_schema(*columns))
    ) as tables:
        for table in tables:
            table.close(report.to_json())
    return report


def _is_number(sample: Sample) -> bool:
    return not isinstance(sample.sum_weights, str)


def format_skipped(reports: Iterable[SkimReport]) -> list[str]:
    """Return lines that tell which files of which samples were skipped, and what that means.

    Parameters
    ----------
    reports
        One for each file.
    """
    lines = []
    for sample, files in by_sample(reports).items():
        skipped = [report for report in files if report.skipped]
        if not skipped:
            continue
        lost = "their luminosity is missing" if skipped[0].kind == "data" else "their sum of weights is left out"
        lines.append(
            f"sample {sample}: {len(skipped)} of {len(files)} files skipped, {lost}; on_bad_file: fail tries them again"
        )
        lines += [f"  {report.file}: {report.skipped}" for report in skipped]
    return lines
