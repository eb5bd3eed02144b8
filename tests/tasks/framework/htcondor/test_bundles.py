"""Archives of repository and environment, which travel with jobs."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tasks.framework.htcondor import bundles


def test_the_bundle_of_the_repository_is_made_once_and_has_what_a_job_needs(tmp_path: Path) -> None:
    base = tmp_path / "checkout"
    for name in bundles.REPOSITORY:
        path = base / name / "part.txt" if "." not in name else base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (base / "tasks" / "__pycache__").mkdir()
    (base / "tasks" / "__pycache__" / "x.pyc").write_text("")
    (base / "data").mkdir()
    first = bundles.repository_bundle(base, tmp_path / "bundles")
    made = first.stat().st_mtime_ns
    with tarfile.open(first) as archive:
        names = archive.getnames()
    assert sorted(names) == sorted(f"{n}/part.txt" if "." not in n else n for n in bundles.REPOSITORY)
    assert bundles.repository_bundle(base, tmp_path / "bundles").stat().st_mtime_ns == made
    (base / "setup.sh").write_text("other")
    assert bundles.repository_bundle(base, tmp_path / "bundles") != first
