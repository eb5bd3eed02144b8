"""docs/architecture.md answers what a newcomer asks, and its diagrams show imports and tasks as they are."""

import re

import grimp
import law
import pytest

from tasks.framework.registry import task_classes
from tests.docs.documents import ROOT

PAGE = ROOT / "docs" / "architecture.md"
FLOORS, TASKS = range(2)
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


# --- diagrams


def arrows(number):
    """Return the arrows of a diagram, without dotted ones."""
    diagram = re.findall(r"^```mermaid$(.*?)^```$", PAGE.read_text(), re.M | re.S)[number]
    return set(re.findall(r"^ *(\w+)(?:\[.*\])? --> (\w+)", diagram, re.M))


def reached(edges, start):
    """Return everything that edges lead to from somewhere, in any number of steps."""
    ahead, seen = [start], set()
    while ahead:
        here = ahead.pop()
        new = {b for a, b in edges if a == here} - seen
        seen |= new
        ahead += new
    return seen


def reduced(edges):
    """Return the edges that do not follow from others."""
    return {(a, b) for a, b in edges if not any(b in reached(edges, c) for x, c in edges if x == a and c != b)}


def folder(module):
    """Return the box that a module is in, None for single modules of the package, and for names of the package."""
    package, *parts = module.split(".")
    if package == "tasks":
        return "framework" if parts[:1] == ["framework"] else "tasks"
    path = ROOT / "analysis" / "deepsf" / (parts[0] if parts else "")
    return parts[0] if parts and path.is_dir() else None


def test_arrows_follow_from_others_or_do_not():
    chain = {("a", "b"), ("b", "c"), ("c", "d")}
    assert reduced(chain | {("a", "c"), ("a", "d")}) == chain
    assert reduced({("a", "b"), ("c", "b")}) == {("a", "b"), ("c", "b")}


def test_the_floors_are_those_of_the_imports():
    graph = grimp.build_graph("deepsf", "tasks")
    imports = {
        (folder(module), folder(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    assert arrows(FLOORS) == reduced({(a, b) for a, b in imports if a and b and a != b})


def test_the_way_to_scale_factors_is_that_of_the_tasks():
    requires, left = set(), [task_classes()["ProduceDeepSFEnsemble"](version="diagram", config="toy")]
    seen = set()
    while left:
        task = left.pop()
        if task.task_family not in seen:
            seen.add(task.task_family)
            required = law.util.flatten(task.requires())
            requires |= {(other.task_family, task.task_family) for other in required}
            left += required
    assert arrows(TASKS) == reduced(requires)


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
