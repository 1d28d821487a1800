"""docs/examples/download.py: threads that download from aiohttp, and from servers that fail."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hookline import ConnectionClosed, ConnectionRefused, HttpRequestException, InvalidURL
from hookline_testing.server import Script, ScriptedServer, head
from kit.examples import load
from servers.addresses import Site, refused_port
from servers.aiohttp_app import content


def test_threads_download_all(aiohttp_server: Site, tmp_path: Path) -> None:
    urls = [aiohttp_server.url(f"/bytes/{size}") for size in range(1000, 1040)]
    done = load("download").download_all(urls, tmp_path, threads=8)
    assert {each.url: each.size for each in done} == {url: size for size, url in enumerate(urls, 1000)}
    assert all(path.read_bytes() == content(int(path.name)) for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 40


def test_each_url_gets_a_safe_path_of_its_own(tmp_path: Path) -> None:
    urls = [
        "http://a/b/photo.jpg", "http://b/photo.jpg?size=2", "http://b/photo.jpg?size=2", "http://a/", "http://a/..",
        "http://a/.bashrc", "http://a/x%2F..%2Fy", "http://a/c:\\d", "http://a/" + "n" * 300,
    ]  # fmt: skip
    found = list(load("download").paths_of(urls, tmp_path))
    assert [path.name for _, path in found[:-1]] == [
        "photo.jpg", "2-photo.jpg", "index", "2-index", "bashrc", "x_2F.._2Fy", "c__d",
    ]  # fmt: skip
    assert all(path.parent == tmp_path and len(path.name) <= 100 for _, path in found)


def test_failures_are_reported_and_leave_no_file(
    aiohttp_server: Site, scripted: ScriptedServer, tmp_path: Path
) -> None:
    scripted.always(Script(head(200, [("Content-Length", "100")]), b"a part").close())
    with refused_port() as port:
        urls = [aiohttp_server.url("/status/404"), f"http://127.0.0.1:{port}/x", scripted.url("/cut"), "nonsense"]
        done = load("download").download_all([*urls, aiohttp_server.url("/bytes/5")], tmp_path, threads=2)
    kinds = {each.url: type(each.error) for each in done if each.error is not None}
    assert list(map(kinds.get, urls)) == [HttpRequestException, ConnectionRefused, ConnectionClosed, InvalidURL]
    assert [path.name for path in tmp_path.iterdir()] == ["5"]


async def test_program_says_what_it_did(
    aiohttp_server: Site, tmp_path: Path, run_program: Callable[..., Awaitable[tuple[int, str, str]]]
) -> None:
    urls, folder = tmp_path / "urls.txt", tmp_path / "to" / "here"
    urls.write_text(f"{aiohttp_server.url('/bytes/7')}\n\n{aiohttp_server.url('/status/500')}\n")
    status, output, errors = await run_program("download.py", urls, folder)
    assert (status, errors) == (1, "")
    assert re.search(rf"/bytes/7 {folder}/7: 7 bytes\n", output)
    assert re.search(r"/status/500 failed: 500 ", output)


async def test_interrupt_ends_the_program(
    scripted: ScriptedServer, tmp_path: Path, start_program: Callable[..., Awaitable[asyncio.subprocess.Process]]
) -> None:
    scripted.always(Script(head(200, [("Content-Length", "3")])).pause(1).send(b"abc"))
    urls = tmp_path / "urls.txt"
    urls.write_text("".join(scripted.url(f"/{number}\n") for number in range(100)))
    process = await start_program("download.py", urls, tmp_path / "folder", "--threads", "2")
    await scripted.until(requests=2, timeout=30)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode != 0
    assert len(scripted.requests) < 10
    assert not [path for path in (tmp_path / "folder").iterdir() if path.suffix == ".part"]


@pytest.mark.parametrize("threads", [1, 3])
def test_empty_list_is_no_error(threads: int, tmp_path: Path) -> None:
    assert load("download").download_all([], tmp_path, threads) == []
