"""Errors of connecting say what went wrong and with what: the place, the source address, the resolver, the handshake."""

import asyncio
import errno
import re
import socket
import struct

import pytest

from hookline import (
    ConnectTimeout,
    DNSError,
    HooklineError,
    HttpClient,
    HttpConnectionError,
    HttpRequestException,
    InvalidURL,
    LocalProtocolError,
    PluginError,
    ReadTimeout,
    SSLError,
    Timeout,
)
from hookline.errors import reason_of
from hookline_testing.server import Script, response

# -- source_address

NO_SOURCES = {
    "word": "bogus",
    "unknown_name": "bogus.invalid",
    "four_numbers": "999.1.1.1",
    "space": " 127.0.0.1",
    "nul": "127.0.0.1\0",
    "long_label": "x" * 70,
    "empty_label": "x..y",
    "of_another_machine": "192.0.2.1",
    "of_another_family": "::1",
    "zone_of_nobody": "fe80::1%nowhere",
    "port_too_large": ("127.0.0.1", 65536),
    "port_below_zero": ("127.0.0.1", -1),
}


@pytest.mark.parametrize("resolved", [False, True], ids=["address", "name"])
@pytest.mark.parametrize("source", NO_SOURCES.values(), ids=NO_SOURCES)
async def test_source_address_that_cannot_be_used_is_what_the_error_is_about(scripted, source, resolved):
    async def resolver(host, port):
        return ["127.0.0.1", "127.0.0.1"]

    url = scripted.url(host="somewhere.test" if resolved else None)
    async with HttpClient(autoload=False, resolver=resolver) as client:
        with pytest.raises(HttpConnectionError, match="source_address") as caught:
            await client.get(url, source_address=source)
    assert not isinstance(caught.value, DNSError)
    assert "no address for the host" not in str(caught.value)
    assert "\0" not in str(caught.value)


async def test_source_port_that_is_taken_is_what_the_error_is_about(scripted):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        source = taken.getsockname()
        async with HttpClient(autoload=False, source_address=source) as client:
            with pytest.raises(HttpConnectionError, match=f"source_address='127.0.0.1', port {source[1]}: .*in use"):
                await client.get(scripted.url())


async def test_source_address_may_be_a_name(scripted):
    scripted.always(response(b"found"))
    async with HttpClient(autoload=False, source_address="localhost") as client:
        assert (await client.get(scripted.url())).content == b"found"


async def test_unix_socket_is_the_place_that_the_error_names(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path / ("x" * 200), tmp_path):
        async with HttpClient(autoload=False, unix_socket=path) as client:
            with pytest.raises(HttpConnectionError, match=str(path)) as caught:
                await client.get("http://origin.example/")
        assert "origin.example" not in str(caught.value)
        assert not str(caught.value).endswith(": ")


# -- resolvers


class Refused(HttpRequestException):
    """An error class of another package."""


class RefusedAsValue(HooklineError, ValueError):
    """Another one."""


ERRORS = {
    "own_request_exception": Refused("not allowed"),
    "own_error": RefusedAsValue("not allowed"),
    "connection": HttpConnectionError("not allowed"),
    "dns": DNSError("not allowed"),
    "tls": SSLError("not allowed"),
    "connect_timeout": ConnectTimeout("not allowed"),
    "read_timeout": ReadTimeout("not allowed"),
    "local_protocol": LocalProtocolError("not allowed"),
    "invalid_url": InvalidURL("not allowed"),
    "plugin": PluginError("not allowed"),
}


@pytest.mark.parametrize("timeout", [None, 5, Timeout(5, connect=3), Timeout(connect=3, tls=3)], ids=str)
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_error_of_our_tree_from_a_resolver_is_not_rewritten(error, timeout, scheme):
    asked = []

    async def resolver(host, port):
        asked.append(host)
        raise error

    async with HttpClient(autoload=False, resolver=resolver) as client:
        with pytest.raises(type(error)) as caught:
            await client.get(f"{scheme}://somewhere.test/", timeout=timeout)
    assert caught.value is error
    assert str(caught.value) == "not allowed"
    assert asked == ["somewhere.test"]


