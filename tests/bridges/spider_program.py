"""Crawl a site with Scrapy in a process of its own: follow all links from a first page, and print what was found.

Standard input is an object: `url` of the first page, `proxy` for every fourth page, None = none; `pages` after which the spider
closes itself, 0 = never; `settings` of Scrapy.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import CloseSpider

from bridges.crawl_program import SETTINGS, Kept


class Follower(Spider):
    """Follows all links, and counts what comes of them."""

    name = "follower"

    def __init__(self, url: str, proxy: str | None, pages: int) -> None:
        super().__init__()
        self.start_urls = [url]
        self.proxy, self.pages = proxy, pages
        self.found: list[str] = []
        self.errors: list[list[str]] = []

    def parse(self, response: Any) -> Iterator[Request]:
        self.found.append(response.css("title::text").get())
        if self.pages and len(self.found) >= self.pages:
            raise CloseSpider("enough")
        for link in response.css("a::attr(href)").getall():
            number = link.rpartition("/")[2]
            meta = {"proxy": self.proxy} if self.proxy and number.isdigit() and int(number) % 4 == 1 else {}
            yield response.follow(link, callback=self.parse, errback=self.note_error, meta=meta)

    def note_error(self, failure: Any) -> None:
        self.errors.append([failure.request.url, type(failure.value).__name__])


def main() -> None:
    """Run the spider."""
    given = json.load(sys.stdin)
    kept = Kept()
    logging.getLogger().addHandler(kept)
    process = AsyncCrawlerProcess({**SETTINGS, **given["settings"]}, install_root_handler=False)
    crawler = process.create_crawler(Follower)
    process.crawl(crawler, given["url"], given.get("proxy"), given.get("pages", 0))
    begin, cpu = time.monotonic(), time.process_time()
    process.start()
    spider: Any = crawler.spider
    result = {
        "found": spider.found,
        "errors": spider.errors,
        "log": kept.lines,
        "stats": {name: value for name, value in crawler.stats.get_stats().items() if isinstance(value, (int, str))},
        "seconds": time.monotonic() - begin,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
