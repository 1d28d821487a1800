"""A name in the subject of a certificate counts nowhere (RFC 9110, section 4.3.4): proxies, tunnels, websockets."""

import pytest

from hookline import SSLError
from hookline_testing.server import Script, response

pytestmark = pytest.mark.client(trusts_test_ca=True)

GRANTED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def server(make_scripted, certificates):
    """A server over TLS, whose name stands in the subject of its certificate alone."""
    return make_scripted(ssl_context=certificates.common_name_only.server_context(), strict=False)


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_origin_named_by_its_subject_alone_is_refused(client, server, scheme):
    with pytest.raises(SSLError, match="not trusted"):
        await client.get(f"{scheme}://localhost:{server.port}/")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_named_by_its_subject_alone_is_refused(client, server, scheme):
    with pytest.raises(SSLError, match="not trusted"):
        await client.get(f"{scheme}://origin.example/", proxies={"all": f"https://localhost:{server.port}", "no": ""})
    assert server.requests == []


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["tls", "tls_in_tls"])
@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_origin_in_a_tunnel_named_by_its_subject_alone_is_refused(
    client, make_scripted, certificates, scheme, proxy_tls
):
    proxy = make_scripted(ssl_context=certificates.server_context() if proxy_tls else None, strict=False)
    proxy.answer(Script().start_tls(certificates.common_name_only.server_context(), GRANTED), response())
    with pytest.raises(SSLError, match="not trusted"):
        await client.get(f"{scheme}://localhost/", proxies={"all": proxy.url(), "no": ""})
    assert [request.method for request in proxy.requests] == ["CONNECT"]
