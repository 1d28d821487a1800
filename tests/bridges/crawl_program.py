"""Download requests with Scrapy in a process of its own, as the JSON on its standard input says, and print what came of each.

The input is an object: `requests`, by name the keywords of `scrapy.Request`, and under `stop` the name of the signal in which a
StopDownload is raised; `settings` of Scrapy. Names of other handlers in `settings` replace Hookline's.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import StopDownload

HANDLER = "hookline_bridges.scrapy.HooklineDownloadHandler"
SETTINGS = {
    "DOWNLOAD_HANDLERS": {"http": HANDLER, "https": HANDLER},
    "LOG_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "RETRY_ENABLED": False,
    "HTTPERROR_ALLOW_ALL": True,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
}


class OneByName(Spider):
    """Downloads each of the given requests, and keeps what came of it in `outcomes`."""

    name = "one by name"

    def __init__(self, requests: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self.wanted, self.outcomes = requests, {}  # type: dict[str, dict[str, Any]], dict[str, Any]

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> OneByName:
        spider = super().from_crawler(crawler, *args, **kwargs)
        for name in ("headers_received", "bytes_received"):
            crawler.signals.connect(getattr(spider, name), getattr(signals, name))
        return spider

    async def start(self) -> AsyncIterator[Request]:
        for name, keywords in self.wanted.items():
            meta = {**keywords.get("meta", {}), "name": name, "stop": keywords.pop("stop", ""), "seen": []}
            yield Request(**{**keywords, "meta": meta}, callback=self.parse, errback=self.note_error, dont_filter=True)

    def headers_received(self, request: Request, body_length: int | None, **rest: Any) -> None:
        request.meta["seen"].append(["headers", body_length])
        self.stop(request, "headers")

    def bytes_received(self, request: Request, data: bytes, **rest: Any) -> None:
        request.meta["seen"].append(["bytes", len(data)])
        self.stop(request, "bytes")

    def stop(self, request: Request, moment: str) -> None:
        if request.meta["stop"].startswith(moment):
            raise StopDownload(fail=request.meta["stop"].endswith("fail"))

    def parse(self, response: Any) -> None:
        self.outcomes[response.meta["name"]] = describe(response, response.meta)

    def note_error(self, failure: Any) -> None:
        error = failure.value
        self.outcomes[failure.request.meta["name"]] = {
            "error": type(error).__name__,
            "cause": type(error.__cause__).__name__,
            "text": str(error),
            "response": describe(error.response, failure.request.meta) if isinstance(error, StopDownload) else None,
        }


def describe(response: Any, meta: dict[str, Any]) -> dict[str, Any]:
    """Return what a spider sees of a response."""
    return {
        "class": type(response).__name__,
        "status": response.status,
        "url": response.url,
        "body": response.body.decode("latin-1"),
        "headers": {
            name.decode(): [value.decode("latin-1") for value in values] for name, values in response.headers.items()
        },
        "flags": response.flags,
        "protocol": response.protocol,
        "ip": str(response.ip_address),
        "certificate": None if response.certificate is None else len(response.certificate),
        "latency": meta.get("download_latency"),
        "seen": meta["seen"],
    }


class Kept(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Run the crawl."""
    given = json.load(sys.stdin)
    kept = Kept()
    logging.getLogger().addHandler(kept)
    process = AsyncCrawlerProcess({**SETTINGS, **given.get("settings", {})}, install_root_handler=False)
    crawler = process.create_crawler(OneByName)
    begin = time.monotonic()
    process.crawl(crawler, requests=given["requests"])
    process.start()
    outcomes = crawler.spider.outcomes if crawler.spider else {}
    json.dump({"outcomes": outcomes, "log": kept.lines, "seconds": time.monotonic() - begin}, sys.stdout)


if __name__ == "__main__":
    main()
