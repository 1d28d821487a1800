"""docs/check_site.py finds what is wrong with a built site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.site import site_module

check_site = site_module("check_site")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages without faults."""
    (tmp_path / "one.html").write_text('<h1 id="top">One</h1><a href="two.html#end">two</a><a href="#top">up</a>')
    (tmp_path / "two.html").write_text(
        '<p id="end"><a href="https://www.rfc-editor.org/">RFCs</a><img src="one.html"></p>'
    )
    return tmp_path


def test_site_without_faults_is_accepted(site: Path) -> None:
    assert list(check_site.broken_links(site)) == []


@pytest.mark.parametrize(
    "html",
    [
        '<a href="three.html">three</a>',
        '<a href="two.html#middle">middle</a>',
        '<a href="#below">below</a>',
        '<img src="picture.svg">',
        '<script src="https://elsewhere.example/counter.js"></script>',
    ],
    ids=["page", "place", "place of the page itself", "picture", "of another server"],
)
def test_links_that_lead_nowhere_are_found(site: Path, html: str) -> None:
    (site / "two.html").write_text(f'<p id="end">{html}</p>')
    (problem,) = check_site.broken_links(site)
    assert problem.startswith("two.html: ")


def test_names_that_the_search_does_not_find_are_found(site: Path) -> None:
    names = list(check_site.described_names())
    assert {"hookline.HttpClient.get", "hookline_cache.Cache", "hookline_testing.server.Script.send"} <= set(names)
    objects: dict[str, list[list[object]]] = {}
    for name in names:
        prefix, _, last = name.rpartition(".")
        if name != "hookline.HttpClient.get":
            objects.setdefault(prefix, []).append([0, 0, 1, "", last])
    (site / "searchindex.js").write_text(f"Search.setIndex({json.dumps({'objects': objects})})")
    assert list(check_site.unfound_names(site)) == ["the search does not find hookline.HttpClient.get"]


def test_exit_status_says_whether_there_are_problems(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "searchindex.js").write_text('Search.setIndex({"objects": {}})')
    assert check_site.main(site) == 1
    assert capsys.readouterr().out.endswith(f"{len(list(check_site.described_names()))} problems\n")
