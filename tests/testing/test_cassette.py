"""Exchanges recorded from a real server as HAR 1.2, and replayed without it."""

import gzip
import json

import pytest

from hookline import ConnectionRefused, HttpClient
from hookline_testing import Cassette, NotRecorded
from servers.addresses import refused_port
from servers.messages import chunked, response
from servers.script import Script
from servers.scripted import ScriptedServer

SECRETS = ("s3cret-cookie", "s3cret-token", "s3cret-password", "s3cret-key", "s3cret-session")


async def tour(url, **options):
    """Some of everything; the URL is that of the server's root."""
    async with HttpClient(**options) as client:
        found = [await client.get(f"{url}redirect")]
        found.append(await client.post(f"{url}form", data={"user": "a", "password": "s3cret-password"}))
        found.append(await client.get(f"{url}zipped"))
        async with await client.get(f"{url}stream", stream=True) as streamed:
            pieces = [data async for data in streamed.raw]
        found.append(
            await client.get(f"{url}?api_key=s3cret-key&x=1", headers={"Authorization": "Bearer s3cret-token"})
        )
        found.append(await client.put(f"{url}upload", data=iter([b"one", b"two"])))
        head = await client.head(f"{url}head")
    return [(r.status_code, r.content, len(r.history)) for r in found], pieces, head.headers["content-length"]


def script(server):
    server.answer(
        response(
            b"", 302, [("Location", "/here?access_token=s3cret-token"), ("Set-Cookie", "id=s3cret-session; Path=/")]
        ),
        response(b"here"),
        response(
            json.dumps({"access_token": "s3cret-token", "n": 1}).encode(),
            headers=[("Content-Type", "application/json")],
        ),
        response(
            gzip.compress(b"zipped" * 100), headers=[("Content-Encoding", "gzip"), ("Content-Type", "text/plain")]
        ),
        Script(chunked(b"first")[:-5]).until_read().pause(0.05).send(b"6\r\nsecond\r\n0\r\n\r\n"),
        response(b"\xff\xfe", 404),
        response(b"uploaded", 201),
        response(b"", 200)[:-4].replace(b"Content-Length: 0", b"Content-Length: 12345") + b"\r\n\r\n",
    )


async def test_what_was_recorded_is_replayed_without_the_server(tmp_path):
    path = tmp_path / "deep" / "tour.har"
    with ScriptedServer() as server:
        script(server)
        with Cassette(path, redact=["api_key"]) as cassette:
            assert cassette.is_recording
            live = await tour(server.url(), headers={"Cookie": "a=s3cret-cookie"})
        url = server.url()
    with Cassette(path, redact=["api_key"], record="none") as cassette:
        assert not cassette.is_recording
        replayed = await tour(url)
    redacted = [(s, c.replace(b"s3cret-token", b"REDACTED"), n) for s, c, n in live[0]]
    assert [(s, c, n) for s, c, n in replayed[0]] == redacted
    assert live[1] == replayed[1] == [b"first", b"second"]
    assert live[2] == replayed[2] == "12345"


async def test_har_is_1_2_and_holds_no_secret(tmp_path):
    path = tmp_path / "tour.har"
    with ScriptedServer() as server, Cassette(path, redact=["api_key"]):
        script(server)
        await tour(server.url(), headers={"Cookie": "a=s3cret-cookie"})
    text = path.read_text()
    assert not [secret for secret in SECRETS if secret in text]
    log = json.loads(text)["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "hookline-testing")
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= set(
            entry["request"]
        )
        assert {
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
        } <= set(entry["response"])
    first, _, form, zipped, *_ = log["entries"]
    assert {"name": "Set-Cookie", "value": "id=REDACTED; Path=/"} in first["response"]["headers"]
    assert first["response"]["redirectURL"] == "/here?access_token=REDACTED"
    assert form["request"]["postData"]["text"] == "user=a&password=REDACTED"
    assert zipped["response"]["content"]["text"] == "zipped" * 100


async def test_server_sees_the_fields_of_the_client_and_no_others(tmp_path):
    with ScriptedServer() as server:
        server.always(response())
        async with HttpClient() as client:
            await client.post(server.url("/a%2Fb?q"), data=b"x", headers={"X-Name": "v"})
        with Cassette(tmp_path / "x.har"):
            async with HttpClient() as client:
                await client.post(server.url("/a%2Fb?q"), data=b"x", headers={"X-Name": "v"})
        live, recorded = server.requests
    assert recorded.target == live.target
    assert sorted(recorded.headers) == sorted(live.headers)


async def test_request_that_was_not_recorded_tells_how_it_differs(tmp_path):
    path = tmp_path / "x.har"
    with ScriptedServer() as server:
        server.always(response(b"ok"))
        with Cassette(path):
            async with HttpClient() as client:
                await client.post(server.url("/x"), data=b"one")
        with Cassette(path):
            async with HttpClient() as client:
                with pytest.raises(NotRecorded) as raised:
                    await client.post(server.url("/x?token=t"), data=b"two")
                assert (await client.post(server.url("/x"), data=b"one")).text == "ok"
                with pytest.raises(NotRecorded, match="no entry is left"):
                    await client.post(server.url("/x"), data=b"one")
        assert len(server.requests) == 1
    assert "body: expected b'one', got b'two'" in str(raised.value)
    assert "--hookline-record=all" in str(raised.value)


async def test_nothing_is_written_where_the_block_raises(tmp_path):
    path = tmp_path / "x.har"

    async def fails():
        with ScriptedServer() as server, Cassette(path):
            server.always(response(b"ok"))
            async with HttpClient() as client:
                await client.get(server.url())
            raise KeyError("the test's own")

    with pytest.raises(KeyError):
        await fails()
    assert not path.exists()


async def test_error_of_the_network_is_that_of_the_call(tmp_path):
    with refused_port() as port, Cassette(tmp_path / "x.har"):
        async with HttpClient() as client:
            with pytest.raises(ConnectionRefused) as raised:
                await client.get(f"http://127.0.0.1:{port}/x")
            assert raised.value.request.client is client
    assert not (tmp_path / "x.har").exists()


def test_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "x.har"
    path.write_text('{"log": {}}')
    with pytest.raises(ValueError, match=r"x\.har is no HAR file: KeyError: 'entries'"):
        Cassette(path)


async def test_tls_is_that_of_the_request(tmp_path, certificates, make_scripted):
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"over tls"))
    for _ in range(2):
        with Cassette(tmp_path / "x.har"):
            async with HttpClient(verify=str(certificates.ca_file)) as client:
                assert (await client.get(server.url(host="localhost"))).text == "over tls"
    assert len(server.requests) == 1
