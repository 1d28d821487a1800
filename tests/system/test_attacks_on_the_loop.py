"""Whatever a server or a proxy answers, no exception gets out of what the loop calls, and each call ends with an error of ours.

An exception there ends in the log ("Fatal error: protocol.buffer_updated() call failed"), and says nothing to the caller.
"""

import asyncio
import random

import pytest

from hookline import HooklineError, HttpClient
from hookline_testing.server import Script, chunked, head, response

DIGEST = 'Digest realm="a", nonce="b", qop="auth", algorithm=SHA-256'
SEEDS = [
    response(b"hello"), chunked(b"hello", b"again", trailers=[("X", "y")]),
    head(103, [("Link", "</a>; rel=preload")]) + response(b"", 301, [("Location", "/x")]),
    response(b"\x1f\x8b\x08\x00\x00", headers=[("Content-Encoding", "gzip"), ("Set-Cookie", "a=b; Max-Age=" + "9" * 30)]),
    response(b"", 401, [("WWW-Authenticate", DIGEST)]), response(b"abc", 407, [("Proxy-Authenticate", "Basic")]),
    head(101, [("Upgrade", "websocket"), ("Connection", "upgrade")]) + b"xxx", head(100) + head(200) + b"until the end",
    response(b"", 503, [("Retry-After", "9" * 40)]), response(b"x", headers=[("Content-Type", "text/plain; charset=\x01")]),
    head(200) + b"a tunnel", b"",
]  # fmt: skip
PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"0" * 50, b"9" * 30, b"f" * 20, b"-1", b"\xff", b"\xc3\xa9", b"chunked",
    b"gzip, chunked", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b";", b",", b"=", b'"', b"%", b"101", b"204",
]  # fmt: skip


def mutated(choice):
    """A response, with bytes changed, taken out or put in."""
    data = bytearray(choice.choice(SEEDS))
    for _ in range(choice.choice([0, 1, 2, 4])):
        at, what = choice.randrange(len(data) + 1), choice.random()
        if what < 0.5:
            data[at:at] = choice.choice(PIECES)
        elif what < 0.7:
            del data[at : at + 5]
        else:
            data[at : at + 1] = bytes([choice.randrange(256)])
    return bytes(data)


async def hand_on(response, **kwargs):
    """A handler of the user's."""
    response.has("x")


def look(response, **kwargs):
    """Another one, of the data events."""


KINDS = {
    "get": ("http", {}),
    "stream": ("http", {"stream": True}),
    "limited": ("http", {"max_body": 3}),
    "handlers": ("http", {"on_headers": hand_on, "data_received": look, "data_processed": look}),
    "upload": ("http", {"data": [b"x" * 1000] * 3}),
    "websocket": ("ws", {}),
    "proxy": ("http", {"proxies": {"all": "{}", "no": ""}}),
    "tunnel": ("https", {"proxies": {"all": "{}", "no": ""}}),
    "tls": ("https", {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
async def test_answers_of_all_sorts(make_scripted, kind, seed):
    choice = random.Random(f"{kind} {seed}")
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    server = make_scripted(strict=False)
    scheme, options = KINDS[kind]
    if "proxies" in options:
        options = {"proxies": {"all": server.url().replace("//", "//user:secret@"), "no": ""}}
    make = server.greet if kind == "tls" else server.answer
    async with HttpClient(timeout=5) as client:
        for _ in range(40):
            script = Script(mutated(choice))
            make(choice.choice([script.close, script.until_read().reset])())
            try:
                method = "POST" if "data" in options else "GET"
                answer = await client.request(method, f"{scheme}://127.0.0.1:{server.port}/", **options)
                if options.get("stream"):
                    async with answer:
                        await answer.raw.read()
            except HooklineError:
                pass
    assert told == []
