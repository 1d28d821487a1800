"""A spider crawls 2,000 pages with the download handler of Scrapy, and spiders are stopped while they download."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scrapy")

from hookline_testing.server import Script, ScriptedServer, SeenRequest, chunked, response
from servers.addresses import Site

PAGES = 2000
LARGE = 20
MAXSIZE = 50_000


class SiteOfPages:
    """A site: page N links to 2N + 1 and 2N + 2. Some pages redirect, refuse, break off, are compressed or too large."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def answer(self, request: SeenRequest) -> Any:
        """Answer one request."""
        path, _, query = request.target.partition("?")
        self.asked[request.target] += 1
        if path == "/":
            return page("index", "/page/0", [("Set-Cookie", "session=right")])
        if request.header("cookie") != "session=right":
            return response(b"who?", 403)
        kind, number = path.strip("/").split("/")
        n = int(number)
        if kind == "large":
            return chunked(*[b"x" * 1000] * (MAXSIZE // 1000)) if n % 2 else response(b"x" * (MAXSIZE + 1))
        if n % 10 == 3 and query != "moved":
            return response(status=302, headers=[("Location", f"{path}?moved"), ("Set-Cookie", f"seen{n}=; Max-Age=0")])
        first = self.asked[request.target] == 1
        if n % 40 == 7 and first:
            return response(b"busy", 503)
        if n % 50 == 9 and first:
            return Script(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").close()
        links = [f"/page/{child}" for child in (2 * n + 1, 2 * n + 2) if child < PAGES]
        if n % (PAGES // LARGE) == 0:
            links.append(f"/large/{n // (PAGES // LARGE)}")
        return page(str(n), *links, compressed=n % 5 == 0)


def page(title: str, *links: Any, compressed: bool = False) -> Any:
    """Return a page of HTML with links; the others are fields."""
    anchors = "".join(f'<a href="{link}">x</a>' for link in links if isinstance(link, str))
    fields = [field for more in links if not isinstance(more, str) for field in more]
    body = f"<html><title>{title}</title><body>{anchors}{'<p>text</p>' * 100}</body></html>".encode()
    if compressed:
        body, fields = gzip.compress(body), [*fields, ("Content-Encoding", "gzip")]
    return response(body, headers=[("Content-Type", "text/html; charset=utf-8"), *fields])


PROGRAM = Path(__file__).with_name("spider_program.py")


def start(given: dict[str, Any]) -> subprocess.Popen[str]:
    """Start the spider; its answer comes on standard output."""
    child = subprocess.Popen(
        [sys.executable, "-W", "always::ResourceWarning", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "PYTHONPATH": str(PROGRAM.parents[1]),
        },
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(given))
    child.stdin.close()
    child.stdin = None
    return child


def finish(child: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """Wait for the end of the spider, and return what it printed."""
    try:
        output, errors = child.communicate(timeout=seconds)
    finally:
        child.kill()
    assert child.returncode == 0, errors
    for word in ("hookline", "never awaited", "was destroyed", "ResourceWarning"):
        assert word not in errors, errors
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.mark.slow
def test_spider_crawls_two_thousand_pages(squid: Site) -> None:
    site = SiteOfPages()
    with ScriptedServer() as scripted:
        scripted.respond(site.answer)
        settings = {"RETRY_ENABLED": True, "HTTPERROR_ALLOW_ALL": False, "DOWNLOAD_MAXSIZE": MAXSIZE - 1}
        found = finish(start({"url": scripted.url(), "proxy": squid.origin, "settings": settings}), 280)

        assert Counter(found["found"]) == Counter(["index", *map(str, range(PAGES))])
        assert sorted(found["errors"]) == sorted(
            [scripted.url(f"/large/{n}"), "DownloadCancelledError"] for n in range(LARGE)
        )
        stats = found["stats"]
        broken = PAGES // 40 + PAGES // 50
        assert stats["retry/count"] == broken
        assert stats["retry/reason_count/503 Service Unavailable"] == PAGES // 40
        assert stats["retry/reason_count/scrapy.exceptions.ResponseDataLossError"] == PAGES // 50
        assert stats["downloader/response_status_count/302"] == PAGES // 10
        assert stats["finish_reason"] == "finished"
        assert {request.header("cookie") for request in scripted.requests[1:]} == {"session=right"}
        direct = {request.connection for request in scripted.requests if request.header("via") is None}
        assert len(direct) <= 16 + PAGES // 50 + LARGE + 10  # they are reused, but for bodies that broke off
        proxied = [request for request in scripted.requests if request.header("via") is not None]
        assert len(proxied) >= PAGES // 4


def test_spider_that_closes_itself_finishes_its_downloads() -> None:
    with ScriptedServer() as scripted:
        scripted.respond(SiteOfPages().answer)
        found = finish(start({"url": scripted.url(), "pages": 100, "settings": {"RETRY_ENABLED": True}}), 60)
    assert found["stats"]["finish_reason"] == "enough"
    assert 100 <= len(found["found"]) < PAGES


def test_interrupted_spider_ends_without_its_downloads() -> None:
    links = [f"/page/{number}" for number in range(8)]
    with ScriptedServer() as scripted:
        scripted.respond(lambda request: page("index", *links) if request.target == "/" else Script().stall())
        child = start({"url": scripted.url(), "settings": {"DOWNLOAD_TIMEOUT": 100}})
        scripted.wait_for(requests=9, timeout=30)
        begin = time.monotonic()
        child.send_signal(signal.SIGINT)  # finish
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)  # now
        output, errors = child.communicate(timeout=60)
        assert time.monotonic() - begin < 50
        scripted.wait_closed_connections(timeout=10)
    for word in ("hookline", "never awaited", "was destroyed", "ResourceWarning"):
        assert word not in errors, errors
    assert output is not None
