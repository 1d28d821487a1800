"""Read what the root and its members say about themselves."""

from pathlib import Path
from typing import Any

import pytest

from kit.environments import MEMBERS, PROJECT, ROOT, build, read_pyproject


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `member` once per member, one that takes `distribution` for the root as well."""
    if "member" in metafunc.fixturenames:
        metafunc.parametrize("member", MEMBERS, ids=lambda path: path.name)
    if "distribution" in metafunc.fixturenames:
        metafunc.parametrize("distribution", PROJECT, ids=["root", *(m.name for m in MEMBERS)])


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of each distribution of the project, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    build(folder, *PROJECT)
    return folder


@pytest.fixture
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture
def settings() -> dict[str, Any]:
    """The whole pyproject.toml of the root."""
    return read_pyproject(ROOT)


@pytest.fixture
def project(member: Path) -> dict[str, Any]:
    """The `project` table of one member."""
    table: dict[str, Any] = read_pyproject(member)["project"]
    return table


@pytest.fixture
def projects() -> dict[Path, dict[str, Any]]:
    """The `project` tables of all members, by folder."""
    return {member: read_pyproject(member)["project"] for member in MEMBERS}
