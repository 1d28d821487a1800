"""TLS: whom the client trusts, per client and per call, and that no connection serves another setting."""

import asyncio
import ssl
from pathlib import Path

import pytest

from hookline import HttpClient, hookimpl
from hookline.errors import ConnectionClosed, ConnectionRefused, SSLError
from hookline_testing.server import Script, response
from kit.ids import words
from servers.certificates import KEY_PASSWORD

pytestmark = pytest.mark.client(autoload=False)


@pytest.fixture
def serve(make_scripted):
    """A server with one of the certificates."""

    def make(identity, **options):
        server = make_scripted(ssl_context=identity.server_context(**options), strict=False)
        server.always(response(b"trusted"))
        return server

    return make


def ways(certificates):
    return {"file": str(certificates.ca_file), "path": certificates.ca_file, "context": certificates.client_context()}


@pytest.mark.parametrize("way", ["file", "path", "context"])
@pytest.mark.parametrize("scope", ["client", "request"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_right_certificate_is_trusted(serve, certificates, way, scope, host):
    server = serve(certificates.right)
    verify = ways(certificates)[way]
    client_options, call_options = ({"verify": verify}, {}) if scope == "client" else ({}, {"verify": verify})
    async with HttpClient(autoload=False, **client_options) as client:
        answer = await client.get(server.url(host=host), **call_options)
        assert answer.content == b"trusted"
        assert (await client.get(server.url(host=host), **call_options)).content == b"trusted"
    assert server.connections == 1


async def test_directory_of_authorities_is_trusted(serve, certificates, client):
    server = serve(certificates.right)
    answer = await client.get(server.url(), verify=certificates.ca_directory())
    assert answer.content == b"trusted"


@pytest.mark.parametrize("case", ["wrong_host", "expired", "unknown_ca", "default"])
@pytest.mark.parametrize("way", ["file", "context"])
async def test_wrong_certificate_is_refused(serve, certificates, client, case, way):
    server = serve(certificates.right if case == "default" else getattr(certificates, case))
    options = {} if case == "default" else {"verify": ways(certificates)[way]}
    with pytest.raises(SSLError) as caught:
        await client.get(server.url("/secret?token=hunter2"), headers={"Authorization": "hunter2"}, **options)
    assert caught.value.request.method == "GET"
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    words = {"wrong_host": "match", "expired": "expired"}.get(case, "certificate")
    assert words in str(caught.value).lower()
    assert "127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("case", ["right", "wrong_host", "expired", "unknown_ca"])
@pytest.mark.parametrize("scope", ["client", "request"])
async def test_verify_false_takes_any_certificate(serve, certificates, case, scope):
    server = serve(getattr(certificates, case))
    async with HttpClient(autoload=False, verify=scope != "client") as client:
        answer = await client.get(server.url(), **({"verify": False} if scope == "request" else {}))
        assert answer.content == b"trusted"


async def test_connection_of_one_setting_serves_no_other(serve, certificates, client):
    server = serve(certificates.right)
    await client.get(server.url(), verify=False)
    with pytest.raises(SSLError):
        await client.get(server.url())
    await client.get(server.url(), verify=certificates.ca_file)
    await client.get(server.url(), verify=certificates.client_context())
    await client.get(server.url(), verify=certificates.ca_file, cert=certificates.client_single_file)
    await client.get(server.url(), verify=certificates.ca_file, server_hostname="localhost")
    assert len({request.connection for request in server.requests}) == 5
    await client.get(server.url(), verify=False)
    await client.get(server.url(), verify=str(certificates.ca_file))
    assert len({request.connection for request in server.requests}) == 5


async def test_strict_setting_of_a_call_is_not_served_by_a_lax_client(serve, certificates):
    server = serve(certificates.unknown_ca)
    async with HttpClient(autoload=False, verify=False) as client:
        await client.get(server.url())
        with pytest.raises(SSLError):
            await client.get(server.url(), verify=True)


async def test_setting_of_the_client_may_change(serve, certificates):
    server = serve(certificates.right)
    async with HttpClient(autoload=False, verify=False) as client:
        await client.get(server.url())
        client.verify = True
        with pytest.raises(SSLError):
            await client.get(server.url())


@pytest.mark.parametrize("name", [".localhost", "a..b", "a" * 64, "a\0b"])
async def test_server_hostname_that_is_no_host_name_is_refused(serve, certificates, client, name):
    server = serve(certificates.right)
    with pytest.raises(SSLError, match="server_hostname="):
        await client.get(server.url(), verify=certificates.ca_file, server_hostname=name)
    assert server.connections == 0


@pytest.mark.parametrize(("name", "ascii_name"), [("faß.example", "xn--fa-hia.example"), ("☃.net", "xn--n3h.net")])
async def test_server_hostname_is_written_as_hosts_of_urls_are(name, ascii_name):
    async with HttpClient(autoload=False, server_hostname=name) as client:
        assert client.server_hostname == ascii_name
        route = client.new_request("GET", "https://127.0.0.1/", cause="test").route
    assert route.tls.name_for("127.0.0.1") == ascii_name


async def test_server_hostname_is_what_is_checked(serve, certificates, client):
    server = serve(certificates.wrong_host)
    answer = await client.get(server.url(), verify=certificates.ca_file, server_hostname="elsewhere.example")
    assert answer.content == b"trusted"
    with pytest.raises(SSLError):
        await client.get(server.url(), verify=certificates.ca_file, server_hostname="other.example")


@pytest.mark.parametrize("form", ["single", "pair", "password"])
async def test_client_certificate_is_shown(serve, certificates, client, form):
    server = serve(certificates.right, client_ca=certificates.ca_file)
    pair, secret = certificates.client, certificates.client_encrypted
    cert = {
        "single": certificates.client_single_file,
        "pair": (pair.cert_file, pair.key_file),
        "password": (secret.cert_file, secret.key_file, KEY_PASSWORD),
    }[form]
    answer = await client.get(server.url(), verify=certificates.ca_file, cert=cert)
    assert answer.content == b"trusted"


async def test_missing_client_certificate_is_an_error(serve, certificates, client):
    server = serve(certificates.right, client_ca=certificates.ca_file)
    # TLS 1.3 tells the client only after its own side of the handshake is over.
    with pytest.raises((SSLError, ConnectionClosed)):
        await client.get(server.url(), verify=certificates.ca_file)
    assert server.requests == []


@pytest.mark.parametrize("value", [1, "", object()], ids=words)
async def test_verify_refuses_what_is_no_setting(client, value):
    with pytest.raises((TypeError, ValueError, OSError), match="verify"):
        await client.get("https://127.0.0.1:1/", verify=value)


async def test_missing_file_is_named(client, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"authorities\.pem"):
        await client.get("https://127.0.0.1:1/", verify=tmp_path / "authorities.pem")
    with pytest.raises(FileNotFoundError, match=r"client\.pem"):
        await client.get("https://127.0.0.1:1/", cert=tmp_path / "client.pem", verify=False)


async def test_large_body_comes_whole_over_tls(certificates, make_scripted, client):
    server = make_scripted(ssl_context=certificates.server_context())
    body = b"".join(b"%08d" % number for number in range(400_000))
    server.answer(response(body), response(body))
    answer = await client.get(server.url(), verify=certificates.ca_file)
    assert answer.content == body
    stream = await client.post(server.url(), data=body, verify=certificates.ca_file, stream=True)
    assert await stream.raw.read() == body
    assert server.requests[1].body == body


async def test_data_received_gets_the_decrypted_bytes(certificates, make_scripted):
    class Tap:
        name = "tap"
        seen = b""

        @hookimpl
        def data_received(self, response, data):
            self.seen += data

    tap = Tap()
    server = make_scripted(ssl_context=certificates.server_context())
    server.answer(response(b"body"), cut="bytes")
    async with HttpClient(autoload=False, verify=certificates.ca_file, plugins=[tap]) as client:
        await client.get(server.url())
    assert tap.seen == response(b"body")


async def test_framed_body_cut_by_fin_without_close_notify_is_an_error(certificates, make_scripted, client):
    server = make_scripted(ssl_context=certificates.server_context())
    server.answer(Script(response(b"hello")[:-1]).until_read().drop())
    with pytest.raises(ConnectionClosed, match="1 bytes before the end"):
        await client.get(server.url(), verify=certificates.ca_file)


UNFRAMED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("size", [0, 5, 70_000, 1_000_000])
@pytest.mark.parametrize("tapped", [False, True], ids=["plain", "tapped"])
async def test_unframed_body_is_whole_with_close_notify(certificates, make_scripted, client, size, tapped):
    server = make_scripted(ssl_context=certificates.server_context())
    server.answer(Script(UNFRAMED + b"x" * size).close())
    taps = {"data_received": lambda response, data: None} if tapped else {}
    assert len((await client.get(server.url(), verify=certificates.ca_file, **taps)).content) == size


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("size", [0, 5, 70_000])
@pytest.mark.parametrize("tapped", [False, True], ids=["plain", "tapped"])
async def test_truncation_of_an_unframed_body_is_an_error(certificates, make_scripted, client, size, stream, tapped):
    """A FIN that the peer did not send must not make a shorter body look whole (RFC 9112, section 9.8)."""
    server = make_scripted(ssl_context=certificates.server_context())
    server.answer(Script(UNFRAMED + b"x" * size).until_read().drop())
    taps = {"data_received": lambda response, data: None} if tapped else {}
    with pytest.raises(ConnectionClosed, match="without closing TLS"):
        await (await client.get(server.url(), verify=certificates.ca_file, stream=stream, **taps)).raw.read()


async def test_framed_body_is_whole_without_close_notify(certificates, make_scripted, client):
    server = make_scripted(ssl_context=certificates.server_context())
    server.answer(Script(response(b"hello", headers=[("Connection", "close")])).until_read().drop())
    assert (await client.get(server.url(), verify=certificates.ca_file)).content == b"hello"


@pytest.mark.parametrize("framed", [False, True])
async def test_slow_reader_gets_all_of_a_body_behind_which_tls_is_closed(certificates, make_scripted, client, framed):
    size = 1_000_000
    server = make_scripted(ssl_context=certificates.server_context())
    fields = [("Connection", "close")]
    server.answer(Script(response(b"x" * size, headers=fields) if framed else UNFRAMED + b"x" * size).close())
    answer = await client.get(server.url(), verify=certificates.ca_file, stream=True)
    total = 0
    async for chunk in answer.raw:
        total += len(chunk)
        await asyncio.sleep(0.02)
    assert total == size


async def test_store_of_the_system_is_the_default(serve, certificates, client, monkeypatch):
    server = serve(certificates.right)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))  # where OpenSSL looks for the system's
    assert (await client.get(server.url())).content == b"trusted"
    with pytest.raises(SSLError):
        await client.get(server.url(), verify=certificates.ca_directory(), server_hostname="other.example")


