"""Exchanges recorded from a real server as HAR 1.2, and replayed without it."""

import gzip
import json
import sys
import zlib

import brotli
import pytest

from hookline import ConnectionRefused, Credential, HttpClient, field_octets, hookimpl
from hookline_testing import Cassette, NotRecorded
from hookline_testing.server import Script, ScriptedServer, chunked, response
from servers.addresses import refused_port

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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
    with pytest.raises(ValueError, match=r"x\.har is not a HAR file: KeyError: 'entries'"):
        Cassette(path)


async def test_tls_is_that_of_the_request(tmp_path, certificates, make_scripted):
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"over tls"))
    for _ in range(2):
        with Cassette(tmp_path / "x.har"):
            async with HttpClient(verify=str(certificates.ca_file)) as client:
                assert (await client.get(server.url(host="localhost"))).text == "over tls"
    assert len(server.requests) == 1


def recorded_text(path, *answers, ask, **options):
    """What a cassette has of one exchange with a scripted server; the recorded response, and the replayed one."""
    found = []
    with ScriptedServer() as server:
        server.answer(*answers)
        url = server.url("/x")
        with Cassette(path, **options), HttpClient() as client:
            found.append(ask(client, url))
    with Cassette(path, record="none", **options), HttpClient() as client:
        found.append(ask(client, url))
    return path.read_text(), *found


TOKEN = b'{"access_token": "s3cret-token", "n": 1}'
CODED = {
    "gzip": gzip.compress(TOKEN),
    "deflate": zlib.compress(TOKEN),
    "deflate without a frame": zlib.compress(TOKEN, wbits=-15),
    "br": brotli.compress(TOKEN),
    "zstd": zstd.compress(TOKEN),
}


@pytest.mark.parametrize("coding", CODED)
def test_attack_a_secret_under_a_content_coding(tmp_path, coding):
    fields = [("Content-Type", "application/json"), ("Content-Encoding", coding.partition(" ")[0])]
    text, live, replayed = recorded_text(
        tmp_path / "x.har", response(CODED[coding], headers=fields), ask=lambda client, url: client.get(url)
    )
    content = json.loads(text)["log"]["entries"][0]["response"]["content"]
    assert json.loads(content["text"]) == {"access_token": "REDACTED", "n": 1}
    assert live.json() == {"access_token": "s3cret-token", "n": 1}
    assert replayed.json() == {"access_token": "REDACTED", "n": 1}
    assert replayed.headers["content-encoding"] == live.headers["content-encoding"]


def test_body_in_a_coding_that_nobody_knows_is_kept_as_it_is(tmp_path):
    answer = response(b"\x00\xff", headers=[("Content-Encoding", "x-own")])
    _, live, replayed = recorded_text(
        tmp_path / "x.har", answer, ask=lambda client, url: client.get(url, decompress=False)
    )
    assert live.content == replayed.content == b"\x00\xff"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"pin": 1234, "password": 5.5, "n": 1}, {"pin": "REDACTED", "password": "REDACTED", "n": 1}),
        ({"pin": {"now": "12", "is_set": True}}, {"pin": {"now": "REDACTED", "is_set": True}}),
        ({"PIN": ["1", None]}, {"PIN": ["REDACTED", None]}),
        ({"password": {"type": "string"}}, {"password": {"type": "string"}}),  # says something of passwords
    ],
)
def test_secrets_in_json_are_more_than_strings(tmp_path, sent, kept):
    text, *_ = recorded_text(
        tmp_path / "x.har", response(), ask=lambda client, url: client.post(url, json=sent), redact=["pin"]
    )
    assert json.loads(json.loads(text)["log"]["entries"][0]["request"]["postData"]["text"]) == kept


def test_multipart_is_replayed_and_holds_no_secret(tmp_path):
    def ask(client, url):
        data = {"password": "s3cret-password", "user": "ann"}
        return client.post(url, data=data, files={"file": ("password.txt", b"kept")})

    text, live, replayed = recorded_text(tmp_path / "x.har", response(b"taken", 201), ask=ask)
    assert (live.content, replayed.content) == (b"taken", b"taken")
    assert "s3cret-password" not in text
    assert 'name=\\"password\\"\\r\\n\\r\\nREDACTED\\r\\n' in text
    assert "ann" in text
    assert "kept" in text


def test_fields_that_the_client_calls_secret_are_not_written(tmp_path):
    class Signs:
        @hookimpl
        def declare(self):
            return [Credential("X-Signature")]

        @hookimpl
        def pre_request(self, response):
            response.request.unredirected_headers["X-Signature"] = "s3cret-signature"

    def ask(client, url):
        return client.get(url, headers={"X-Acme": "s3cret-key"}, sensitive_headers=["X-Acme"], plugins=[Signs()])

    text, *_ = recorded_text(tmp_path / "x.har", response(), ask=ask)
    assert "X-Signature" in text
    assert "s3cret" not in text


def test_userinfo_in_a_location_is_not_written(tmp_path):
    answer = response(b"", 302, [("Location", "http://ann:s3cret-password@127.0.0.1/#access_token=s3cret-token")])
    text, *_ = recorded_text(tmp_path / "x.har", answer, ask=lambda client, url: client.get(url, allow_redirects=False))
    assert "s3cret" not in text
    assert "http://REDACTED@127.0.0.1/#access_token=REDACTED" in text


def test_bytes_that_are_no_utf_8_come_back_as_they_were(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nX-Name: \xe9\xc3\xa9\r\nX-Other: \xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    text, live, replayed = recorded_text(tmp_path / "x.har", answer, ask=lambda client, url: client.get(url))
    for found in (live, replayed):
        assert [found.headers[name] for name in ("X-Name", "X-Other")] == ["éÃ©", "é"]
        assert field_octets(found.headers["X-Name"]) == b"\xe9\xc3\xa9"
    assert {"name": "X-Name", "value": "éÃ©", "_encoding": "latin-1"} in json.loads(text)["log"]["entries"][0][
        "response"
    ]["headers"]


@pytest.mark.parametrize("chunks", [(b"one", b"two"), (b"one",), ()], ids=len)
def test_trailers_are_recorded_and_replayed(tmp_path, chunks):
    answer = chunked(*chunks, trailers=[("X-Trailer", "three")])
    _, live, replayed = recorded_text(tmp_path / "x.har", answer, ask=lambda client, url: client.get(url))
    for found in (live, replayed):
        assert (found.content, found.trailers.get("x-trailer")) == (b"".join(chunks), "three")
