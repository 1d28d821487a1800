"""Errors on the way to and through a proxy say what happened, and to whom: proxy, origin or source address."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from hookline import DNSError, HttpClient, HttpConnectionError, HttpProxyError, RemoteProtocolError
from servers.addresses import refused_port
from servers.raw import hang_up, reset

pytest.importorskip("python_socks", reason="LOUD: hookline-tunnel[socks] is not installed")

SOCKS = ["socks4", "socks4a", "socks5", "socks5h"]
PROXIES = ["http", "https", *SOCKS]


@pytest.mark.parametrize("end", [hang_up, reset], ids=["hang_up", "reset"])
@pytest.mark.parametrize("origin", ["http", "https"])
@pytest.mark.parametrize("scheme", PROXIES)
async def test_proxy_that_ends_the_handshake_is_named_and_did_not_refuse(scheme: str, origin: str, end: Any) -> None:
    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(proxies={"all": f"{scheme}://127.0.0.1:{port}", "no": ""}) as client:
            with pytest.raises(HttpConnectionError) as caught:
                await client.get(f"{origin}://127.0.0.3/")
    assert not isinstance(caught.value, HttpProxyError)
    assert not str(caught.value).rstrip().endswith(":")
    assert "clos" in str(caught.value) or "reset" in str(caught.value)
    if (scheme, origin) != ("http", "http"):
        assert f":{port}" in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


@pytest.mark.parametrize("source", ["bogus", "x" * 70, "192.0.2.1", "::1"], ids=["word", "label", "other", "family"])
@pytest.mark.parametrize("scheme", PROXIES)
async def test_source_address_that_cannot_be_used_is_what_the_error_is_about(scheme: str, source: str) -> None:
    with refused_port() as port:
        async with HttpClient(proxies={"all": f"{scheme}://127.0.0.1:{port}", "no": ""}) as client:
            with pytest.raises(HttpConnectionError, match=f"source_address='{source[:20]}") as caught:
                await client.get("https://127.0.0.3/", source_address=source)
    assert not isinstance(caught.value, DNSError)


@pytest.mark.parametrize("scheme", SOCKS)
@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"\xff" * 64, b"\x05\x00\x05\x00\x00\x09" + b"\xff" * 20,
     b"\x05\x00\x05\x00\x00\x03\x00" + b"\xff" * 20, b"\x05\x02\x01\xff", b"\x00\x5a", b"\x00\xff" + b"\0" * 6],
    ids=["http", "zeros", "ones", "address_type", "empty_name", "method", "cut", "code"],
)  # fmt: skip
async def test_nonsense_of_a_socks_proxy_is_a_connection_error(scheme: str, answer: bytes) -> None:
    seen: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
            writer.write(answer)
            writer.write_eof()
            await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(proxies={"all": f"{scheme}://127.0.0.1:{port}", "no": ""}) as client:
            with pytest.raises((HttpConnectionError, RemoteProtocolError)) as caught:
                await client.get("http://127.0.0.3/", timeout=5)
    if isinstance(caught.value, HttpProxyError):  # else the tunnel was granted, and what came through it is nonsense
        assert f"{scheme}://127.0.0.1:{port} refused" in str(caught.value)
    assert seen == []
