"""What pages name exists: links, modules, files, commands and their options, configurations, keys, variables."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess

import pytest
import yaml
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import TaskClassNotFoundException

from deepsf.config import Config, ConfigError
from deepsf.config.efficiency.audit_rows import ROWS
from tasks.check import CheckCampaign
from tasks.clean import CleanOutputs
from tasks.framework.registry import task_classes
from tasks.new_campaign import NewCampaign
from tasks.status import ShowStatus
from tests.docs.documents import ROOT
from tests.docs.test_options import is_documented, leaves

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXTS = {page.name: page.read_text() for page in PAGES}
EVERYTHING = "\n".join(TEXTS.values())
OF_OTHER_PROGRAMS = {
    "--chaos-rounds": "pytest",
    "--update-reference-plots": "pytest",
    "--index-url": "pip",
    "--cflags": "correction",
    "--ldflags": "correction",
    "--recid": "cernopendata-client",
    "--protocol": "cernopendata-client",
    "--depth": "git",
}


def found(pattern):
    """Return all matches of a pattern in any page, once each, in order."""
    return sorted(set(re.findall(pattern, EVERYTHING, re.M)))


# --- links and names


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


def resolve(name: str) -> object:
    """Return the module or the object of a dotted name; raise if there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            value = getattr(value, attribute)
        return value
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_functions_exist(page):
    for name in re.findall(r"`((?:deepsf|tasks)(?:\.\w+)+)`", page.read_text()):
        assert resolve(name) is not None


def test_a_name_that_does_not_exist_is_found_out():
    with pytest.raises(AttributeError):
        resolve("deepsf.adversarial.losses.no_such_loss")
    with pytest.raises(AttributeError):
        resolve("deepsf.no_such_room.module")


FILES = found(r"`((?:analysis|benchmarks|configs|docs|scripts|tasks|tests)/[\w./-]*)(?:::\w+)?`")


def test_files_and_folders_exist():
    assert len(FILES) > 15
    absent = [path for path in FILES if not (ROOT / path).exists()]
    # folders that tests or tasks make are ignored by git
    made = subprocess.run(["git", "check-ignore", *absent], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not set(absent) - set(made.stdout.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_in_prose_is_taken_for_html(page):
    text = re.sub(r"^```.*?^```$|^ {4,}[^\n]*$|`[^`]*`", "", page.read_text(), flags=re.M | re.S)
    assert not re.findall(r"(?<!\\)<[A-Za-z/][^>\n]*>", text)


# --- commands


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    """A folder with the campaign of one's own and the small one that pages speak of."""
    (tmp_path / "my_campaign.yaml").write_text(f"extends: {ROOT / 'configs' / 'efficiency_nanoaod.yaml'}\n")
    (tmp_path / "cms_2024_small.yaml").write_text(f"extends: {ROOT / 'configs' / 'cms_2024.yaml'}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPSF_CORRECTIONS", str(tmp_path))


def task_of(command):
    """Return the task that ``law run`` would make of a command."""
    task_classes()
    words = shlex.split(os.path.expandvars(command), comments=True)
    words += [] if "--version" in words or words[0] == "NewCampaign" else ["--version", "v1"]
    with CmdlineParser.global_instance(words) as parser:
        return parser.get_task_obj()


COMMANDS = [command for command in found(r"law run ([^`\n]+)") if not command.startswith("TASK ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_law_are_understood(command, campaign):
    assert task_of(command).task_family == command.split()[0]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("NoSuchTask", TaskClassNotFoundException),
        ("ProduceDeepSFEnsemble --no-such-option 1", SystemExit),
        ("ProduceDeepSFEnsemble --config no_such_campaign", ConfigError),
        ("TrainDeepSF --accept-members 26", ConfigError),
        ("CleanOutputs --dry-run perhaps", ValueError),
    ],
)
def test_a_command_that_would_fail_is_found_out(command, error, campaign):
    with pytest.raises(error):
        task_of(command)


def test_options_belong_to_some_task():
    classes = [*task_classes().values(), NewCampaign, CheckCampaign, ShowStatus, CleanOutputs]
    known = {f"--{name.replace('_', '-')}" for cls in classes for name, _ in cls.get_params()}
    named = set(found(r"(?<![\w-])(--[a-z][a-z-]+)"))
    assert len(named) > 15
    assert named - known == set(OF_OTHER_PROGRAMS)


SHELL = found(r"^ +((?:source |law |pytest|pip |scripts/|\.ci/|pre-commit |DEEPSF_\w+=).*)$")


def test_shell_commands_parse():
    assert len(SHELL) > 25
    for line in SHELL:
        done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"


# --- configurations


def test_shipped_configs_are_those_of_the_quick_start():
    table = TEXTS["quickstart.md"].split("## Shipped configs")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("name", found(r"--config ([\w./-]*\w)"))
def test_configs_exist(name):
    assert name in ("NAME", "my_campaign.yaml") or (ROOT / "configs" / f"{name}.yaml").is_file()


SECTIONS = "|".join(Config.model_fields)
MADE_FROM_THE_SCHEMA = "options.md"


def test_keys_exist():
    text = "\n".join(text for name, text in TEXTS.items() if name != MADE_FROM_THE_SCHEMA)
    keys = set(re.findall(rf"`((?:{SECTIONS})\.[a-z_0-9.]+)`", text))
    keys = {key for key in keys if not re.search(r"\.(json|onnx|safetensors)$", key)}
    assert len(keys) > 30
    rows = {key for key in keys if any(pattern.startswith(f"{key}.") or pattern == key for pattern in ROWS)}
    known = {key for key in keys if is_documented(key.split("."))}
    assert keys == known | rows


def examples():
    """Yield indented examples of a campaign's sections."""
    for text in TEXTS.values():
        for block in re.findall(r"(?:^ {4,}\S.*\n)+", text, re.M):
            lines = block.splitlines()
            indent = min(len(line) - len(line.lstrip()) for line in lines)
            code = "\n".join(line[indent:] for line in lines)
            if re.match(rf"(?:{SECTIONS}):", code):
                yield code


EXAMPLES = list(examples())


def test_examples_of_campaigns_have_keys_that_exist():
    assert len(EXAMPLES) >= 6
    for code in EXAMPLES:
        assert not [".".join(path) for path in leaves(yaml.safe_load(code)) if not is_documented(path)]


def test_variables_are_read_somewhere():
    names = found(r"\b(DEEPSF_[A-Z_]+)\b")
    tracked = subprocess.run(
        ["git", "grep", "-hoE", r"DEEPSF_[A-Z_]+", "--", ":!*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert len(names) > 5
    assert not set(names) - set(tracked.stdout.split())
