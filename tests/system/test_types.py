"""What type checkers know: in programs, in the examples of docs/typing.md, and of what plugins declare."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hookline import Attribute, HttpClient, HttpResponse, Option, PluginInfo, SyncHttpClient
from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks
from servers.websocket_peer import echo, opening
from typed import plugin, program

PAGE = Path(__file__).parents[2] / "docs" / "typing.md"
COMMANDS = {
    "mypy": ["mypy", "--strict", "--config-file=", "--cache-dir=.mypy", "--python-executable", sys.executable, "."],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}
# Both checkers report a `type: ignore` that is not needed, so each mistake in the programs must be an error.
PYRIGHT = {"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of this folder and those of the page."""
    folder = tmp_path_factory.mktemp("programs")
    for module in (program, plugin):
        source = Path(str(module.__file__))
        (folder / source.name).write_bytes(source.read_bytes())
    for number, block in enumerate(python_blocks("", PAGE)):
        (folder / f"example_{number}.py").write_text(block, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    return folder


@pytest.mark.parametrize("checker", COMMANDS)
def test_checker_accepts_programs_and_finds_each_mistake(checker: str, programs: Path) -> None:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # else it asks for its latest version
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[checker]],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=programs,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    def answer(request: Any) -> Any:
        if request.target == "/websocket":
            return opening(echo)
        fields = [("Set-Cookie", "name=value"), ("Content-Language", request.header("accept-language") or "en")]
        return response(b"body", 404 if request.target == "/missing" else 200, fields)

    scripted.respond(answer)
    return scripted


def websocket_url(server: ScriptedServer) -> str:
    return "ws" + server.url("/websocket").removeprefix("http")


async def test_program_runs(server: ScriptedServer) -> None:
    assert await program.asynchronous(server.url()) == [200] * 4
    assert await program.failing(server.url("/missing")) == 404
    assert await program.with_plugins(server.url()) == "value"
    assert await program.websocket(websocket_url(server)) == "hello"


def test_synchronous_program_runs(server: ScriptedServer) -> None:
    assert program.synchronous(server.url()) == [200] * 4
    assert program.synchronous_with_plugins(server.url()) == "value"
    assert program.synchronous_websocket(websocket_url(server)) == "hello"


async def test_program_with_a_plugin_of_a_third_party_runs(server: ScriptedServer) -> None:
    assert await plugin.program(server.url()) == ("fr", "fr", ["de", "fr"])


def installed() -> list[PluginInfo]:
    with SyncHttpClient(plugins=["retry"]) as client:
        return list(client.plugins)


def annotations_of(module: str, kind: str) -> set[str]:
    """Return what the class of a package states, such as `CookiesResponse`; its name may have other capitals."""
    name = module.removeprefix("hookline_") + kind
    package = importlib.import_module(module)
    (found,) = [getattr(package, each) for each in package.__all__ if each.lower() == name]
    assert not {
        each for each in dir(found) if not each.startswith("_")
    }  # no values, which would hide those of the plugin
    return {each for cls in found.__mro__ for each in getattr(cls, "__annotations__", ())}


@pytest.mark.parametrize("info", installed(), ids=lambda info: info.name)
def test_plugin_states_what_it_adds(info: PluginInfo) -> None:
    added = {(attribute.of, attribute.name) for attribute in info.of(Attribute)}
    added |= {("request", option.name) for option in info.of(Option) if option.request}
    added |= {("client", option.name) for option in info.of(Option) if option.client}
    module = type(info.plugin).__module__.partition(".")[0]
    assert {(kind, name) for kind, name in added if name not in annotations_of(module, kind)} == set()


def test_page_lists_the_classes_of_plugins() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `hookline_")]
    kinds = ("Request", "Response", "Stream", "Client")
    for module in {type(info.plugin).__module__.partition(".")[0] for info in installed()}:
        (row,) = [row for row in rows if row.startswith(f"| `{module}`")]
        name = module.removeprefix("hookline_")
        exported = importlib.import_module(module).__all__
        classes = {each for each in exported if each.lower() in {name + kind.lower() for kind in kinds}}
        assert {f"`{each}`" for each in classes} == set(row.split(" | ")[1].removesuffix(" |").split(", "))


def test_types_are_no_classes_of_objects(server: ScriptedServer) -> None:
    with HttpClient[program.Response]() as client:
        answer: Any = client.get(server.url())
    assert type(client) is HttpClient
    assert isinstance(answer, HttpResponse)
    assert not isinstance(answer, program.Response)
