"""Read what the root and its members say about themselves."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = [ROOT / "core", *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `member` once per member, one that takes `distribution` for the root as well."""
    if "member" in metafunc.fixturenames:
        metafunc.parametrize("member", MEMBERS, ids=lambda path: path.name, scope="module")
    if "distribution" in metafunc.fixturenames:
        metafunc.parametrize("distribution", [ROOT, *MEMBERS], ids=["root", *(m.name for m in MEMBERS)], scope="module")


def read_pyproject(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


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
