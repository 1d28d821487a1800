"""The file system for fsspec: fsspec's own suites of tests, over nginx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

pytest.importorskip("fsspec")

from fsspec.tests import abstract

from hookline_bridges.fsspec import HooklineFileSystem
from servers.addresses import Site


class HooklineFixtures(abstract.AbstractFixtures):
    @pytest.fixture
    def fs(self) -> HooklineFileSystem:
        return HooklineFileSystem()

    @pytest.fixture
    def fs_path(self, nginx: Site, fs: HooklineFileSystem) -> Iterator[str]:
        path = nginx.url(f"/tree/{uuid4().hex}")
        fs.mkdir(path)
        yield path
        fs.rm(path, recursive=True)

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)


class TestCopy(abstract.AbstractCopyTests, HooklineFixtures):
    pass


class TestGet(abstract.AbstractGetTests, HooklineFixtures):
    pass


class TestOpen(abstract.AbstractOpenTests, HooklineFixtures):
    pass


class TestPipe(abstract.AbstractPipeTests, HooklineFixtures):
    pass


class TestPut(abstract.AbstractPutTests, HooklineFixtures):
    pass
