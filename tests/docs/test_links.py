"""The links of all pages: each leads to a page and a section that exist, and says the title of it and not its file."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from kit.site import DOCS, site_module

ROOT = DOCS.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(page for page in DOCS.rglob("*.md") if "changelog" not in page.parts),
    *ROOT.glob("plugins/*/*.md"),
    *ROOT.glob("tests/**/README.md"),
]
CODE = re.compile(r"^(`{3,}).*?^\1\s*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
HIDDEN = str.maketrans("[]()", "    ")  # brackets within code are no links
LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")
INCLUDED = re.compile(r"^```\{include\} (\S+)\n", re.MULTILINE)
# READMEs name pages by their titles, since their links would not work in an index.
PAGES_BY_TITLE = re.compile(r"\b[Pp]ages? ((?:\"[^\"]+\"(?: and |, )?)+)")

anchor_of = site_module("reference").anchor_of


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> list[tuple[str, str]]:
    """Return the links of a page: their texts and their targets."""
    text = page.read_text(encoding="utf-8")
    # code in the text of a link stays, without its marks
    prose = CODE.sub(lambda found: "" if found[0].startswith("```") else found[0].strip("`").translate(HIDDEN), text)
    return LINK.findall(prose)


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, and of a page that it includes."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(
        r"^#{1,6} +(.+?)\s*$", re.sub(r"^(`{3,}).*?^\1\s*$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    found: set[str] = set()
    for anchor, count in Counter(map(anchor_of, headings)).items():
        found |= {anchor, *(f"{anchor}-{number}" for number in range(1, count))}
    for path in INCLUDED.findall(text):
        found |= anchors((page.parent / path).resolve())
    return found


def title_of(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^# (.+)$", text, re.MULTILINE)[0]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_sections_that_exist(page: Path) -> None:
    for text, target in links(page):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        assert not path.startswith("/"), f"[{text}]({target}) works on the site alone"
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"[{text}]({target}): there is no such file"
        if anchor:
            assert anchor in anchors(found), (
                f"[{text}]({target}): there is no such section, but {sorted(anchors(found))}"
            )


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(DOCS)], ids=name_of)
def test_texts_of_links_are_words_and_not_files(page: Path) -> None:
    assert [text for text, _ in links(page) if text.strip().endswith(".md") or not text.strip()] == []


def test_links_are_found() -> None:
    """The tests above see what they are about."""
    assert sum(len(links(page)) for page in PAGES) > 250
    assert sum("#" in target for page in PAGES for _, target in links(page)) > 30


def test_pages_that_are_named_by_their_titles_exist() -> None:
    titles = {
        title_of(page)
        for page in DOCS.rglob("*.md")
        if re.search(r"^# ", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = [
        title
        for page in ROOT.glob("plugins/*/README.md")
        for titled in PAGES_BY_TITLE.findall(" ".join(page.read_text(encoding="utf-8").split()))
        for title in re.findall(r'"([^"]+)"', titled)
    ]
    assert len(named) > 5
    assert set(named) - titles == set()


def test_every_page_is_in_the_navigation() -> None:
    listed: set[Path] = set()
    for page in DOCS.rglob("*.md"):
        for options, entries in re.findall(
            r"^```\{toctree\}\n((?::[^\n]*\n)*)(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            for entry in entries.split():
                found = [*page.parent.glob(f"{entry}.md")] if ":glob:" in options else [page.parent / f"{entry}.md"]
                assert found, f"{name_of(page)}: {entry}"
                assert all(path.exists() for path in found), f"{name_of(page)}: {entry}"
                listed |= {path.resolve() for path in found} - {page}
    pages = {page for page in DOCS.rglob("*.md") if not {"changelog", "examples"} & set(page.relative_to(DOCS).parts)}
    assert pages - listed == {DOCS / "index.md"}
