"""Cassettes of real servers: what nginx, httpbin and aiohttp over TLS answered is replayed when they are gone, from valid HAR."""

import asyncio
import contextlib
import json

import pytest

from hookline import HttpClient
from hookline_auth import HTTPDigestAuth
from hookline_testing import Cassette
from kit.har import har_problems
from servers.aiohttp_app import aiohttp_site
from servers.nginx import nginx_sites
from servers.programs import httpbin_site

SECRETS = ("s3cret-form", "s3cret-json", "s3cret-part")


async def called(client, method, url, **options):
    """All of one call that a program can see, dates and ports aside."""
    response = await client.request(method, url, **options)
    hops = [*response.history, response]
    return (
        [(hop.status_code, hop.reason, hop.request.method, hop.request.target) for hop in hops],
        [(hop.headers.get("content-type"), hop.headers.get("content-encoding"), hop.content) for hop in hops],
        [sorted(hop.cookies) for hop in hops],
        dict(response.trailers),
    )


async def streamed(client, url, **options):
    async with await client.get(url, stream=True, **options) as response:
        pieces = [data async for data in response.raw]
    return b"".join(pieces), dict(response.trailers)


async def tour_of_httpbin(client, url):
    digest = HTTPDigestAuth("s3cret-user", "passwd")
    numbers = (b"%d" % number for number in range(3))
    return [
        await called(client, "GET", url("/cookies/set?session=s3cret-session")),
        await called(client, "GET", url("/digest-auth/auth/s3cret-user/passwd"), auth=digest),
        await called(client, "GET", url("/digest-auth/auth-int/s3cret-user/passwd/SHA-256"), auth=digest),
        await called(client, "GET", url("/basic-auth/s3cret-user/passwd"), auth=("s3cret-user", "passwd")),
        await called(client, "GET", url("/redirect/3")),
        await called(client, "GET", url("/gzip")),
        await called(client, "GET", url("/deflate")),
        await called(client, "GET", url("/brotli")),
        await called(client, "PUT", url("/anything"), data=numbers),
        await called(client, "GET", url("/image/png")),
        await called(client, "GET", url("/response-headers?X-Latin=%E9")),
        await called(client, "HEAD", url("/get")),
        await called(client, "GET", url("/status/204")),
        await called(client, "GET", url("/etag/x"), headers={"If-None-Match": "x"}),
        await streamed(client, url("/stream/20")),
        await streamed(client, url("/stream-bytes/100000?seed=1&chunk_size=1000")),
        # what httpbin shows again of these is a secret of theirs in a text: see `test_secrets_that_a_server_repeats`
        (await called(client, "POST", url("/status/201"), data={"password": "s3cret-form"}))[0],
        (await called(client, "POST", url("/status/201"), json={"access_token": "s3cret-json"}))[0],
        (await called(client, "POST", url("/status/201"), data={"password": "s3cret-part"}, files={"f": b"x"}))[0],
    ]


async def tour_of_nginx(client, url):
    return [
        await called(client, "GET", url("/redirects/3")),
        await called(client, "GET", url("/gzip/1m.json")),
        await streamed(client, url("/gzip/1m.json")),
        await called(client, "GET", url("/chunked/small.json")),
        await streamed(client, url("/chunked/small.json")),
        await called(client, "GET", url("/1m.bin"), headers={"Range": "bytes=10-99"}),
        await streamed(client, url("/1m.bin")),
        await called(client, "PUT", url("/store/cassette"), data=b"hello"),
        await called(client, "GET", url("/store/cassette")),
        await called(client, "DELETE", url("/store/cassette")),
        await called(client, "GET", url("/store/cassette")),
        await called(client, "GET", url("/once/small.json")),
        await called(client, "HEAD", url("/1m.bin")),
        *[await called(client, "GET", url(f"/status/{status}")) for status in (204, 304, 404, 500)],
    ]


async def tour_of_aiohttp(client, url):
    async def slowly():
        for number in range(20):
            yield b"%d" % number * 1000

    return [
        await called(client, "GET", url("/cookies?session=s3cret-session&b=2")),
        await called(client, "GET", url("/gzip")),
        await called(client, "GET", url("/deflate?raw=1")),
        await called(client, "POST", url("/redirect/2?status=307"), data=b"x"),
        await streamed(client, url("/stream/500000")),
        await called(client, "POST", url("/form"), files={"f": ("a.bin", bytes(range(256)) * 300)}),
        await called(client, "POST", url("/upload"), data=slowly()),
    ]


TOURS = {
    "httpbin": tour_of_httpbin,
    "nginx": tour_of_nginx,
    "nginx over TLS": tour_of_nginx,
    "aiohttp over TLS": tour_of_aiohttp,
}


@contextlib.contextmanager
def running(name, certificates):
    """A server of its own, because it is gone when the recording is replayed."""
    with contextlib.ExitStack() as stack:
        if name == "httpbin":
            yield stack.enter_context(httpbin_site())
        elif name.startswith("nginx"):
            yield stack.enter_context(nginx_sites(certificates))[name.endswith("TLS")]
        else:
            yield stack.enter_context(aiohttp_site(certificates.server_context()))


@pytest.mark.parametrize("name", TOURS)
def test_real_server_is_replayed_when_it_is_gone(tmp_path, certificates, name):
    path = tmp_path / "tour.har"
    redact = ["session"]

    async def tour(url):
        async with HttpClient(verify=str(certificates.ca_file), timeout=30) as client:
            return await TOURS[name](client, url)

    with running(name, certificates) as site, Cassette(path, redact=redact):
        live = asyncio.run(tour(site.url))
    with Cassette(path, redact=redact, record="none") as cassette:
        replayed = asyncio.run(tour(site.url))

    assert cassette.unused == []
    for before, after in zip(live, replayed, strict=True):
        assert without_secrets(after) == without_secrets(before)
    text = path.read_text()
    assert list(har_problems(json.loads(text))) == []

    assert [secret for secret in SECRETS if secret in text] == []
    assert '"Basic ' not in text
    assert '"Digest username' not in text


def without_secrets(found):
    """As a text, in which a secret and what stands in its place are the same, and so are JSON texts of one value."""
    return repr(found).replace("s3cret-session", "REDACTED").replace("\\n", "").replace(" ", "")


def test_secrets_that_a_server_repeats_are_found_in_members_and_not_in_texts(tmp_path, httpbin):
    """What docs/testing.md says: other secrets in bodies are for the user to look for."""
    path = tmp_path / "x.har"
    with Cassette(path), HttpClient() as client:
        client.post(httpbin.url("/post"), json={"password": "s3cret-json"})
    repeated = json.loads(json.loads(path.read_text())["log"]["entries"][0]["response"]["content"]["text"])
    assert repeated["json"] == {"password": "REDACTED"}
    assert repeated["data"] == '{"password":"s3cret-json"}'


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda log: log.pop("creator"), ".log.creator is missing"),
        (lambda log: log.update(extra=1), ".log.extra is unknown"),
        (lambda log: log["entries"][0].update(time="1"), ".log.entries[0].time is '1'"),
        (lambda log: log["entries"][0]["request"].update(bodySize=None), ".log.entries[0].request.bodySize is None"),
    ],
)
def test_what_is_no_har_is_seen(tmp_path, httpbin, spoil, problem):
    path = tmp_path / "x.har"
    with Cassette(path), HttpClient() as client:
        client.get(httpbin.url("/get"))
    found = json.loads(path.read_text())
    assert list(har_problems(found)) == []
    spoil(found["log"])
    assert list(har_problems(found)) == [problem]
