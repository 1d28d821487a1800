"""docs/examples/notes-sdk: its own tests, and the SDK against a real server. tests/packaging installs its wheel."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from types import ModuleType

import pytest

from hookline import ConnectionRefused
from hookline_testing.server import ScriptedServer, response
from kit.examples import FOLDER
from kit.readme import python_blocks
from servers.addresses import refused_port


@pytest.fixture
def notes_sdk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package of the SDK."""
    monkeypatch.syspath_prepend(FOLDER / "notes-sdk")
    import notes_sdk

    return notes_sdk


def test_its_own_tests_pass() -> None:
    # Without pytest-asyncio, which the SDK does not need, and which wants settings.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "."]
    environment = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(
        command, cwd=FOLDER / "notes-sdk", env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


async def test_requests_of_the_sdk(notes_sdk: ModuleType, scripted: ScriptedServer) -> None:
    scripted.answer(response(b'{"id": 1, "text": "\\u2713"}', 201), response(b'{"notes": []}'), response(b"", 404))
    async with notes_sdk.Notes(scripted.url(), "t0ken") as notes:
        assert await notes.create("✓") == notes_sdk.Note(1, "✓")
        assert [note async for note in notes.find()] == []
        with pytest.raises(notes_sdk.NotFound):
            await notes.get(2)
    assert [(request.method, request.target) for request in scripted.requests] == [
        ("POST", "/notes"), ("GET", "/notes"), ("GET", "/notes/2"),
    ]  # fmt: skip
    assert {request.header("authorization") for request in scripted.requests} == {"Bearer t0ken"}
    assert len({request.connection for request in scripted.requests}) == 1


async def test_example_of_its_page(
    notes_sdk: ModuleType, scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    note = b'{"id": 1, "text": "buy milk", "tags": ["home"]}'
    scripted.answer(response(note), response(b'{"notes": [%b]}' % note))
    (block,) = python_blocks("", FOLDER / "notes-sdk" / "README.md")
    code = compile(
        block.replace("https://notes.example", scripted.url()), "README", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    await eval(code, {"Notes": notes_sdk.Notes, "token": "t0ken"})  # noqa: S307
    assert capsys.readouterr().out == "buy milk\n"
    assert [request.target for request in scripted.requests] == ["/notes", "/notes?tag=home"]


async def test_service_that_is_away(notes_sdk: ModuleType) -> None:
    with refused_port() as port:
        async with notes_sdk.Notes(f"http://127.0.0.1:{port}", "t0ken") as notes:
            with pytest.raises(notes_sdk.NotesError, match="no server listens") as caught:
                await notes.get(1)
    assert isinstance(caught.value.__cause__, ConnectionRefused)
