"""One file of simulation and one of pseudo-data for all tests of the generator."""

import pytest

from tests.analysis.generator.generated_files import written


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="package")
def ttbar(folder):
    return written(folder / "ttbar.root", "ttbar", "simulation", "ttbar", true_sf=None)


@pytest.fixture(scope="package")
def data(folder):
    return written(folder / "data.root", "data", "data", "ttbar")
