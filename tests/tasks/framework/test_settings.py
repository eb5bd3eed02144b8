"""Where things are: paths of a configuration, ``--config``, snapshots for jobs, precision, and the claim of a stem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepsf.config import ConfigError
from deepsf.networks import cpu
from tasks.framework import settings

ROOT = settings.base()


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """No outputs and no configuration from elsewhere."""
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(settings.SNAPSHOT_VARIABLE, raising=False)
    settings.config.cache_clear()
    yield
    settings.config.cache_clear()


def small(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([f"extends: {ROOT}/configs/toy_small.yaml", *lines]))
    return path


# --- paths


def test_paths_are_absolute_or_start_with_a_variable_or_belong_to_the_repository(monkeypatch):
    monkeypatch.setenv("NTUPLES", "/store/ntuples")
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(settings.resolve("/a/b.root")) == "/a/b.root"
    assert str(settings.resolve("$NTUPLES/b.root")) == "/store/ntuples/b.root"
    assert str(settings.resolve("${NTUPLES}/*.root")) == "/store/ntuples/*.root"
    assert str(settings.resolve("~/b.root")) == "/home/someone/b.root"
    assert settings.resolve("configs/true_sf/toy.json") == ROOT / "configs" / "true_sf" / "toy.json"


@pytest.mark.parametrize("path", ["$NTUPLES/b.root", "${NTUPLES}/b.root", "/store/$NTUPLES"])
def test_an_unset_variable_is_named_with_the_way_out(monkeypatch, path):
    monkeypatch.delenv("NTUPLES", raising=False)
    with pytest.raises(ConfigError) as error:
        settings.resolve(path)
    assert str(error.value) == f"path {path!r}: variable NTUPLES is not set; export it or write the path out"


def test_outputs_lie_in_the_repository_or_where_the_variable_says(monkeypatch, tmp_path):
    assert settings.data() == tmp_path / "data"
    for unset in (lambda: monkeypatch.setenv("DEEPSF_DATA", ""), lambda: monkeypatch.delenv("DEEPSF_DATA")):
        unset()
        assert settings.data() == ROOT / "data"


# --- --config


def test_config_is_a_name_or_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings.config_path("toy") == ROOT / "configs" / "toy.yaml"
    assert settings.config_path("mine.yaml") == tmp_path / "mine.yaml"
    assert settings.config_path("sub/mine") == tmp_path / "sub" / "mine"
    assert settings.config_path("/a/mine.yml").as_posix() == "/a/mine.yml"


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(
        ConfigError,
        match=r"--config toi: no such file in configs/ \(there are .*toy, .*\); or give a path to a YAML file",
    ):
        settings.config("toi")


def test_a_path_to_nothing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"mine\.yaml: cannot be read \(No such file"):
        settings.config(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16"), (False, "fp32")])
def test_automatic_precision_is_resolved_where_the_configuration_is_read(tmp_path, monkeypatch, native, precision):
    monkeypatch.setattr(cpu, "native_bf16", lambda: native)
    path = small(tmp_path / "mine.yaml", "training: {precision: auto}")
    assert settings.config(str(path)).training.precision == precision


@pytest.mark.parametrize("native", [True, False])
def test_a_precision_that_was_chosen_is_kept(tmp_path, monkeypatch, native):
    monkeypatch.setattr(cpu, "native_bf16", lambda: native)
    path = small(tmp_path / "mine.yaml", "training: {precision: bf16}")
    assert settings.config(str(path)).training.precision == "bf16"


def test_a_configuration_is_read_once_per_process(tmp_path):
    path = small(tmp_path / "mine.yaml", "ensemble: {n_members: 3}")
    assert settings.config(str(path)).ensemble.n_members == 3
    small(path, "ensemble: {n_members: 5}")
    assert settings.config(str(path)).ensemble.n_members == 3


@pytest.fixture
def in_a_job_with(monkeypatch):
    """Return a function that makes this process a job with a snapshot."""

    def enter(snapshot):
        monkeypatch.setenv(settings.SNAPSHOT_VARIABLE, str(snapshot))
        settings.snapshot.cache_clear()

    yield enter
    settings.snapshot.cache_clear()


def test_a_job_knows_paths_as_they_were_where_it_was_submitted(tmp_path, monkeypatch, in_a_job_with):
    monkeypatch.setenv("STORE", f"{tmp_path}/store")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HERE", "configs")
    tree = {"a": ["$STORE/pu.json", "~/sf.json"], "b": {"c": "$HERE/x.json", "d": "plain.json", "e": "$p_T$ [GeV]"}}
    paths = settings.expanded_texts(tree)
    assert paths == {
        "$STORE/pu.json": f"{tmp_path}/store/pu.json",
        "~/sf.json": f"{tmp_path}/sf.json",
        "$HERE/x.json": "configs/x.json",
    }
    (tmp_path / "snapshot.json").write_text(json.dumps({"config": {}, "paths": paths, "files": {}}))
    in_a_job_with(tmp_path / "snapshot.json")
    for variable in ("STORE", "HERE"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", "/scratch")
    assert settings.resolve("$STORE/pu.json") == tmp_path / "store" / "pu.json"
    assert settings.resolve("~/sf.json") == tmp_path / "sf.json"
    assert settings.resolve("$HERE/x.json") == ROOT / "configs" / "x.json"
    with pytest.raises(ConfigError, match="variable OTHER is not set"):
        settings.resolve("$OTHER/x.json")


def test_only_samples_have_files_on_servers():
    with pytest.raises(ConfigError) as error:
        settings.resolve("root://a.cern.ch//store/pu.json")
    assert str(error.value) == (
        "path 'root://a.cern.ch//store/pu.json': only files of samples are read from servers; copy this one to a disk"
    )


def test_a_job_reads_the_snapshot_and_not_the_file(tmp_path, monkeypatch, in_a_job_with):
    path = small(tmp_path / "mine.yaml", "ensemble: {n_members: 3}", "training: {precision: bf16}")
    submitted = settings.config(str(path))
    snapshot = tmp_path / "snapshot.json"
    content = {"config": submitted.model_dump(mode="json"), "paths": {}, "files": {}}
    snapshot.write_text(json.dumps(content))
    small(path, "ensemble: {n_members: 5}")  # an edit while jobs wait
    settings.config.cache_clear()
    in_a_job_with(snapshot)
    monkeypatch.setattr(cpu, "native_bf16", lambda: False)
    assert settings.config(str(path)) == submitted
    path.unlink()
    settings.config.cache_clear()
    assert settings.config(str(path)) == submitted


# --- one stem, one file


def test_two_files_of_one_stem_under_one_version_are_an_error_that_names_both(tmp_path):
    mine, other = small(tmp_path / "a" / "mine.yaml"), small(tmp_path / "b" / "mine.yaml")
    settings.claim_stem("v1", str(mine))
    settings.claim_stem("v1", str(mine))
    settings.claim_stem("v2", str(other))
    with pytest.raises(ConfigError) as error:
        settings.claim_stem("v1", str(other))
    assert str(error.value) == (
        f"{other}: outputs of version v1 under the name 'mine' come from {mine}; "
        "rename one of the two files, or use another --version"
    )


def test_a_name_and_the_path_to_it_are_one_file():
    settings.claim_stem("v1", "toy_small")
    settings.claim_stem("v1", f"{ROOT}/configs/toy_small.yaml")
    assert settings.config_path("toy_small") == settings.config_path(f"{ROOT}/configs/toy_small.yaml")


# --- a job that sees none of our folders


def test_a_job_reads_files_from_outside_the_repository_where_they_travelled_to(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path))
    external = {"/far/true.json": ".external/0_true.json", "data/pu.json": ".external/1_pu.json"}
    given = {"files": {"v1/toy/a": "digest"}, "external": external, "identities": {}}
    (tmp_path / settings.SHIPPED).write_text(json.dumps(given))
    settings.shipped.cache_clear()
    try:
        assert settings.local(Path("/far/true.json")) == Path("/far/true.json")
        settings.shipped.cache_clear()
        monkeypatch.setenv(settings.SHIPPED_VARIABLE, "1")
        assert settings.local(Path("/far/true.json")) == tmp_path / ".external" / "0_true.json"
        # beside the code, wherever the job has unpacked that
        assert settings.local(ROOT / "data" / "pu.json") == tmp_path / ".external" / "1_pu.json"
        assert settings.local(Path("/far/other.json")) == Path("/far/other.json")
    finally:
        settings.shipped.cache_clear()


# --- the store


@pytest.mark.parametrize(("text", "n_bytes"), [("", 5e9), ("0", 0), ("0.5", 5e8), ("12", 1.2e10)])
def test_room_for_replaced_outputs_is_given_in_gigabytes(monkeypatch, text, n_bytes):
    monkeypatch.setenv(settings.STORE_VARIABLE, text)
    assert settings.store_bytes() == n_bytes


@pytest.mark.parametrize("text", ["-1", "five", "nan", "inf"])
def test_room_that_is_no_number_is_named(monkeypatch, text):
    monkeypatch.setenv(settings.STORE_VARIABLE, text)
    with pytest.raises(ConfigError) as error:
        settings.store_bytes()
    assert str(error.value) == f"DEEPSF_STORE_GB must be a number of at least 0, got '{text}'; correct or unset it"


@pytest.mark.parametrize("name", ["$(echo PWNED).yaml", "/a/b c.yaml", "/a/.hidden.yaml", "-x", "/a/é.yml", "/a/.."])
def test_a_file_whose_name_no_folder_should_have_is_refused(name):
    with pytest.raises(ConfigError) as error:
        settings.config_path(name)
    assert str(error.value) == (
        f"--config {name}: a name has at most 100 letters, digits, _ . and -, and begins with none of the last two, "
        "since outputs lie under it; rename the file"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null", '"toy"', "\0"])
def test_a_damaged_claim_is_refused_with_a_way_out(tmp_path, content):
    path = small(tmp_path / "mine.yaml")
    settings.claim_stem("v1", str(path))
    place = settings.data() / "v1" / "mine" / ".config.json"
    place.write_text(content)
    with pytest.raises(
        ConfigError, match=r"/mine/\.config\.json: .*; remove it if the outputs beside it are those of /"
    ):
        settings.is_claimed("v1", str(path))
