"""Versions, pins and lists of members agree, wherever they stand."""

import ast
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

Table = dict[str, Any]


def package_of(member: Path) -> Path:
    return member / ("hookline" if member.name == "core" else f"hookline_{member.name}")


def is_default(project: Table) -> bool:
    """Tell whether the root brings this member: core, a plugin of every client, or a command."""
    groups = project.get("entry-points", {})
    return project["name"] == "hookline-core" or "hookline" in groups or "scripts" in project


def requirement_lines(root: Path) -> list[str]:
    lines = (root / "tests/requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_member_has_the_version_of_the_root(member: Path, settings: Table) -> None:
    tree = ast.parse((package_of(member) / "__init__.py").read_text(encoding="utf-8"))
    versions = [
        ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__version__"
    ]
    assert versions == [settings["project"]["version"]]


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


def test_member_accepts_the_core_of_this_checkout(member: Path, project: Table, settings: Table) -> None:
    if member.name == "core":
        assert not [line for line in project["dependencies"] if line.startswith("hookline")]
        return
    ranges = [Requirement(line) for line in project["dependencies"] if line.startswith("hookline-core")]
    assert len(ranges) == 1
    assert ranges[0].specifier.contains(settings["project"]["version"], prereleases=True)
    assert not ranges[0].specifier.contains("0.2")


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
