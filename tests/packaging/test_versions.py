"""Versions, pins and lists of members agree, wherever they stand."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

Table = dict[str, Any]
# Every client loads their plugins, but the root does not bring them.
INSTALLED_SEPARATELY = {
    "hookline-cache", "hookline-guard", "hookline-http2", "hookline-sigv4", "hookline-sse", "hookline-throttle",
}  # fmt: skip


def package_of(member: Path) -> Path:
    return member / ("hookline" if member.name == "core" else f"hookline_{member.name}")


def is_default(project: Table) -> bool:
    """Tell whether the root brings this member: core, a plugin of every client, or a command."""
    if project["name"] in INSTALLED_SEPARATELY:
        return False
    groups = project.get("entry-points", {})
    return project["name"] == "hookline-core" or "hookline" in groups or "scripts" in project


def requirement_lines(root: Path) -> list[str]:
    lines = (root / "tests/requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def version_of(package: Path) -> str:
    """What the one line `__version__ = "..."` of a package says."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    (version,) = (
        ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__version__"
    )
    assert isinstance(version, str)
    return version


def test_member_has_the_version_of_core(member: Path, root: Path) -> None:
    assert version_of(package_of(member)) == version_of(root / "core" / "hookline")


def test_root_has_the_version_of_core(settings: Table, root: Path) -> None:
    assert settings["project"]["version"] == version_of(root / "core" / "hookline")


def test_member_states_its_version_in_its_package_only(project: Table) -> None:
    assert "version" not in project
    assert project["dynamic"] == ["version"]


def test_root_pins_core_and_every_default_member(settings: Table, projects: dict[Path, Table]) -> None:
    version = settings["project"]["version"]
    pins = {f"{project['name']}=={version}" for project in projects.values() if is_default(project)}
    assert set(settings["project"]["dependencies"]) == pins
    assert len(settings["project"]["dependencies"]) == len(pins)


def test_root_extras_pin_the_same_version(settings: Table) -> None:
    extras = settings["project"].get("optional-dependencies", {})
    specifiers = {str(Requirement(line).specifier) for lines in extras.values() for line in lines}
    assert specifiers <= {f"=={settings['project']['version']}"}


def test_member_accepts_this_version_of_the_others_and_no_incompatible_one(
    member: Path, project: Table, settings: Table
) -> None:
    version = Version(settings["project"]["version"])
    below = str(version.major + 1) if version.major else f"0.{version.minor + 1}"
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    required = [Requirement(line) for lines in lists for line in lines if line.startswith("hookline")]
    assert ("hookline-core" in {each.name for each in required}) == (member.name != "core")
    assert {each.specifier for each in required} <= {SpecifierSet(f">={version},<{below}")}


def test_member_has_one_name_everywhere(member: Path, project: Table) -> None:
    assert project["name"] == f"hookline-{member.name}"
    assert package_of(member).is_dir()
    groups = [*project.get("entry-points", {}).values(), project.get("scripts", {})]
    targets = [target for group in groups for target in group.values()]
    assert {target.partition(":")[0].partition(".")[0] for target in targets} <= {package_of(member).name}


def test_member_shares_licence_and_python_with_the_root(
    member: Path, project: Table, root: Path, settings: Table
) -> None:
    assert (member / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
    for key in ("license", "license-files", "requires-python", "authors"):
        assert project[key] == settings["project"][key], key


def test_every_list_of_members_is_complete(root: Path, settings: Table, projects: dict[Path, Table]) -> None:
    names = {project["name"] for project in projects.values()}
    folders = {member.relative_to(root).as_posix() for member in projects}

    assert set(settings["tool"]["uv"]["sources"]) == names | {"hookline"}
    assert all(source == {"workspace": True} for source in settings["tool"]["uv"]["sources"].values())
    assert folders <= set(settings["tool"]["mypy"]["mypy_path"])
    editable = [line.removeprefix("-e ./") for line in requirement_lines(root) if line.startswith("-e ./")]
    assert sorted(editable) == sorted(folders)


def test_pip_and_uv_install_the_same(root: Path, settings: Table, projects: dict[Path, Table]) -> None:
    names = {f"./{member.relative_to(root).as_posix()}": project["name"] for member, project in projects.items()}
    names["."] = "hookline"
    with_pip = []
    for line in requirement_lines(root):
        path, bracket, extras = line.removeprefix("-e ").partition("[")
        with_pip.append(names[path] + bracket + extras if path in names else line)
    assert sorted(with_pip) == sorted(settings["dependency-groups"]["dev"])


# -- tools/version.py


REQUIREMENT_OF_A_MEMBER = re.compile(r'"hookline[\w-]*(?:\[[\w,]+\])?((?:==|>=)[^"]+)"')


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The files of this checkout that may name a version, for tools/version.py to write to."""
    for name in ("core", "plugins", "docs", "tools", "pyproject.toml"):
        if (root / name).is_dir():
            shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "changelog"))
        else:
            shutil.copy(root / name, tmp_path / name)
    return tmp_path


def version_tool(copy: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [sys.executable, copy / "tools" / "version.py", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_version_tool_prints_the_version_of_core(copy: Path, root: Path) -> None:
    assert version_tool(copy).stdout == version_of(root / "core" / "hookline") + "\n"


@pytest.mark.parametrize(
    ("versions", "accepted"),
    [
        (["0.1.0"], ">=0.1.0,<0.2"),
        (["0.2.0.dev0"], ">=0.2.0.dev0,<0.3"),
        (["0.10.3rc1"], ">=0.10.3rc1,<0.11"),
        (["1.4.2", "2.0.0"], ">=2.0.0,<3"),
    ],
    ids=["release", "development", "candidate", "twice"],
)
def test_version_tool_sets_the_version_everywhere(copy: Path, versions: list[str], accepted: str) -> None:
    for version in versions:
        done = version_tool(copy, version)
        assert (done.returncode, done.stdout) == (0, f"{version}\n"), done.stderr

    packages = [path.parent for path in copy.glob("*/**/hookline*/__init__.py")]
    assert len(packages) > 10
    assert {version_of(package) for package in packages} == {version}
    pages = [path for pattern in ("*.toml", "*.md") for path in copy.rglob(pattern)]
    found = {text for path in pages for text in REQUIREMENT_OF_A_MEMBER.findall(path.read_text(encoding="utf-8"))}
    assert found == {f"=={version}", accepted}
    root_project = (copy / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{version}"\n' in root_project


def test_version_tool_changes_nothing_where_the_version_stands_already(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert version_tool(copy, version_of(copy / "core" / "hookline")).returncode == 0
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("words", [["next"], ["0.1.0", "0.2.0"]], ids=["no version", "two versions"])
def test_version_tool_refuses_what_is_no_version(copy: Path, words: list[str]) -> None:
    done = version_tool(copy, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected one" in done.stderr
    assert version_tool(copy).stdout == version_of(copy / "core" / "hookline") + "\n"
