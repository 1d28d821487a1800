"""Entry points are read from files as importlib.metadata reads them, and by importlib.metadata where it takes more."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import MetadataPathFinder
from pathlib import Path
from zipfile import ZipFile

import pytest

from hookline import HttpClient
from hookline.plugins.distributions import entry_points, entry_points_by_importlib
from hookline.plugins.entry_point import EntryPoint
from kit.distributions import Site, build_wheel, members, plugin_source

GROUPS = ("hookline", "hookline.optional", "hookline.names")
HEAD = "Metadata-Version: 2.1\nName: {0}\nVersion: {1}\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A `sys.path` with two folders."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    found = [str(folder) for folder in folders]
    monkeypatch.setattr(sys, "path", found)
    return found


def write(folder: str, name: str, **files: str) -> None:
    info = Path(folder) / name
    info.mkdir()
    for file, text in files.items():
        (info / file.replace("entry_points", "entry_points.txt").replace("PKG_INFO", "PKG-INFO")).write_text(text)


def both_ways() -> list[EntryPoint]:
    """What is found; the two ways must agree."""
    found = sorted(entry_points(*GROUPS))
    assert found == sorted(entry_points_by_importlib(GROUPS))
    return found


def test_offers_are_those_of_importlib_where_the_tests_run() -> None:
    names = {offer.name for offer in both_ways()}

    assert "testing" in names
    for package in ("hookline_auth", "hookline_cookies", "hookline_retry", "hookline_websocket"):
        pytest.importorskip(package)
    assert {"basic", "cookies", "retry", "WS"} <= names


def test_offers_read_all_groups_and_layouts(path: list[str]) -> None:
    text = """# ours
[other]
a = b:C

[hookline]
  one=acme:One
two = acme.deep : Two.Inner [extra]
[hookline.names]
X = acme:X
"""
    write(path[0], "Acme_Tools-1.0.dist-info", METADATA=HEAD.format("Acme.Tools", "1.0"), entry_points=text)
    write(path[0], "old-0.1-py3.9.egg-info", PKG_INFO=HEAD.format("old", "0.1"), entry_points="[hookline]\no = old:O\n")
    write(
        path[1], "plain.egg-info", PKG_INFO=HEAD.format("plain", "2"), entry_points="[hookline.optional]\np = plain\n"
    )
    write(path[1], "none-1.dist-info", METADATA=HEAD.format("none", "1"))
    Path(path[1], "file-1.egg-info").write_text(HEAD.format("file", "1"))

    assert both_ways() == [
        ("hookline", "o", "old:O", "old", "0.1"),
        ("hookline", "one", "acme:One", "Acme.Tools", "1.0"),
        ("hookline", "two", "acme.deep : Two.Inner [extra]", "Acme.Tools", "1.0"),
        ("hookline.names", "X", "acme:X", "Acme.Tools", "1.0"),
        ("hookline.optional", "p", "plain", "plain", "2"),
    ]


def test_offers_of_the_first_distribution_of_a_name_alone_count(path: list[str]) -> None:
    write(path[0], "Acme.Cookies-2.0.dist-info", METADATA=HEAD.format("Acme.Cookies", "2.0"))
    for version in ("1.0", "3.0"):
        entries = f"[hookline]\nv{version[0]} = acme:Jar\n"
        write(
            path[1],
            f"acme_cookies-{version}.dist-info",
            METADATA=HEAD.format("acme-cookies", version),
            entry_points=entries,
        )
    assert both_ways() == []
    path.reverse()
    assert len(both_ways()) == 1


def test_offers_take_name_and_version_from_the_head_of_the_metadata(path: list[str]) -> None:
    metadata = "Metadata-Version: 2.1\r\nname: Acme-Jar\r\nVERSION: 1.0\r\n\r\nVersion: 7\r\nName: other\r\n"
    write(path[0], "acme_jar-1.dist-info", METADATA=metadata, entry_points="[hookline]\r\njar = acme:Jar\r\n")

    assert both_ways() == [("hookline", "jar", "acme:Jar", "Acme-Jar", "1.0")]


def test_offers_survive_broken_distributions(path: list[str]) -> None:
    write(path[0], "good-1.dist-info", METADATA=HEAD.format("good", "1"), entry_points="[hookline]\ng = good:G\n")
    write(path[0], "bad-1.dist-info", entry_points="[hookline]\nb = bad:B\n")
    write(path[0], "folder-1.dist-info")
    Path(path[0], "folder-1.dist-info", "entry_points.txt").mkdir()
    write(path[0], "words-1.dist-info", METADATA=HEAD.format("words", "1"), entry_points="[hookline.names]\nno sense\n")
    write(path[0], "bytes-1.dist-info")
    Path(path[0], "bytes-1.dist-info", "entry_points.txt").write_bytes(b"[console_scripts]\n\xff\xfe = x:y\n")
    path.append(str(Path(path[0]) / "not-there"))

    assert sorted(entry_points("hookline")) == [
        ("hookline", "b", "bad:B", "bad", "1"),
        ("hookline", "g", "good:G", "good", "1"),
    ]


def test_offers_find_the_working_directory(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write(path[0], "here-1.dist-info", METADATA=HEAD.format("here", "1"), entry_points="[hookline]\nh = here:H\n")
    monkeypatch.chdir(path[0])
    path[:] = [""]

    assert [offer.name for offer in both_ways()] == ["h"]


def test_offers_in_a_zip_file_and_in_an_egg_are_found(path: list[str], tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "acme-zipped", plugin_source("Zipped"), {"zipped": "Zipped"})
    egg = tmp_path / "old-1.0-py3.9.egg"
    egg.mkdir()
    write(str(egg), "EGG-INFO", PKG_INFO=HEAD.format("old", "1.0"), entry_points="[hookline]\nold = old:O\n")
    path[:] = [str(egg), str(wheel), *path]

    assert [(offer.name, offer.distribution) for offer in both_ways()] == [("old", "old"), ("zipped", "acme-zipped")]
    path.remove(str(egg))
    assert [offer.name for offer in both_ways()] == ["zipped"]


def test_offers_of_a_finder_of_somebody_else_are_found(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        """Knows one folder that is not on the path, as frozen programs have them."""

        @staticmethod
        def find_spec(*_: object) -> None:
            return None

        @staticmethod
        def find_distributions(context: object = None) -> object:
            elsewhere = MetadataPathFinder.Context(path=[hidden])
            return MetadataPathFinder.find_distributions(elsewhere)

    hidden = path.pop()
    write(hidden, "hid-1.dist-info", METADATA=HEAD.format("hid", "1"), entry_points="[hookline]\nhid = hid:H\n")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert [offer.name for offer in both_ways()] == ["hid"]


def test_plugin_in_a_zip_file_is_loaded(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "plugins.zip"
    with ZipFile(archive, "w") as zipped:
        for name, text in members("acme-zipped", plugin_source("Zipped"), {"zipped": "Zipped"}).items():
            zipped.writestr(name, text)
    monkeypatch.syspath_prepend(str(archive))

    plugins = HttpClient().plugins

    assert [(info.name, info.distribution) for info in plugins] == [("zipped", "acme-zipped")]


def test_first_client_does_not_import_what_reads_distributions() -> None:
    program = "import sys, hookline; hookline.HttpClient(); sys.exit('importlib.metadata' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
