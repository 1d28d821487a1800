"""A client that nobody refers to any more is collected, with its plugins, on every version of Python."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, hookimpl
from hookline_testing.server import ScriptedServer, response


class Holder:
    """A plugin that holds its client, and nothing before."""

    @hookimpl
    def attached(self, client: HttpClient) -> None:
        self.client = client


class SelfHolder(HttpClient):
    """A client that holds itself, and has attributes of its own before those of the client."""

    def __init__(self) -> None:
        self.number = 1
        super().__init__(autoload=False)
        self._itself = self


def changed() -> HttpClient:
    client = HttpClient(autoload=False)
    client.timeout = 3
    client.headers = {"A": "b"}  # type: ignore[assignment]
    client.event("on_headers").bind(lambda response: client.headers)
    _ = client.plugins.manager
    return client


MAKERS: dict[str, Callable[[], HttpClient]] = {
    "without plugins": lambda: HttpClient(autoload=False),
    "with all plugins": HttpClient,
    "with values": lambda: HttpClient(timeout=3, headers={"A": "b"}, params={"a": 1}),
    "with a plugin that holds it": lambda: HttpClient(autoload=False, plugins=[Holder()]),
    "of a subclass": SelfHolder,
    "changed": changed,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_dropped_client_is_collected(kind: str) -> None:
    client = MAKERS[kind]()
    found = weakref.ref(client)
    del client
    gc.collect()
    assert found() is None


def test_client_whose_making_failed_is_collected() -> None:
    before = weakref.WeakSet(each for each in gc.get_objects() if isinstance(each, HttpClient))
    with pytest.raises(TypeError, match="unexpected keyword 'nothing'"):
        HttpClient(autoload=False, plugins=[Holder()], nothing=1)
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, HttpClient) and each not in before] == []


def test_client_that_was_used_is_collected(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    client = HttpClient(plugins=[Holder()])
    with client:
        answer: Any = client.get(scripted.url())
    assert answer.content == b"x"
    found = weakref.ref(client)
    del client, answer
    gc.collect()
    assert found() is None


async def test_client_that_was_used_in_a_loop_is_collected(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    client = HttpClient(plugins=[Holder()])
    async with client:
        assert (await client.get(scripted.url())).content == b"x"
    found = weakref.ref(client)
    del client
    gc.collect()
    assert found() is None
