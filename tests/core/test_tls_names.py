"""Which names of a certificate count: those of subjectAltName alone, whatever its subject says (RFC 9110, section 4.3.4)."""

import pytest

from hookline import HttpClient
from hookline.errors import SSLError
from hookline_testing.server import response

NAMED_BY_SUBJECT = ["common_name_only", "common_name_and_email"]


@pytest.fixture
def serve(make_scripted):
    """A server whose certificate has its name in the subject."""

    def make(identity, **options):
        server = make_scripted(ssl_context=identity.server_context(), strict=False, **options)
        server.always(response(b"trusted"))
        return server

    return make


@pytest.mark.parametrize("name", NAMED_BY_SUBJECT)
@pytest.mark.parametrize("way", ["client", "call", "directory", "with_cert"])
async def test_certificate_is_refused_for_a_name_that_its_subject_alone_has(serve, certificates, name, way):
    server = serve(getattr(certificates, name))
    url = server.url().replace("127.0.0.1", "localhost")
    verify = certificates.ca_directory() if way == "directory" else certificates.ca_file
    of_client = {} if way == "call" else {"verify": verify}
    of_call = {"verify": verify} if way == "call" else {}
    if way == "with_cert":
        of_client["cert"] = certificates.client_single_file
    async with HttpClient(autoload=False, **of_client) as client:
        with pytest.raises(SSLError, match=r"not trusted: .*ostname mismatch"):
            await client.get(url, **of_call)
    assert server.requests == []


async def test_server_hostname_is_not_compared_with_the_subject(serve, certificates):
    server = serve(certificates.common_name_only)
    async with HttpClient(autoload=False, verify=certificates.ca_file) as client:
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(server.url(), server_hostname="localhost")


@pytest.mark.parametrize("name", NAMED_BY_SUBJECT)
async def test_a_context_of_the_user_decides_for_itself(serve, certificates, name):
    """It is not altered: other parts of a program may use it."""
    server = serve(getattr(certificates, name))
    url = server.url().replace("127.0.0.1", "localhost")
    context = certificates.client_context()
    async with HttpClient(autoload=False, verify=context) as client:
        assert (await client.get(url)).content == b"trusted"
        assert context.hostname_checks_common_name
    strict = certificates.client_context()
    strict.hostname_checks_common_name = False
    async with HttpClient(autoload=False, verify=strict) as client:
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(url)


async def test_certificate_is_not_checked_with_verify_false(serve, certificates):
    server = serve(certificates.common_name_only)
    async with HttpClient(autoload=False, verify=False) as client:
        assert (await client.get(server.url().replace("127.0.0.1", "localhost"))).content == b"trusted"