@pytest.mark.parametrize(
    ("alpn", "chosen"), [(("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "http/1.1"), (("h2",), None)]
)
async def test_http_1_1_alone_is_offered(serve, certificates, client, alpn, chosen):
    server = serve(certificates.right, alpn=alpn)
    seen = []

    def look(response, exc=None):
        seen.append(response.connection.transport.get_extra_info("ssl_object").selected_alpn_protocol())

    answer = await client.get(server.url(), verify=certificates.ca_file, on_headers=look, stream=True)
    assert await answer.raw.read() == b"trusted"
    assert seen == [chosen]


async def test_context_that_offers_another_protocol_is_an_error(serve, certificates, client):
    server = serve(certificates.right, alpn=("h2",))
    context = certificates.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with pytest.raises(SSLError, match="speaks 'h2'"):
        await client.get(server.url(), verify=context)
    await server.until_closed_connections(1)
    assert client.stats().connections == 0


async def test_contexts_are_made_late_and_once(serve, certificates, monkeypatch):
    made = []
    original = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **options: made.append(options) or original(**options))
    server = serve(certificates.right)
    async with HttpClient(autoload=False, verify=certificates.ca_file, pool_size=1) as client:
        assert made == []
        for _ in range(3):
            await client.get(server.url())
            await client.get(server.url(), headers={"Connection": "close"}, server_hostname="localhost")
        assert len(made) == 1
        await client.get(server.url(), verify=False)
        await client.get(server.url(), verify=False, server_hostname="other.example")
        assert len(made) == 2


async def test_context_of_a_user_is_not_kept(client, certificates):
    for _ in range(3):
        with pytest.raises(ConnectionRefused):
            await client.get("https://127.0.0.1:1/", verify=certificates.client_context())
    assert client.contexts._made == {}


async def test_certificate_beside_a_context_is_refused_rather_than_forgotten(client, certificates):
    with pytest.raises(ValueError, match="load it into that"):
        await client.get(
            "https://127.0.0.1:1/", verify=certificates.client_context(), cert=certificates.client_single_file
        )


async def test_encrypted_key_without_password_is_an_error_without_a_prompt(client, certificates):
    secret = certificates.client_encrypted
    with pytest.raises(ValueError, match="is encrypted; give cert="):
        await client.get("https://127.0.0.1:1/", verify=False, cert=(secret.cert_file, secret.key_file))


@pytest.mark.parametrize("key", [None, "the same"])
async def test_one_file_may_have_a_password(serve, certificates, client, tmp_path, key):
    secret, single = certificates.client_encrypted, tmp_path / "single.pem"
    single.write_bytes(Path(secret.key_file).read_bytes() + Path(secret.cert_file).read_bytes())
    server = serve(certificates.right, client_ca=certificates.ca_file)
    cert = (single, key and single, KEY_PASSWORD)
    assert (await client.get(server.url(), verify=certificates.ca_file, cert=cert)).content == b"trusted"


async def test_wrong_password_is_shown_nowhere(client, certificates):
    secret = certificates.client_encrypted
    cert = (secret.cert_file, secret.key_file, "hunter2")
    with pytest.raises(ssl.SSLError, match="client_encrypted") as caught:
        await client.get("https://127.0.0.1:1/", verify=False, cert=cert)
    assert "hunter2" not in str(caught.value)
    (pool,) = client.connection_pools.values()
    assert "hunter2" not in repr(pool) + repr(pool.key) + repr(client)


async def test_files_that_do_not_belong_together_are_named(client, certificates):
    cert = (certificates.client.cert_file, certificates.right.key_file)
    with pytest.raises(ssl.SSLError, match=r"client\.cert\.pem"):
        await client.get("https://127.0.0.1:1/", verify=False, cert=cert)


async def test_certificate_of_the_client_is_shown_and_may_be_left_out(serve, certificates):
    server = serve(certificates.right, client_ca=certificates.ca_file)
    single = certificates.client_single_file
    async with HttpClient(autoload=False, verify=certificates.ca_file, cert=single) as client:
        assert (await client.get(server.url())).content == b"trusted"
        with pytest.raises((SSLError, ConnectionClosed)):
            await client.get(server.url(), cert=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cert", 1), ("cert", ("a",)), ("server_hostname", ""), ("server_hostname", b"h"), ("source_address", ("a", "b")),
        ("source_address", 1), ("unix_socket", 1),
    ],
)  # fmt: skip
async def test_wrong_values_are_refused(client, name, value):
    with pytest.raises((TypeError, ValueError)) as caught:
        await client.get("https://127.0.0.1:1/", **{name: value})
    assert name in str(caught.value) + str(getattr(caught.value, "__notes__", ""))
