"""Check the built site: the search finds every public name, each link leads to a place, and nothing comes from other servers.

python docs/check_site.py build/site
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reference import DOCS, members_of, public_names

DIRECTIVE = re.compile(r"^```\{reference\}(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LEAST_NAMES = 500
# Elements that load what they name.
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src"}


class Page(HTMLParser):
    """The places, the links and the loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element names."""
        values = dict(attrs)
        self.places |= {place for name in ("id", "name") if (place := values.get(name))}
        if tag == "a" and (link := values.get("href")):
            self.links.append(link)
        if (name := LOADING.get(tag)) is not None and (loaded := values.get(name)):
            self.loaded.append(loaded)


def broken_links(site: Path) -> Iterator[str]:
    """Yield the links of all pages that lead to no page or to no place of it, and what is loaded from elsewhere."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    yield f"{path.name}: loads {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.name}: {link}: there is no such file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{path.name}: {link}: there is no such place"


def described_names() -> Iterator[str]:
    """Yield the names that the pages of the reference describe, with those of members: `hookline.HttpClient.get`."""
    for page in DOCS.rglob("*.md"):
        for directive in DIRECTIVE.finditer(page.read_text(encoding="utf-8")):
            module = directive[1] or "hookline"
            for name in directive[2].split() or public_names(module):
                yield f"{module}.{name}"
                found = getattr(importlib.import_module(module), name)
                if inspect.isclass(found):
                    yield from (f"{module}.{name}.{member}" for member in members_of(found))


def unfound_names(site: Path) -> Iterator[str]:
    """Yield the described names that the index of the search does not have."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    objects = json.loads(text[text.index("(") + 1 : text.rindex(")")])["objects"]
    indexed = {f"{prefix}.{entry[4]}" for prefix, entries in objects.items() for entry in entries}
    yield from (f"the search does not find {name}" for name in described_names() if name not in indexed)


def main(site: Path) -> int:
    """Print what is wrong; return the exit status."""
    count = len(list(described_names()))
    problems = [*unfound_names(site), *broken_links(site)]
    if count < LEAST_NAMES:
        problems.append(f"the reference has {count} names only: it was not read")
    sys.stdout.writelines(f"{line}\n" for line in (*problems, f"{count} names, {len(problems)} problems"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
