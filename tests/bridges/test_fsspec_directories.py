"""The file system for fsspec: directories of nginx, apache2 and aiohttp, and files that are written."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
from fsspec.callbacks import Callback

from hookline_bridges.fsspec import HooklineFileSystem
from hookline_bridges.fsspec.index import links_below
from servers.addresses import Site
from servers.file_server import FileServer, file_server

CONTENT = random.Random(8).randbytes(3_000_000)


@pytest.fixture
def fs() -> Iterator[HooklineFileSystem]:
    made = HooklineFileSystem(skip_instance_cache=True)
    yield made
    made.close()


@pytest.fixture
def tree(nginx: Site, fs: HooklineFileSystem) -> Iterator[str]:
    """A directory of nginx with files in three levels."""
    url = nginx.url(f"/tree/{uuid4().hex}")
    fs.pipe(
        {f"{url}/{name}": name.encode() for name in ("a.csv", "b.csv", "2025/a.csv", "2025/06/c.csv", "2026/a.txt")}
    )
    yield url
    fs.rm(url, recursive=True)


def test_nginx_index_is_listed_walked_and_searched(tree: str, fs: HooklineFileSystem) -> None:
    names = [f"{tree}/{name}" for name in ("2025", "2026", "a.csv", "b.csv")]
    for url in (tree, tree + "/"):
        assert fs.ls(url, detail=False) == names
        assert {entry["name"]: entry["type"] for entry in fs.ls(url)} == {
            name: "file" if name.endswith("csv") else "directory" for name in names
        }
        assert fs.isdir(url)
        assert not fs.isfile(url)
    assert fs.ls(tree + "/a.csv", detail=False) == [tree + "/a.csv"]
    with pytest.raises(FileNotFoundError):
        fs.ls(tree + "/missing")
    below = [f"{tree}/{name}" for name in ("2025/06/c.csv", "2025/a.csv", "2026/a.txt", "a.csv", "b.csv")]
    assert fs.find(tree) == below
    assert fs.find(tree, maxdepth=1) == [tree + "/a.csv", tree + "/b.csv"]
    assert [(root.removeprefix(tree), sorted(dirs), sorted(files)) for root, dirs, files in fs.walk(tree)] == [
        ("", ["2025", "2026"], ["a.csv", "b.csv"]),
        ("/2025", ["06"], ["a.csv"]),
        ("/2025/06", [], ["c.csv"]),
        ("/2026", [], ["a.txt"]),
    ]
    assert fs.du(tree) == sum(len(name) - len(tree) - 1 for name in below)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["2025", "2026", "a.csv", "b.csv"]),
        ("*.csv", ["a.csv", "b.csv"]),
        ("*/a.*", ["2025/a.csv", "2026/a.txt"]),
        ("**/*.csv", ["2025/06/c.csv", "2025/a.csv", "a.csv", "b.csv"]),
        ("202[56]/*.csv", ["2025/a.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("a.csv", ["a.csv"]),
        ("a.csv?version=1", ["a.csv?version=1"]),
        ("a.csv?raw", ["a.csv?raw"]),
        ("a.csv?filter[a]=*", ["a.csv?filter[a]=*"]),
        ("missing", []),
        ("missing/*", []),
    ],
)
def test_glob_finds_what_matches(tree: str, fs: HooklineFileSystem, pattern: str, expected: list[str]) -> None:
    assert fs.glob(f"{tree}/{pattern}") == [f"{tree}/{name}" for name in expected]
    assert list(fs.glob(f"{tree}/{pattern}", detail=True)) == [f"{tree}/{name}" for name in expected]


def test_apache_index_has_no_links_that_sort_it(apache: Site, fs: HooklineFileSystem) -> None:
    url = apache.url("/tree")
    assert fs.ls(url, detail=False) == [f"{url}/a.txt", f"{url}/b%20c.txt", f"{url}/below"]
    found = fs.cat(fs.find(url))
    assert sorted(found.values()) == [b"a.txt", b"b c.txt", b"below/d.txt"]
    assert fs.cat_file(f"{url}/b c.txt") == b"b c.txt"


def test_directories_are_downloaded_and_uploaded(tree: str, fs: HooklineFileSystem, tmp_path: Path) -> None:
    callback = Callback()
    fs.get(tree, str(tmp_path / "copy"), recursive=True, callback=callback)
    assert callback.value == callback.size
    assert (tmp_path / "copy/2025/06/c.csv").read_bytes() == b"2025/06/c.csv"
    (tmp_path / "copy/new.bin").write_bytes(CONTENT)
    fs.put(str(tmp_path / "copy"), tree + "/again", recursive=True)
    assert fs.cat_file(tree + "/again/new.bin") == CONTENT
    assert fs.find(tree + "/again/2025") == [f"{tree}/again/2025/06/c.csv", f"{tree}/again/2025/a.csv"]


def test_listings_are_kept_if_wanted_until_something_is_written(nginx: Site) -> None:
    fs = HooklineFileSystem(use_listings_cache=True, skip_instance_cache=True)
    url = nginx.url(f"/tree/{uuid4().hex}")
    fs.pipe(url + "/a", b"")
    assert fs.ls(url, detail=False) == [url + "/a"]
    HooklineFileSystem().pipe(url + "/b", b"")  # another file system, of which this one knows nothing
    assert fs.ls(url, detail=False) == [url + "/a"]
    fs.pipe(url + "/c", b"")
    assert fs.ls(url, detail=False) == [url + "/a", url + "/b", url + "/c"]
    fs.rm(url, recursive=True)
    fs.close()


def test_large_file_is_sent_while_it_is_written(nginx: Site, fs: HooklineFileSystem) -> None:
    url = nginx.url(f"/store/{uuid4().hex}")
    with fs.open(url, "wb", block_size=2**18) as file:
        for start in range(0, len(CONTENT), 100_000):
            file.write(CONTENT[start : start + 100_000])
    assert fs.cat_file(url) == CONTENT
    with pytest.raises(FileExistsError):
        fs.open(url, "xb")
    with pytest.raises(NotImplementedError, match=r"read .* or written as a whole"):
        fs.open(url, "ab")
    fs.rm(url)
    assert not fs.exists(url)


def test_upload_that_the_server_refuses_is_an_error_while_it_is_written(fs: HooklineFileSystem) -> None:
    with file_server() as server:
        server.status = 403
        file = fs.open(server.url(), "wb", block_size=2**16)
        with pytest.raises((PermissionError, ConnectionError)):  # noqa: PT012  # whichever write comes after the answer
            for _ in range(1000):
                file.write(bytes(2**16))
            file.close()
        file.closed = True


@pytest.mark.parametrize("size", [10, 500_000])
def test_file_whose_block_fails_is_not_put(nginx: Site, fs: HooklineFileSystem, size: int) -> None:
    url = nginx.url(f"/store/{uuid4().hex}")
    with pytest.raises(ZeroDivisionError), fs.open(url, "wb", block_size=2**16) as file:
        assert file.write(bytes(size)) / 0
    assert not fs.exists(url)


def interrupted(file: Any) -> None:
    with file:
        file.write(b"never")
        raise KeyboardInterrupt


def test_transaction_sends_its_files_at_its_end_or_never(nginx: Site, fs: HooklineFileSystem) -> None:
    url = nginx.url(f"/store/{uuid4().hex}")
    with fs.transaction, fs.open(url, "wb", block_size=1000) as file:
        file.write(CONTENT[:5000])
        assert not fs.exists(url)
    assert fs.cat_file(url) == CONTENT[:5000]
    with pytest.raises(KeyboardInterrupt), fs.transaction:
        interrupted(fs.open(url, "wb"))
    assert fs.cat_file(url) == CONTENT[:5000]
    fs.rm(url)


def test_put_file_sends_files_and_file_objects_and_tells_the_callback(
    nginx: Site, fs: HooklineFileSystem, tmp_path: Path
) -> None:
    url = nginx.url(f"/store/{uuid4().hex}")
    (tmp_path / "file").write_bytes(CONTENT)
    for source in (str(tmp_path / "file"), io.BytesIO(CONTENT)):
        callback = Callback()
        fs.put_file(source, url, callback=callback)
        assert (callback.size, callback.value) == (len(CONTENT), len(CONTENT))
        assert fs.cat_file(url) == CONTENT
    with pytest.raises(FileExistsError):
        fs.put_file(str(tmp_path / "file"), url, mode="create")
    with pytest.raises(ValueError, match="method="):
        fs.put_file(str(tmp_path / "file"), url, method="get")
    fs.rm(url)


def test_missing_directory_is_an_error_of_its_own(tree: str, fs: HooklineFileSystem) -> None:
    with pytest.raises(FileExistsError):
        fs.mkdir(tree)
    with pytest.raises(FileNotFoundError, match="directory above"):
        fs.mkdir(tree + "/x/y/z", create_parents=False)
    fs.makedirs(tree + "/x/y/z")
    assert fs.isdir(tree + "/x/y/z")
    assert fs.ls(tree + "/x/y/z") == []
    with pytest.raises(IsADirectoryError, match="recursive=True"):
        fs.rm(tree + "/x")
    fs.mv(tree + "/a.csv", tree + "/moved.csv")
    assert fs.cat_file(tree + "/moved.csv") == b"a.csv"
    assert not fs.exists(tree + "/a.csv")


def test_modified_is_what_the_server_says(tree: str, fs: HooklineFileSystem) -> None:
    assert abs((datetime.now(UTC) - fs.modified(tree + "/a.csv")).total_seconds()) < 60
    with file_server() as server, pytest.raises(NotImplementedError, match="does not say"):
        fs.modified(server.url())


def test_server_without_directories_makes_none(fs: HooklineFileSystem) -> None:
    with file_server() as server:
        server.status = 501
        with pytest.raises(NotImplementedError, match="MKCOL"):
            fs.mkdir(server.url())
        fs.makedirs(server.url())  # a file that is put there will make it


def index(server: FileServer, page: str) -> str:
    server.content, server.mimetype, server.etag = page.encode(), "text/html", None
    return server.site.url("/data")


def test_server_that_does_not_redirect_has_directories_too(fs: HooklineFileSystem) -> None:
    with file_server() as server:
        url = index(server, '<a href="/data/a">a</a> <a href="/data/below/">below</a> <a href="/other">other</a>')
        assert fs.ls(url, detail=False) == [url + "/a", url + "/below"]
        assert fs.isdir(url)
        url = index(server, "<p>No links here.")
        assert not fs.isdir(url)
        assert fs.ls(url, detail=False) == [url]


@pytest.mark.parametrize(
    ("page", "below"),
    [
        ('<a href="x">', ["http://h/d/x"]),
        ("<A CLASS=a HREF=x>", ["http://h/d/x"]),
        ('<a href="a&amp;b">', ["http://h/d/a&b"]),
        ('<a href="http://h/d/x#y">', ["http://h/d/x"]),
        ('<a href="x?v=1">', ["http://h/d/x?v=1"]),
        ('<a href="x"><a href="./x">', ["http://h/d/x"]),
        ('<a href="/d/s/">', ["http://h/d/s/"]),
        ('<base href="/d/s/"><a href="x">', ["http://h/d/s/x"]),
        ('<a href="//h/d/x">', ["http://h/d/x"]),
        ("see http://h/d/x, or so", ["http://h/d/x,"]),
        ('<a href="?C=N;O=D"><a href="../"><a href=".."><a href="."><a href="#"><a href="">', []),
        ('<a href="/e/x"><a href="http://h/dd"><a href="http://h.evil/d/x"><a href="http://i/d/x">', []),
        ('<a href="../../d/x">', ["http://h/d/x"]),
        ('<a href="%2e%2e/x"><a href="s/.%2E">', []),
        ('<a href="https://h/d/x"><a href="mailto:x"><a href="javascript:x"><a href="http://[/d">', []),
    ],
)
def test_links_below_a_directory_are_its_entries(page: str, below: list[str]) -> None:
    assert links_below(page, "http://h/d/", "http://h/d/", simple_links=True, same_scheme=True) == below


def test_entries_with_another_scheme_are_taken_if_wanted() -> None:
    page = '<a href="https://h/d/x">x</a> http://h/d/y'
    assert links_below(page, "http://h/d/", "http://h/d", simple_links=False, same_scheme=False) == ["https://h/d/x"]


def test_name_that_leaves_the_directory_is_not_written_elsewhere(fs: HooklineFileSystem, tmp_path: Path) -> None:
    with file_server() as server:
        url = index(server, '<a href="/data/%2e%2e/%2e%2e/evil">x</a><a href="/data/a/../../../evil">y</a>')
        assert all(".." not in name for name in fs.ls(url, detail=False))
        fs.get(url, str(tmp_path / "in"), recursive=True, maxdepth=1)
        assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_cached_files_are_fetched_again_if_the_file_was_changed(
    nginx: Site, fs: HooklineFileSystem, tmp_path: Path
) -> None:
    url = nginx.url(f"/store/{uuid4().hex}")
    cached = fsspec.filesystem("filecache", fs=fs, cache_storage=str(tmp_path), check_files=True)
    for content in (b"one", b"two!"):
        fs.pipe(url, content)
        assert cached.cat_file(url) == content
    fs.rm(url)


def test_large_index_is_listed(fs: HooklineFileSystem) -> None:
    with file_server() as server:
        url = index(server, "".join(f'<a href="/data/{number}">x</a>' for number in range(10_000)))
        assert len(fs.ls(url)) == 10_000
