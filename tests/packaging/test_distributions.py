"""Every distribution builds, passes the index's checks and holds what it should; core works alone."""

import http.server
import json
import re
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest

from kit.environments import PROJECT, ROOT, Environment, read_pyproject, run, started


@pytest.fixture
def archives(distribution: Path, wheelhouse: Path) -> dict[str, Path]:
    """The sdist ("gz") of one distribution, and the wheel ("whl") that was built from it."""
    name = read_pyproject(distribution)["project"]["name"].replace("-", "_")
    found = [path for path in wheelhouse.iterdir() if re.match(rf"{name}-\d", path.name)]
    assert len(found) == 2
    return {path.name.rpartition(".")[2]: path for path in found}


@pytest.fixture
def wheel(archives: dict[str, Path]) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(archives["whl"]) as archive:
        yield archive


def test_archives_pass_twine(wheelhouse: Path) -> None:
    files = sorted(wheelhouse.iterdir())
    assert len(files) == 2 * len(PROJECT)
    run(sys.executable, "-m", "twine", "check", "--strict", *files)


def test_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile, distribution: Path) -> None:
    packages = {path.parent.name for path in distribution.glob("hookline*/__init__.py")}
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in names} == packages
    assert {f"{package}/py.typed" for package in packages} <= names
    assert not [name for name in names if re.search(r"(^|/)(tests?/|test_|conftest)|\.pyc$", name)]


def test_root_installed_from_the_repository_holds_no_code(tmp_path: Path) -> None:
    """As the README's `pip install .` does: other than its sdist, the repository has packages."""
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path, cwd=ROOT)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if ".dist-info/" not in name]


def test_wheel_has_licence_and_metadata(wheel: zipfile.ZipFile) -> None:
    info = next(name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    metadata = HeaderParser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Summary"]


def test_sdist_can_be_built_anywhere(archives: dict[str, Path]) -> None:
    with tarfile.open(archives["gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests/", "plugins/", "core/"))]


class OneAnswer(http.server.BaseHTTPRequestHandler):
    """Answer every GET with the same five bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def one_answer_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneAnswer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


LIST = """
import json, importlib.metadata as metadata
print(json.dumps([distribution.name for distribution in metadata.distributions()]))
"""

REQUEST = """
import asyncio, sys, hookline

async def main():
    async with hookline.HttpClient() as client:
        response = await client.get(sys.argv[1])
        assert (response.status_code, response.content) == (200, b"hello"), response

asyncio.run(main())
"""


def test_core_alone_brings_its_dependencies_only_and_works(
    root: Path, wheelhouse: Path, tmp_path: Path, one_answer_url: str
) -> None:
    environment = Environment(tmp_path / "venv")
    environment.install(next(wheelhouse.glob("hookline_core-*.whl")))

    declared = {re.split(r"[^\w-]", line)[0] for line in read_pyproject(root / "core")["project"]["dependencies"]}
    installed = set(json.loads(run(environment.python, "-I", "-c", LIST)))
    assert installed == declared | {"hookline-core"}

    run(environment.python, "-I", "-W", "error", "-c", REQUEST, one_answer_url)

    done = started(environment.python, "-I", "-W", "error", "-m", "hookline", one_answer_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install hookline-cli" in done.stderr


def test_core_and_command_line_work_without_plugins(wheelhouse: Path, tmp_path: Path, one_answer_url: str) -> None:
    environment = Environment(tmp_path / "venv")
    environment.install(*(next(wheelhouse.glob(f"{name}-*.whl")) for name in ("hookline_core", "hookline_cli")))

    for program in (
        [environment.python, "-I", "-W", "error", "-m", "hookline"],
        [environment.programs / "hookline"],
    ):
        shown = run(*program, "-i", one_answer_url)
        assert shown.startswith("HTTP/1.0 200 OK\n")
        assert shown.endswith("\n\nhello")
