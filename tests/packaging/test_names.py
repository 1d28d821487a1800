"""Names follow the convention of docs/plugins/names.md, and the page lists the distributions of the project."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from hookline_cli.plugins_new import OF_THE_PROJECT
from kit.environments import ROOT, read_pyproject

Table = dict[str, Any]
EXAMPLES = sorted(path.parent for path in ROOT.glob("docs/examples/hookline-*/pyproject.toml"))


def plugins_of(project: Table) -> dict[str, str]:
    """The plugins of a distribution: name and what its entry point names."""
    groups = project.get("entry-points", {})
    return {**groups.get("hookline", {}), **groups.get("hookline.optional", {})}


def installed_by(settings: Table) -> dict[str, str]:
    """For each distribution that the root requires without further extras, what one installs for it."""
    project = settings["project"]
    required = {"hookline": project["dependencies"]}
    required |= {f"hookline[{extra}]": lines for extra, lines in project["optional-dependencies"].items()}
    found = {what: [Requirement(line) for line in lines] for what, lines in required.items()}
    return {each.name: what for what, every in found.items() for each in every if not each.extras}


def test_page_lists_the_distributions_of_the_project(root: Path, projects: dict[Path, Table], settings: Table) -> None:
    page = (root / "docs/plugins/names.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(hookline-[\w-]+)` \| (.+?) \| `([\w\[\]]+)` \|$", page, re.MULTILINE)
    listed = {name: (re.findall(r"`(\w+)`", plugins.partition("none;")[0]), by) for name, plugins, by in rows}

    installs = installed_by(settings)
    assert listed == {
        project["name"]: (sorted(plugins_of(project)), installs[project["name"]]) for project in projects.values()
    }


def test_names_of_the_project_are_taken_for_new_plugins(projects: dict[Path, Table]) -> None:
    assert [f"hookline-{name}" for name in OF_THE_PROJECT] == sorted(project["name"] for project in projects.values())


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_example_follows_the_convention(folder: Path) -> None:
    project = read_pyproject(folder)["project"]
    module = project["name"].replace("-", "_")

    assert folder.name == project["name"]
    assert project["name"].startswith("hookline-")
    assert (folder / f"{module}.py").is_file()
    assert {name: target.partition(":")[0] for name, target in plugins_of(project).items()} == {
        module.removeprefix("hookline_"): module
    }


def test_no_page_takes_the_prefix_for_the_project(root: Path) -> None:
    pages = [*root.glob("docs/**/*.md"), root / "README.md", root / "CONTRIBUTING.md"]
    found = [
        path.name for path in pages if re.search(r"hookline-`? is (for|reserved)", path.read_text(encoding="utf-8"))
    ]
    assert found == []
