"""What a call says of its connection stays with the origin that it names: certificate, host name, socket."""

import ssl

import pytest

from hookline import HttpClient, hookimpl
from hookline.errors import SSLError
from hookline_testing.server import response


@pytest.fixture
def serve(make_scripted):
    """A server with one of the certificates."""

    def make(identity, **options):
        server = make_scripted(ssl_context=identity.server_context(**options), strict=False)
        server.always(response(b"trusted"))
        return server

    return make


class Follows:
    """Follows each 302 to one URL."""

    def __init__(self, to):
        self.to = to

    @hookimpl
    def post_request(self, response, exc):
        if exc is None and response.status_code == 302:
            return response.request.follow(self.to, cause="redirect")
        return None


@pytest.mark.parametrize("of", ["call", "client"])
async def test_redirect_to_an_attacker_does_not_see_the_certificate_of_the_call(make_scripted, certificates, of):
    context = certificates.right.server_context(client_ca=certificates.ca_file)
    home = make_scripted(ssl_context=context, strict=False)
    home.answer(response(b"", 302))
    asking = certificates.right.server_context(client_ca=certificates.ca_file)
    asking.verify_mode = ssl.CERT_OPTIONAL  # the attacker looks at what is shown
    attacker = make_scripted(ssl_context=asking)
    shown = []

    async def look(reader, writer, request):
        shown.append(writer.get_extra_info("peercert"))
        writer.write(response(b"stolen"))

    attacker.answer(look)
    options = {"cert": certificates.client_single_file}
    client_options, call_options = ({}, options) if of == "call" else (options, {})
    plugins = [Follows(attacker.url())]
    async with HttpClient(autoload=False, verify=certificates.ca_file, plugins=plugins, **client_options) as client:
        assert (await client.get(home.url(), **call_options)).content == b"stolen"
    assert [bool(certificate) for certificate in shown] == [of == "client"]


async def test_redirect_within_the_origin_keeps_the_certificate_of_the_call(serve, certificates):
    server = serve(certificates.right, client_ca=certificates.ca_file)
    server.answer(response(b"", 302))
    plugins = [Follows(server.url("/next"))]
    async with HttpClient(autoload=False, verify=certificates.ca_file, plugins=plugins) as client:
        assert (await client.get(server.url(), cert=certificates.client_single_file)).content == b"trusted"


async def test_redirect_to_an_attacker_is_not_checked_against_the_name_of_the_first_host(serve, certificates):
    home, attacker = serve(certificates.wrong_host), serve(certificates.wrong_host)
    home.answer(response(b"", 302))
    async with HttpClient(autoload=False, verify=certificates.ca_file, plugins=[Follows(attacker.url())]) as client:
        with pytest.raises(SSLError, match="match"):
            await client.get(home.url(), server_hostname="elsewhere.example")
    assert attacker.requests == []


@pytest.mark.parametrize("of", ["call", "client"])
async def test_socket_of_a_call_does_not_answer_for_the_origin_of_a_redirect(make_scripted, tmp_path, of):
    local, other = make_scripted(unix_socket=tmp_path / "socket"), make_scripted()
    local.answer(response(b"", 302), response(b"local"))
    other.answer(response(b"other"))
    options = {"unix_socket": tmp_path / "socket"}
    client_options, call_options = ({}, options) if of == "call" else (options, {})
    async with HttpClient(autoload=False, plugins=[Follows(other.url())], **client_options) as client:
        answer = await client.get("http://daemon.example/", **call_options)
    assert answer.content == (b"other" if of == "call" else b"local")
