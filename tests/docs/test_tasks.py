"""docs/tasks.md is what scripts/task_page.py makes of the tasks."""

from pathlib import Path

from scripts import task_page


def test_the_page_is_that_of_the_tasks():
    page = Path(task_page.DOCUMENT).read_text()
    assert page == task_page.text(), "docs/tasks.md is not that of the tasks: python scripts/task_page.py"


def test_every_task_is_on_the_page_with_its_parameters():
    page = Path(task_page.DOCUMENT).read_text()
    for name in ("ProduceDeepSFEnsemble", "TrainDeepSF", "ApplyTruthTagging", "ShowStatus", "CleanOutputs"):
        assert f"| `{name}`" in page
    for parameter in ("--accept-members", "--retries", "--patience", "--dry-run", "--n-experiments"):
        assert f"`{parameter}`" in page
