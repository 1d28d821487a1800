"""What `hookline plugins new` writes: built as a wheel, installed beside the wheels of the project, and tested there."""

from __future__ import annotations

import importlib
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.environments import Environment, build, read_pyproject, run, started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("new")


@pytest.fixture(scope="module")
def environment(wheelhouse: Path, folder: Path) -> Environment:
    """A fresh environment with the wheels of the project, all but hookline-testing."""
    environment = Environment(folder / "venv")
    environment.install(*(path for path in wheelhouse.glob("*.whl") if not path.name.startswith("hookline_testing")))
    return environment


@pytest.fixture(scope="module")
def programs(environment: Environment) -> Path:
    """The folder of its programs."""
    return environment.programs


@pytest.fixture(scope="module")
def project(environment: Environment, wheelhouse: Path, folder: Path) -> Path:
    """The folder of a new project; its wheel is installed, with what its tests need."""
    hookline = environment.programs / "hookline"
    refused = started(hookline, "plugins", "check", "redirects", cwd=folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith("which is not installed: pip install hookline-testing\n")

    run(hookline, "plugins", "new", "trace-id", cwd=folder)
    project = folder / "hookline-trace-id"
    build(folder / "own", project)
    own = next((folder / "own").glob("*.whl"))
    environment.install(next(wheelhouse.glob("hookline_testing-*.whl")), f"{own}[test]")
    return project


def test_wheel_holds_the_package_and_nothing_else(project: Path) -> None:
    with zipfile.ZipFile(next((project.parent / "own").glob("*.whl"))) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {"hookline_trace_id/__init__.py", "hookline_trace_id/py.typed"}


def test_its_own_tests_pass(project: Path, programs: Path) -> None:
    printed = run(programs / "pytest", "-p", "no:cacheprovider", cwd=project)
    assert re.search(r"\b3 passed in", printed)


@pytest.mark.parametrize("settings", [(), ("trace_id=one",)])
def test_it_conforms_as_it_was_written(project: Path, programs: Path, settings: tuple[str, ...]) -> None:
    printed = run(programs / "hookline", "plugins", "check", "trace-id", *settings, cwd=project.parent)
    assert printed.startswith("trace_id conforms\nok      alone\n")


def test_it_is_listed_and_shown(project: Path, programs: Path) -> None:
    listed = run(programs / "hookline", "plugins", cwd=project.parent)
    shown = run(programs / "hookline", "plugins", "info", "trace-id", cwd=project.parent)
    assert re.search(
        r"^trace_id +hookline-trace-id +0\.1\.0 +enabled +pre_request +option trace_id +trace_id$", listed, re.MULTILINE
    )
    assert "  entry point   hookline: hookline_trace_id:TraceIdPlugin\n" in shown


def test_example_of_its_readme_runs(project: Path, programs: Path, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    (block,) = re.findall(r"^```python\n(.*?)^```$", (project / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    code = block.replace("http://127.0.0.1:8000/", scripted.url())
    run(programs / "python", "-I", "-W", "error", "-c", code, cwd=project.parent)
    assert [request.header("x-trace-id") for request in scripted.requests] == ["one"]


@pytest.mark.parametrize("name", ["trace-id", "x", "a-name-that-somebody-thought-of"])
def test_tools_have_nothing_to_say_to_what_was_written(
    project: Path, programs: Path, tmp_path: Path, name: str
) -> None:
    if name == "trace-id":
        written = project
    else:
        run(programs / "hookline", "plugins", "new", name, cwd=tmp_path)
        written = tmp_path / f"hookline-{name}"
    for tool in (
        ("ruff", "check", "--no-cache"),
        ("ruff", "format", "--no-cache", "--check"),
        ("mypy", "--strict", "--cache-dir", os.devnull),
    ):
        run(sys.executable, "-m", *tool, ".", cwd=written)
    run(sys.executable, "-m", "mypy", "--cache-dir", os.devnull, cwd=written)  # as its workflow does


def workflow(project: Path, name: str) -> dict[Any, Any]:
    """The content of a workflow. YAML 1.1 reads the key `on` as True."""
    yaml: Any = importlib.import_module("yaml")  # pre-commit brings it
    found: dict[Any, Any] = yaml.safe_load((project / ".github/workflows" / f"{name}.yml").read_text())
    return found


def steps(job: dict[str, Any]) -> list[str]:
    """The actions and the commands of a job."""
    return [step.get("uses") or step["run"] for step in job["steps"]]


def test_workflow_tests_each_supported_python_and_the_types(project: Path) -> None:
    found, metadata = workflow(project, "test"), read_pyproject(project)["project"]

    jobs = found["jobs"]
    versions = [
        f"Programming Language :: Python :: {version}" for version in jobs["test"]["strategy"]["matrix"]["python"]
    ]
    assert versions == [f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)]
    assert set(versions) < set(metadata["classifiers"])
    assert steps(jobs["test"])[2:] == ['python -m pip install -e ".[test]"', "python -m pytest"]
    assert steps(jobs["types"])[2:] == ['python -m pip install -e ".[types]"', "python -m mypy"]
    assert set(metadata["optional-dependencies"]) == {"test", "types"}
    assert found[True].keys() == {"push", "pull_request", "workflow_call"}


def test_workflow_publishes_what_was_tested_without_a_password(project: Path) -> None:
    found = workflow(project, "publish")
    jobs = found["jobs"]

    assert found[True] == {"release": {"types": ["published"]}}
    assert jobs["test"] == {"uses": "./.github/workflows/test.yml"}
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("test", "build")
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert [step for step in jobs["publish"]["steps"] if "run" in step] == []
    assert "secrets" not in (project / ".github/workflows/publish.yml").read_text()


@pytest.mark.parametrize("name", ["test", "publish"])
def test_workflow_may_read_only_and_pins_actions_by_major_version(project: Path, name: str) -> None:
    found = workflow(project, name)

    assert found["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in found["jobs"].values() for step in job.get("steps", ()) if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", each)] == []


def test_name_that_is_installed_now_is_taken(project: Path, programs: Path, folder: Path) -> None:
    done = started(programs / "hookline", "plugins", "new", "hookline-trace-id", cwd=folder / "own")
    assert done.returncode == 2
    assert "a plugin 'trace_id' is installed" in done.stderr
