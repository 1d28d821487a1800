"""The hooks around the life of a client, and what plugins keep for each event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient, HttpResponse, PluginError, hookimpl
from hookline_testing.server import Gate, Script, ScriptedServer, response


class Life:
    """A plugin that records the hooks of its clients, and one state for each loop."""

    def __init__(self, name: str = "life", log: list[str] | None = None) -> None:
        self.name = name
        self.log: list[str] = [] if log is None else log

    def make(self) -> list[str]:
        self.log.append(f"{self.name} make")
        return []

    async def close(self, state: list[str]) -> None:
        await asyncio.sleep(0)
        self.log.append(f"{self.name} close {state}")

    @hookimpl
    def attached(self, client: HttpClient) -> None:
        assert client.plugins[self.name].plugin is self
        self.log.append(f"{self.name} attached")

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.client.per_loop(self.make, self.close).append(response.request.origin_form)

    @hookimpl
    def post_request(self, exc: BaseException | None) -> None:
        self.log.append(f"{self.name} post_request {type(exc).__name__}")

    @hookimpl
    async def closed(self, client: HttpClient) -> None:
        await asyncio.sleep(0)
        self.log.append(f"{self.name} closed")


ONE_CALL = ["life attached", "life make", "life post_request NoneType", "life closed", "life close ['/']"]


async def test_hooks_run_around_the_life_of_a_client(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    life = Life()
    async with HttpClient(autoload=False, plugins=[life]) as client:
        await client.get(scripted.url())
    assert life.log == ONE_CALL


def test_hooks_run_in_synchronous_mode(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    life = Life()
    with HttpClient(autoload=False, plugins=[life]) as client:
        client.get(scripted.url())
    assert life.log == ONE_CALL


def test_hooks_run_if_the_loop_ends_without_close(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    life = Life()

    async def main() -> None:
        await HttpClient(autoload=False, plugins=[life]).get(scripted.url())

    asyncio.run(main())
    assert life.log == ONE_CALL


async def test_client_that_was_never_used_is_attached_and_closed() -> None:
    life = Life()
    async with HttpClient(autoload=False, plugins=[life]):
        pass
    assert life.log == ["life attached", "life closed"]


def test_client_that_was_never_used_is_closed_without_a_loop() -> None:
    life = Life()
    client = HttpClient(autoload=False, plugins=[life])
    client.close()
    client.close()
    assert life.log == ["life attached", "life closed"]


async def test_closed_runs_after_the_last_post_request(scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"late")))
    life = Life()
    client = HttpClient(autoload=False, plugins=[life])
    call = asyncio.ensure_future(client.get(scripted.url()))
    await scripted.until(requests=1)
    await client.close()
    with pytest.raises(ClientClosed):
        await call
    gate.open()
    assert life.log[-3:] == ["life post_request ClientClosed", "life closed", "life close ['/']"]


async def test_client_that_is_used_again_is_closed_again(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    life = Life()
    client = HttpClient(autoload=False, plugins=[life])
    for _ in range(2):
        await client.get(scripted.url())
        await client.close()
    await client.close()
    assert life.log == ONE_CALL + ONE_CALL[1:]


async def test_hooks_run_in_the_order_of_plugins() -> None:
    log: list[str] = []
    first, second = Life("a", log), Life("b", log)
    first.after = "b"  # type: ignore[attr-defined]
    async with HttpClient(autoload=False, plugins=[first, second]) as client:
        listed = client.plugins.explain()
        assert [name for name, _ in client.plugins.order("closed")] == ["b", "a"]
    assert log == ["b attached", "a attached", "b closed", "a closed"]
    assert "attached\n  1. b: before a, which says after\n  2. a: after b\nclosed\n  1. b" in listed
    assert client.plugins["a"].hooks == ("pre_request", "post_request", "attached", "closed")


async def test_plugin_that_is_registered_later_is_attached_then() -> None:
    life = Life()
    async with HttpClient(autoload=False) as client:
        client.plugins.manager.register(life)
        assert life.log == ["life attached"]
    assert life.log == ["life attached", "life closed"]


async def test_what_attached_raises_refuses_the_plugin() -> None:
    class Refuses:
        @hookimpl
        def attached(self, client: HttpClient) -> None:
            raise OSError("no store")

    with pytest.raises(OSError, match="no store") as caught:
        HttpClient(autoload=False, plugins=[Refuses()])
    assert caught.value.__notes__ == ["raised in attached of plugin 'refuses'"]
    async with HttpClient(autoload=False) as client:
        with pytest.raises(OSError, match="no store"):
            client.plugins.manager.register(Refuses())
        assert not client.plugins


@pytest.mark.parametrize("hook", ["attached", "closed"])
def test_implementation_that_does_not_fit_is_refused(hook: str) -> None:
    def wrapper(self: Any, client: HttpClient) -> Any:
        yield

    plugin = type("Wraps", (), {hook: hookimpl(wrapper=True)(wrapper)})()
    with pytest.raises(PluginError, match=f"{hook} takes no wrappers"):
        HttpClient(autoload=False, plugins=[plugin])

    class Late:
        @hookimpl
        async def attached(self) -> None: ...

    with pytest.raises(PluginError, match="attached must be a plain function"):
        HttpClient(autoload=False, plugins=[Late()])


async def test_what_closed_raises_is_told_and_the_others_run(scripted: ScriptedServer) -> None:
    class Fails:
        before = "life"

        @hookimpl
        def closed(self) -> None:
            raise ValueError("cannot flush")

    scripted.answer(response(b"one"))
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    life = Life()
    async with HttpClient(autoload=False, plugins=[life, Fails()]) as client:
        await client.get(scripted.url())
    assert life.log == ONE_CALL
    assert [context["message"] for context in told] == ["closed of plugin 'fails' failed"]
    await scripted.until_closed_connections()


async def test_closed_can_send_requests(scripted: ScriptedServer) -> None:
    class Flushes:
        @hookimpl
        async def closed(self, client: HttpClient) -> None:
            await client.post(scripted.url("/flushed"), data=b"last")

    scripted.always(response(b"one"))
    async with HttpClient(autoload=False, plugins=[Flushes()]) as client:
        await client.get(scripted.url())
    assert [request.target for request in scripted.requests] == ["/", "/flushed"]
    await scripted.until_closed_connections()


def test_each_loop_has_a_state_of_its_own(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    life = Life()
    client = HttpClient(autoload=False, plugins=[life])

    async def main() -> None:
        await client.get(scripted.url())
        await client.get(scripted.url())

    asyncio.run(main())
    asyncio.run(main())
    client.get(scripted.url())
    client.close()
    states = [entry for entry in life.log if "make" in entry or "close [" in entry]
    assert states == [
        "life make", "life close ['/', '/']", "life make", "life close ['/', '/']", "life make", "life close ['/']",
    ]  # fmt: skip


def test_state_of_a_loop_that_the_client_leaves_is_closed_there(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    life = Life()
    client = HttpClient(autoload=False, plugins=[life])
    left = asyncio.new_event_loop()

    async def call() -> None:
        await client.get(scripted.url())

    left.run_until_complete(call())
    asyncio.run(call())
    assert [entry for entry in life.log if "close [" in entry] == ["life close ['/']"]
    left.run_until_complete(asyncio.sleep(0.01))
    assert [entry for entry in life.log if "close [" in entry] == ["life close ['/']"] * 2
    left.close()


async def test_states_are_by_the_function_that_makes_them() -> None:
    async with HttpClient(autoload=False) as client:
        one, other = Life(), Life()
        assert client.per_loop(one.make) is client.per_loop(one.make)
        assert client.per_loop(one.make) is not client.per_loop(other.make)
        closed: list[object] = []
        state = client.per_loop(dict, closed.append)
        assert client.per_loop(dict) is state == {}
    assert closed == [{}]


def test_state_needs_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        HttpClient(autoload=False).per_loop(dict)
