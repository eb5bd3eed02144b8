"""docs/architecture.md names places that exist and answers what a newcomer asks; links of all pages lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
QUESTIONS = {
    "update formula of the binned scale factor": "RegionPart.update",
    "adversary's loss": "discriminator_loss",
    "region's cuts": "deepsf.skim.regions",
    "failed job is submitted again": "resubmit",
    "probe entry is made": "deepsf.skim.probe_entries",
    "add an input variable": "CONTRIBUTING",
    "add a region": "CONTRIBUTING",
    "add a systematic": "CONTRIBUTING",
    "add a working point": "CONTRIBUTING",
    "add a network": "CONTRIBUTING",
}


def places() -> dict[str, str]:
    """Return the table *where is ...?*: place by question."""
    table = PAGE.read_text().split("## Where is ...?")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| (\S.*?) \| (\S.*?) \|$", table, re.M))


@pytest.mark.parametrize(("question", "place"), QUESTIONS.items())
def test_every_question_of_a_newcomer_is_answered(question, place):
    answers = [where for asked, where in places().items() if question in asked]
    assert len(answers) == 1, f"no row of the table asks for: {question}"
    assert place.lower() in answers[0].lower()


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
