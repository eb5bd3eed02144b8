"""docs/architecture.md names places that exist and answers what a newcomer asks; links of all pages lead somewhere."""

import importlib
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


def names() -> list[str]:
    """Return the dotted names of the whole page."""
    return sorted(set(re.findall(r"`((?:deepsf|tasks)(?:\.\w+)+)`", PAGE.read_text())))


def resolve(name: str) -> object:
    """Return the module or the object of a dotted name; raise if there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("name", names())
def test_every_place_exists(name):
    assert resolve(name) is not None


def test_a_place_that_does_not_exist_is_found_out():
    with pytest.raises(AttributeError):
        resolve("deepsf.adversarial.losses.no_such_loss")
    with pytest.raises(AttributeError):
        resolve("deepsf.no_such_room.module")


@pytest.mark.parametrize(("question", "place"), QUESTIONS.items())
def test_every_question_of_a_newcomer_is_answered(question, place):
    answers = [where for asked, where in places().items() if question in asked]
    assert len(answers) == 1, f"no row of the table asks for: {question}"
    assert place.lower() in answers[0].lower()


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for link in links:
        if re.match(r"\w+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = page if not path else (page.parent / path).resolve()
        assert target.exists(), f"{page.name}: {link}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
            assert fragment in {anchor(heading) for heading in headings}, f"{page.name}: {link}"


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
