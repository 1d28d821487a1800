"""A release: archives are the same whoever builds them, an index gives what works, and workflows publish what was tested."""

from __future__ import annotations

import email
import functools
import hashlib
import http.server
import importlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.environments import PROJECT, ROOT, build, clean_variables, read_pyproject, run

EPOCH = "1700000000"  # any time that is the same for two builds
WORKFLOWS = ROOT / ".github" / "workflows"
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


def copy_of_the_sources(folder: Path, changed: float) -> list[Path]:
    """Copy the root and its members, all files of which changed at this time, and return their folders."""
    skipped = shutil.ignore_patterns(
        "__pycache__", ".*_cache", ".git", ".venv", ".ci", ".nox", ".hypothesis", "dist", "tests", "docs"
    )
    shutil.copytree(ROOT, folder, ignore=skipped)
    for path in folder.rglob("*"):
        os.utime(path, (changed, changed))
    return [folder / path.relative_to(ROOT) for path in PROJECT]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_archives_of_two_builds_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)

    for name, changed in (("one", 1_650_000_000), ("two", 1_750_000_000)):
        build(tmp_path / f"dist-{name}", *copy_of_the_sources(tmp_path / name, changed))

    first = digests(tmp_path / "dist-one")
    assert len(first) == 2 * len(PROJECT)
    assert digests(tmp_path / "dist-two") == first


def test_links_of_a_public_repository_are_in_the_archives(tmp_path: Path) -> None:
    copies = copy_of_the_sources(tmp_path / "copy", 1_700_000_000)
    repository = "https://example.org/owner/hookline"
    version = read_pyproject(ROOT)["project"]["version"]

    run(sys.executable, copies[0] / "tools" / "links.py", repository)
    once = {path: path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    run(sys.executable, copies[0] / "tools" / "links.py", repository)
    assert {path: path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()} == once
    build(tmp_path / "dist", *copies)

    for wheel in (tmp_path / "dist").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
        urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
        assert urls["Source"] == repository, wheel
        assert urls["Changelog"] == f"{repository}/blob/v{version}/CHANGELOG.md"
        links = re.findall(r"\]\(([^)]+)\)", re.sub(r"(?ms)^```.*?^```$", "", str(metadata.get_payload())))
        assert [link for link in links if not re.match("https?://|#", link)] == [], wheel
        paths = [link.partition(f"/v{version}/")[2].partition("#")[0] for link in links if link.startswith(repository)]
        assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("words", [[], ["example.org"], ["https://example.org/owner/hookline", "more"]])
def test_what_is_no_address_of_a_repository_changes_nothing(words: list[str]) -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "links.py", *words], capture_output=True, text=True)

    assert done.returncode == 1
    assert "https://example.org/owner/hookline" in done.stderr


class Index(http.server.SimpleHTTPRequestHandler):
    """An index of packages with the archives of one folder, in the form of PEP 503."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = re.fullmatch(r"/simple/([a-z0-9-]+)/", self.path)
        if found is None:
            super().do_GET()
            return
        prefix = found[1].replace("-", "_") + "-"
        names = [path.name for path in Path(self.directory).iterdir() if path.name.startswith(prefix)]
        page = "".join(f'<a href="/{name}">{name}</a>' for name in names).encode()
        self.send_response(200 if names else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def index(wheelhouse: Path) -> Iterator[tuple[str, list[str]]]:
    """The URL of an index with the archives of the project, and the paths that it was asked for."""
    asked: list[str] = []
    handler = functools.partial(type("IndexOfTheProject", (Index,), {"asked": asked}), directory=str(wheelhouse))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/", asked
        finally:
            server.shutdown()
            thread.join()


def interpreters() -> dict[str, str]:
    """Return the supported interpreters of this machine, by version; the one that runs the tests is among them."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in SUPPORTED:
        candidates = [shutil.which(f"python{version}"), *sorted(map(str, folder.glob(f"{version}.*/bin/python")))]
        for candidate in filter(None, candidates):
            code = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
            done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
            if done.stdout.startswith(f"{version} "):
                found[version] = done.stdout.split(maxsplit=1)[1].strip()
                break
    found[f"{sys.version_info.major}.{sys.version_info.minor}"] = sys.executable
    return found


@pytest.mark.slow
def test_each_python_installs_it_from_an_index(index: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = index
    version = read_pyproject(ROOT)["project"]["version"]

    for name, interpreter in interpreters().items():
        folder = tmp_path / name
        run(interpreter, "-m", "venv", folder)
        python = folder / "bin" / "python"
        command = ["install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", "--extra-index-url", url]
        run(python, "-m", "pip", *command, f"hookline=={version}")

        run(python, "-m", "pip", "check")
        assert f"hookline {version}" in run(folder / "bin" / "hookline", "--version")
        shown = run(folder / "bin" / "hookline", "plugins")
        assert "redirects" in shown
        assert "\nhttp2 " not in shown
        assert run(folder / "bin" / "hookline", "demo", environment=clean_variables() | {"NO_COLOR": "1"})

    wheels = {path.rpartition("/")[2] for path in asked if path.endswith(".whl")}
    assert {f"hookline-{version}-py3-none-any.whl", f"hookline_core-{version}-py3-none-any.whl"} <= wheels


def workflow(name: str) -> dict[Any, Any]:
    """The content of a workflow. YAML 1.1 reads the key `on` as True."""
    yaml: Any = importlib.import_module("yaml")  # pre-commit brings it
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", ["test", "publish"])
def test_workflow_may_read_only_and_pins_actions_by_major_version(name: str) -> None:
    found = workflow(name)

    assert found["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in found["jobs"].values() for step in job.get("steps", ()) if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", each)] == []


def test_workflow_tests_each_python_on_three_systems() -> None:
    matrix = workflow("test")["jobs"]["test"]["strategy"]["matrix"]

    assert tuple(matrix["python"]) == SUPPORTED
    assert [name.partition("-")[0] for name in matrix["system"]] == ["ubuntu", "macos", "windows"]


def test_workflow_publishes_what_was_tested_without_a_password() -> None:
    jobs = workflow("publish")["jobs"]

    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("test", "build")
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert commands[-2:] == ['nox -s links -- "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"', "nox -s build"]
    assert [step for step in jobs["publish"]["steps"] if "run" in step] == []
    assert "secrets" not in (WORKFLOWS / "publish.yml").read_text(encoding="utf-8")
