"""Directories of HTTP servers: the links of an HTML index that lie below its URL."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# A URL in the text of a page, beside its links: until a character that no URL has, or one that ends it in prose.
_URL_IN_TEXT = re.compile(r"https?://[^\s<>\"'`|\\^{}]+").findall
# A segment that leads upwards, or nowhere, as soon as the client normalises the URL.
_HAS_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.I).search


class _Links(HTMLParser):
    """Collect what the links of a page refer to, its base URL, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base: str | None = None
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("a", "base"):
            return
        target = next((value for name, value in attrs if name == "href" and value), None)
        if target is None:
            return
        if tag == "a":
            self.links.append(target)
        elif self.base is None:
            self.base = target

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def links_below(page: str, url: str, directory: str, *, simple_links: bool, same_scheme: bool) -> list[str]:
    """Return the URLs below a directory to which an HTML page links, in the order of the page, each once.

    page: the HTML. url: where the page came from; its links are relative to that. directory: the URL of the directory. Links
    to elsewhere are left out, and so are those to the directory itself, such as the ones that sort an index. Queries are
    kept, fragments are not. simple_links: True takes URLs that stand in the text as well. same_scheme: False takes links from
    http to https, and the reverse.
    """
    parser = _Links()
    parser.feed(page)
    parser.close()
    base = url if parser.base is None else urljoin(url, parser.base)
    found = parser.links + (_URL_IN_TEXT(" ".join(parser.text)) if simple_links else [])
    prefix = _without_scheme(directory.partition("?")[0].partition("#")[0].rstrip("/") + "/")
    below: dict[str, None] = {}
    for link in found:
        try:
            target = urljoin(base, link.strip()).partition("#")[0]
            scheme, netloc, path, query, _ = urlsplit(target)
        except ValueError:  # such as brackets that are not those of an IPv6 address
            continue
        if scheme not in ("http", "https") or not f"//{netloc}{path}".startswith(prefix):
            continue
        if len(netloc) + len(path) + 2 == len(prefix) or _HAS_DOT_SEGMENT(path):
            continue
        if same_scheme and scheme != directory.partition(":")[0].lower():
            continue
        if query and not path.endswith("/"):
            below[target] = None
        else:
            below[target.partition("?")[0]] = None
    return list(below)


def _without_scheme(url: str) -> str:
    return "//" + url.partition("://")[2]
