"""Where the time went: what the last run of each task of a campaign has cost."""

from __future__ import annotations

import json

from tasks.framework.base import ConfigTask


def print_costs(task: ConfigTask) -> None:
    """Print wall time, CPU time and memory of every task below the folder of a campaign."""
    from rich.console import Console
    from rich.table import Table

    table = Table("task", "runs", "wall time [s]", "CPU time [s]", "peak memory [MB]", title="Where the time went")
    for folder in sorted(task.folder().parent.glob("*/.resources")):
        records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        wall, cpu = (sum(record[key] for record in records) for key in ("wall_s", "cpu_s"))
        peak = max(record["peak_rss_mb"] for record in records)
        table.add_row(folder.parent.name, str(len(records)), f"{wall:.0f}", f"{cpu:.0f}", str(peak))
    Console(width=110).print(table)
