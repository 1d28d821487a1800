"""Compare the download handler of Scrapy with Scrapy's own: CPU, wall time and memory of a crawl of 2,000 pages of nginx.

    .venv/bin/python tests/benchmarks/bridges_scrapy.py [ROUNDS]

First the handlers alone: 1,000 small requests, 16 at a time, in turns in one process. Then whole crawls, each a process of its
own, in turns. The figures are medians of all rounds (default 5). CPU is that of the process from the start of the crawl to its
end, without imports and without nginx. The last line is a handler that answers without any network: what Scrapy itself costs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from servers.addresses import Site
from servers.certificates import make_certificates
from servers.nginx import nginx_sites

TESTS = Path(__file__).parents[1]
PAGES = 2000
NO_NETWORK = "benchmarks.bridges_scrapy.NoNetwork"
HANDLERS = {
    "hookline": "hookline_bridges.scrapy.HooklineDownloadHandler",
    "scrapy": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler",
    "no network": NO_NETWORK,
}


def page(number: int) -> bytes:
    """Return a page that links to two others."""
    links = "".join(
        f'<a href="/pages/{child}.html">{child}</a>' for child in (2 * number + 1, 2 * number + 2) if child < PAGES
    )
    return f"<html><title>{number}</title><body>{links}{'<p>Some text.</p>' * 500}</body></html>".encode()


class NoNetwork:
    """A download handler that makes the same pages itself."""

    lazy = False

    async def download_request(self, request: Any) -> Any:
        """Return the page."""
        from scrapy.http import HtmlResponse

        number = int(request.url.rpartition("/")[2].partition(".")[0])
        return HtmlResponse(request.url, body=page(number), headers={"Content-Type": "text/html"})

    async def close(self) -> None:
        """Do nothing."""


ALONE = """
import asyncio, statistics, sys, time
from scrapy.utils.reactor import install_reactor
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
from scrapy import Request, Spider
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.misc import load_object
from scrapy.utils.test import get_crawler
from twisted.internet import reactor

async def main(url, rounds, paths):
    crawler = get_crawler(Spider)
    crawler.spider = Spider("alone")
    handlers = [load_object(path).from_crawler(crawler) for path in paths]
    cpu = [[] for _ in handlers]
    async def work(handler, numbers):
        for number in numbers:
            assert (await handler.download_request(Request(url))).status == 200
    for turn in range(rounds + 1):
        for handler, found in list(zip(handlers, cpu))[:: 1 if turn % 2 else -1]:
            numbers = iter(range(1000))
            begin = time.process_time()
            await asyncio.gather(*(work(handler, numbers) for _ in range(16)))
            if turn:  # the first opens the connections
                found.append(time.process_time() - begin)
    ours, theirs = (statistics.median(found) * 1000 for found in cpu)
    print(f"alone: hookline CPU {ours:.0f} us a request, scrapy {theirs:.0f} us, ratio {ours / theirs:.2f}")
    for handler in handlers:
        await handler.close()

url, rounds, *paths = sys.argv[1:]
reactor.callWhenRunning(lambda: deferred_from_coro(main(url, int(rounds), paths)).addBoth(lambda _: reactor.stop()))
reactor.run()
"""


def crawl(site: Site, handler: str) -> dict[str, Any]:
    """Run one crawl, and return what the spider printed."""
    settings = {
        "DOWNLOAD_HANDLERS": {"http": handler},
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        "HTTPERROR_ALLOW_ALL": False,
    }
    done = subprocess.run(
        [sys.executable, TESTS / "bridges" / "spider_program.py"],
        input=json.dumps({"url": site.url("/pages/0.html"), "settings": settings}),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert len(found["found"]) == PAGES, found["stats"]
    return found


def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with nginx_sites(make_certificates(Path(folder))) as (site, *_):
            pages = site.directory / "www" / "pages"
            pages.mkdir()
            for number in range(PAGES):
                (pages / f"{number}.html").write_bytes(page(number))
            configuration = site.directory / "nginx.conf"
            configuration.write_text(
                configuration.read_text().replace("application/json json;", "application/json json; text/html html;")
            )
            os.kill(int((site.directory / "nginx.pid").read_text()), 1)  # it reads its configuration again
            both = [HANDLERS["hookline"], HANDLERS["scrapy"]]
            alone = [sys.executable, "-c", ALONE, site.url("/small.json"), str(rounds), *both]
            print(subprocess.run(alone, capture_output=True, text=True, check=True).stdout, end="")
            results: dict[str, list[dict[str, Any]]] = {name: [] for name in HANDLERS}
            for turn in range(rounds):
                for name in list(HANDLERS)[:: 1 if turn % 2 else -1]:
                    results[name].append(crawl(site, HANDLERS[name]))
            print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, median of {rounds} crawls of {PAGES} pages")
            for name, found in results.items():
                cpu, seconds, memory = (
                    statistics.median(each[key] for each in found) for key in ("cpu", "seconds", "memory")
                )
                print(
                    f"{name:10} CPU {cpu / PAGES * 1e6:6.0f} us a page, {seconds:5.2f} s, {memory / 1024:5.0f} MiB at most"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