@pytest.mark.parametrize(
    ("error", "words"),
    [(TimeoutError(), "it took too long"), (ConnectionResetError(), "the peer closed the connection"), (OSError("boom"), "boom"),
     (OSError(), "OSError"), (socket.gaierror(), "gaierror"), (PermissionError(errno.EPERM, "no"), "no")],
    ids=["timeout", "reset", "text", "nothing", "resolver", "system"],
)  # fmt: skip
async def test_error_of_the_system_from_a_resolver_has_words(error, words):
    async def resolver(host, port):
        raise error

    async with HttpClient(autoload=False, resolver=resolver) as client:
        with pytest.raises(HttpConnectionError, match=f"somewhere.test.*: {words}") as caught:
            await client.get("http://somewhere.test/")
    assert caught.value.__cause__ is error


# -- handshakes


def reset(writer):
    """Close with RST: no word of farewell."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(reader, writer):
    await reader.read(64 * 1024)
    writer.close()


async def hang_up_at_once(reader, writer):
    writer.close()


async def reset_behind_the_first_bytes(reader, writer):
    await reader.read(1)
    reset(writer)


async def hang_up_within_a_record(reader, writer):
    await reader.read(64 * 1024)
    writer.write(b"\x16\x03\x03\x00\x50\x02\x00")
    writer.close()


ENDS = [hang_up, hang_up_at_once, reset_behind_the_first_bytes, hang_up_within_a_record]


@pytest.mark.parametrize("timeout", [None, 5, Timeout(connect=3, tls=3)], ids=["any", "total", "tls"])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_handshake_that_ends_early_says_what_happened(end, timeout):
    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(autoload=False, timeout=timeout) as client:
            with pytest.raises(HttpConnectionError, match=f"TLS handshake with 127.0.0.1:{port} failed: .") as caught:
                await client.get(f"https://127.0.0.1:{port}/")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_handshake_on_a_connection_that_is_there_says_what_happened(scripted, certificates, end):
    """As behind a tunnel: start_tls."""
    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        route_port = server.sockets[0].getsockname()[1]
        from hookline import DirectRoute

        async with HttpClient(autoload=False) as client:
            connection = await DirectRoute("http", "127.0.0.1", route_port).open(client)
            with pytest.raises(HttpConnectionError, match=r"TLS handshake with localhost failed: ."):
                await connection.start_tls(certificates.client_context(), "localhost", 5)


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), BrokenPipeError(), EOFError(), OSError(), asyncio.CancelledError(),
     asyncio.IncompleteReadError(b"", 1), KeyError(), socket.gaierror()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_no_error_is_without_a_reason(error):
    assert reason_of(error).strip()


# -- files of certificates


@pytest.mark.parametrize("option", ["verify", "cert"])
@pytest.mark.parametrize("kind", ["nowhere", "empty", "folder"])
async def test_file_of_certificates_that_cannot_be_read_is_named(scripted, tmp_path, option, kind):
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    if option == "verify" and kind == "folder":
        return  # a directory of authorities, which may have none
    path = tmp_path / kind
    async with HttpClient(autoload=False) as client:
        with pytest.raises(OSError, match=f"{option}.*{path}") as caught:
            await client.get(f"https://127.0.0.1:{scripted.port}/", **{option: path})
    assert re.match(rf"(\[Errno \d+\] )?{option}", str(caught.value))


async def test_upload_to_a_peer_that_resets_says_what_happened(make_scripted):
    server = make_scripted(strict=False)
    server.answer(Script().reset())

    async def body():
        for _ in range(100):
            yield b"x" * 100_000

    async with HttpClient(autoload=False) as client:
        with pytest.raises(HttpConnectionError, match=r"\w"):
            await client.post(server.url(), data=body())
