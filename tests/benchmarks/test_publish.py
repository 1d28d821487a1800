"""docs/performance.md and its pictures are what `run.py --publish` writes from the figures at the end of the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.environments import NotInstalled, environment_of
from benchmarks.figures import CLIENTS, PUBLISHED, Figures, figures_of
from benchmarks.page import as_json, figures_in, page, pictures
from benchmarks.publish import DOCS
from benchmarks.servers import compiler

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmarks read /proc")

RUN = Path(__file__).with_name("run.py")
BRIEF = ("--publish", "--rounds", "1", "--seconds", "0.02", "--retries", "0", "--mib", "8")
SVG = "{http://www.w3.org/2000/svg}"


def run(*words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUN), *words], capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def published() -> Figures:
    """The figures of the page."""
    return figures_in((DOCS / "performance.md").read_text(encoding="utf-8"))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def tables(text: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return {first column's heading: {row: {column: cell}}} of a page's tables; equal headings are one table."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *lines = map(cells, block.splitlines())
        for name, *values in lines:
            found.setdefault(head[0], {}).setdefault(name, {}).update(zip(head[1:], values, strict=True))
    return found


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 - our own


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in parsed(picture).iter(f"{SVG}text")]


def panels(picture: str) -> dict[str, dict[str, str]]:
    """Return {title: {name of a bar: its figure}} of a picture."""
    found: dict[str, dict[str, str]] = {}
    bars: dict[str, str] = {}
    name = ""
    for each in parsed(picture).iter(f"{SVG}text"):
        kind, text = each.get("class", ""), each.text or ""
        if kind == "title":
            bars = found.setdefault(text, {})
        elif kind.startswith("name"):
            name = text
        elif kind != "unit":
            bars[name] = text
    return found


def test_page_and_pictures_are_written_from_the_figures_of_the_page(published: Figures) -> None:
    made = pictures(published)

    assert (DOCS / "performance.md").read_text(encoding="utf-8") == page(published)
    assert {file.name for file in (DOCS / "pictures").glob("performance*.svg")} == set(made)
    for name, picture in made.items():
        assert (DOCS / "pictures" / name).read_text(encoding="utf-8") == picture, name


def test_bars_have_the_figures_of_the_tables(published: Figures) -> None:
    rows = tables(page(published))["operation"]
    shown: dict[str, dict[str, str]] = {}
    for name in ("performance-http1.svg", "performance-http2.svg", "performance-websockets.svg"):
        shown |= panels(pictures(published)[name])

    assert set(shown) == set(rows)
    for title, bars in shown.items():
        without_ratio = {client: cell.partition(" (")[0] for client, cell in rows[title].items()}
        assert bars == {
            client: cell for client, cell in without_ratio.items() if cell != "-" and "uvloop" not in client
        }


def test_bars_are_as_long_as_their_figures(published: Figures) -> None:
    (picture,) = (each for name, each in pictures(published).items() if name == "performance-startup.svg")
    lengths = [float(each.get("width", "")) for each in parsed(picture).iter(f"{SVG}rect")]
    first = [each["import"] + each["first"] for each in published["startup"].values()]

    assert lengths[: len(first)] == pytest.approx([max(lengths) * each / max(first) for each in sorted(first)], abs=1.1)


def test_pictures_have_words_for_screen_readers_and_colours_for_the_dark(published: Figures) -> None:
    for picture in pictures(published).values():
        root = parsed(picture)

        assert [each.tag for each in root][:3] == [f"{SVG}title", f"{SVG}desc", f"{SVG}style"]
        assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
        description = root.findtext(f"{SVG}desc") or ""
        assert all(text.rstrip(".") in description for text in texts(picture))


def test_page_has_every_published_operation_and_client(published: Figures) -> None:
    left_out = set(published["about"]["missing"])

    assert set(published["workloads"]) == set(PUBLISHED)
    assert {client for found in published["workloads"].values() for client in found} >= set(CLIENTS) - left_out
    assert set(published["memory"]) == {"f_down", "h2_down"}


def test_figures_survive_the_comment_of_the_page(published: Figures) -> None:
    published = published | {"errors": {"client, b_c10": "--> <!-- a-->b --  {x} [y]"}}

    assert json.loads(as_json(published)) == published
    assert "--" not in as_json(published)
    assert figures_in(page(published)) == published


def test_page_without_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="write it again"):
        figures_in("# Performance\n")


def test_samples_of_another_run_are_refused(tmp_path: Path) -> None:
    samples = tmp_path / "samples.jsonl"
    samples.write_text('{"workload": "b_c10", "client": "hookline", "error": "none"}\n')

    done = run("--publish", "--read", str(samples), "--docs", str(tmp_path))

    assert done.returncode == 2
    assert "do not describe the machine" in done.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["--clients", "hookline,floor"], "not published: floor"), (["--uvloop"], "leave --uvloop out")],
    ids=["client", "uvloop"],
)
def test_options_that_the_page_has_no_place_for_are_refused(words: list[str], reason: str) -> None:
    done = run("--publish", *words)

    assert done.returncode == 2
    assert reason in done.stderr


def test_brief_run_writes_the_page_and_writes_the_same_from_its_samples(tmp_path: Path) -> None:
    if compiler() is None:
        pytest.skip("needs a C compiler")
    samples, first, again = tmp_path / "samples.jsonl", tmp_path / "first", tmp_path / "again"
    chosen = ("--workloads", "b_c10,f_down,ws_64", "--clients", "hookline,aiohttp,niquests")

    done = run(*BRIEF, *chosen, "--no-install", "--out", str(samples), "--docs", str(first))

    assert done.returncode == 0, done.stderr
    text = (first / "performance.md").read_text(encoding="utf-8")
    figures = figures_in(text)
    assert text == page(figures)
    assert set(figures["workloads"]) == {"b_c10", "f_down", "ws_64"}
    assert all(set(found) == {"hookline", "aiohttp"} for found in figures["workloads"].values())
    assert not figures["errors"]
    assert set(figures["memory"]["f_down"]) == set(figures["startup"]) == {"hookline", "aiohttp"}
    assert len(figures["growth"]) == 6
    assert "- niquests: not measured: not installed" in text
    assert str(tmp_path) not in text
    assert "Do not quote them" in text
    assert "The clients are those of the interpreter that measured" in text
    assert run("--publish", "--read", str(samples), "--docs", str(again)).returncode == 0
    for file in first.rglob("*.*"):
        assert (again / file.relative_to(first)).read_bytes() == file.read_bytes()
    assert "| target " in run("--read", str(samples)).stdout


def test_scatter_is_named_where_there_are_rounds() -> None:
    about = {
        "record": "about",
        "foreign": 0.15,
        "missing": {},
        "installs": True,
        "machine": {},
        "versions": {},
        "commit": "at commit `0`",
    }
    about |= {"command": "run", "date": "today", "rounds": 3, "retries": 2, "length": "0.4 s", "starts": 15}
    sample = {"workload": "b_c10", "client": "hookline", "about": "", "operations": 1, "wall": 1.0, "system": 0.0}
    sample |= {"server": 0.0, "connects": 0, "mib": 8}
    rows = [
        sample | {"round": number, "user": user, "foreign": foreign}
        for number, (user, foreign) in enumerate([(1e-5, 0.0), (2e-5, 0.2), (4e-5, 0.1)])
    ]

    text = page(figures_of([about, *rows]))

    assert "is 38% of the median, 38% at most. 1 of\n  3 samples" in text
    assert "Do not quote" not in text


@pytest.mark.slow
def test_clients_are_installed_into_environments_of_their_own(tmp_path: Path) -> None:
    if compiler() is None:
        pytest.skip("needs a C compiler")
    workloads = ("h_post", "e_json", "f_down", "i_up", "r_call", "h2_c32", "h2_down", "h2_new")
    words = ("--workloads", ",".join(workloads), "--clients", "hookline,niquests", "--environments", str(tmp_path))

    done = run(*BRIEF, *words, "--docs", str(tmp_path), timeout=900)

    assert done.returncode == 0, done.stderr
    figures = figures_in((tmp_path / "performance.md").read_text(encoding="utf-8"))
    assert not figures["errors"]
    assert not figures["about"]["missing"]
    measured = {name for name in workloads if "niquests" in figures["workloads"][name]}
    assert measured == {*workloads} - {"h2_new"}
    assert "niquests" in figures["startup"]


@pytest.mark.slow
def test_client_that_pip_cannot_install_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(NotInstalled, match="niquests"):
        environment_of("niquests", tmp_path)
