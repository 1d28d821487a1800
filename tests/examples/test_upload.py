"""docs/examples/upload.py against aiohttp, which hashes what it gets."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hookline import HttpClient, HttpRequestException
from hookline_testing.server import Script, ScriptedServer, response
from kit.examples import load
from servers.addresses import Site, refused_port

SIZE = 5_000_000
Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 5 MB."""
    path = tmp_path / "photos.tar"
    path.write_bytes(bytes(range(250)) * (SIZE // 250))
    return path


class Terminal(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


async def test_file_arrives_with_its_hash(file: Path, aiohttp_server: Site) -> None:
    seen: list[tuple[int, int | None]] = []
    async with HttpClient() as client:
        answer = await load("upload").upload(
            client, file, aiohttp_server.url("/form"), lambda done, total: seen.append((done, total))
        )
    field, part = answer.json()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert field["name"] == "sha256"
    assert (part["name"], part["filename"], part["size"], part["sha256"]) == ("file", "photos.tar", SIZE, digest)
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] > SIZE


def test_bar_is_shown_on_terminals_ten_times_a_second() -> None:
    now = 0.0
    terminal = Terminal()
    progress = load("upload").Progress(terminal, lambda: now)
    for done in range(0, 1_000_001, 1000):
        progress(done, 1_000_000)
        now += 0.001
    progress.end()
    shown = terminal.getvalue()
    assert 10 <= shown.count("\r") <= 13
    assert f"\r[{'#' * 15}{'.' * 15}]  50 % of 1.0 MB" in shown
    assert shown.endswith(f"[{'#' * 30}] 100 % of 1.0 MB\n")


@pytest.mark.parametrize(("done", "total"), [(0, 0), (5, None)])
def test_bar_without_a_total(done: int, total: int | None) -> None:
    assert load("upload").bar(done, total) == "0.0 MB"


def test_other_outputs_get_no_bar() -> None:
    output = io.StringIO()
    progress = load("upload").Progress(output)
    progress(1, 2)
    progress.end()
    assert output.getvalue() == ""


async def test_refusal_is_an_error(file: Path, scripted: ScriptedServer) -> None:
    scripted.always(Script(response(b"too large", 413)).refuse_to_read())
    async with HttpClient(wait_continue=True) as client:
        with pytest.raises(HttpRequestException, match="413"):
            await load("upload").upload(client, file, scripted.url(), lambda done, total: None)
    assert scripted.requests == [] or scripted.requests[0].body_size == 0


async def test_cancelled_upload_closes_its_connection(file: Path, scripted: ScriptedServer) -> None:
    scripted.always(Script().read_body().stall())
    async with HttpClient() as client:
        task = asyncio.create_task(load("upload").upload(client, file, scripted.url(), lambda done, total: None))
        await scripted.until(requests=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await scripted.until_closed_connections(1)


async def test_program_uploads_and_says_what_failed(file: Path, aiohttp_server: Site, run_program: Run) -> None:
    status, output, errors = await run_program("upload.py", file, aiohttp_server.url("/upload"))
    assert (status, errors) == (0, "")
    assert output.startswith("200 OK ")
    with refused_port() as port:
        status, output, errors = await run_program("upload.py", file, f"http://127.0.0.1:{port}/")
    assert (status, output) == (1, "")
    assert "was not uploaded: no server listens" in errors
    status, output, errors = await run_program("upload.py", file.with_name("missing"), aiohttp_server.url("/upload"))
    assert status == 1
    assert "No such file" in errors
    assert "Traceback" not in errors
