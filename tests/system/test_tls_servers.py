"""TLS against servers that others wrote: the right certificate, the wrong, the expired and the unknown one, and a client's."""

import asyncio

import pytest

from hookline import HttpClient, SSLError
from servers.certificates import KEY_PASSWORD, REFUSED

SERVERS = {"nginx": "/small.json", "apache": "/text.txt", "aiohttp": "/bytes/10"}
WORDS = {"wrong_host": "match", "expired": "expired", "unknown_ca": "unable to get local issuer"}


@pytest.fixture(params=SERVERS)
def server(request):
    """The name of a server, its TLS site with the right certificate, and a path there."""
    name = request.param
    site = request.getfixturevalue("aiohttp_tls_server" if name == "aiohttp" else f"{name}_tls")
    return name, site, SERVERS[name]


def trusted(certificates, way):
    return {
        "file": certificates.ca_file,
        "directory": certificates.ca_directory,
        "context": certificates.client_context,
    }[way]


@pytest.mark.parametrize("way", ["file", "directory", "context"])
@pytest.mark.parametrize("scope", ["client", "call"])
async def test_right_certificate_is_trusted(server, certificates, way, scope):
    _, site, path = server
    found = trusted(certificates, way)
    options = {"verify": found() if callable(found) else found}
    async with HttpClient(**(options if scope == "client" else {})) as client:
        for host in ("127.0.0.1", "localhost"):
            answer = await client.get(site.url(path, host=host), **(options if scope == "call" else {}))
            assert answer.status_code == 200


async def test_store_of_the_system_does_not_know_ours(server):
    _, site, path = server
    async with HttpClient() as client:
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(site.url(path))


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("way", ["file", "directory", "context"])
async def test_refused_certificate_is_refused_and_named(server, certificates, refused_site, case, way):
    name, _, path = server
    site = refused_site(name, case)
    found = trusted(certificates, way)
    async with HttpClient(verify=found() if callable(found) else found) as client:
        with pytest.raises(SSLError, match=WORDS[case]):
            await client.get(site.url(path))


@pytest.mark.parametrize("case", REFUSED)
async def test_verify_false_takes_it_for_that_call_alone(server, certificates, refused_site, case):
    name, _, _ = server
    site = refused_site(name, case)
    async with HttpClient(verify=certificates.ca_file) as client:
        assert (await client.get(site.url("/tls"), verify=False)).status_code in (200, 404)
        with pytest.raises(SSLError):
            await client.get(site.url("/tls"))


async def test_server_hostname_is_checked_instead(server, certificates, refused_site):
    name, _, _ = server
    site = refused_site(name, "wrong_host")
    async with HttpClient(verify=certificates.ca_file, server_hostname="elsewhere.example") as client:
        # a name that the server does not have: apache2 says 421 or serves it, and both came through TLS
        assert (await client.get(site.url("/tls"))).status_code in (200, 404, 421)


@pytest.mark.parametrize("form", ["single", "pair", "password"])
@pytest.mark.parametrize("scope", ["client", "call"])
async def test_nginx_sees_the_certificate_of_the_client(nginx_tls, certificates, form, scope):
    pair, secret = certificates.client, certificates.client_encrypted
    cert = {
        "single": certificates.client_single_file,
        "pair": (pair.cert_file, pair.key_file),
        "password": (secret.cert_file, secret.key_file, KEY_PASSWORD),
    }[form]
    options = {"cert": cert}
    async with HttpClient(verify=certificates.ca_file, **(options if scope == "client" else {})) as client:
        shown = (await client.get(nginx_tls.url("/tls"), **(options if scope == "call" else {}))).text
        assert "SUCCESS" in shown
        assert "CN=the client" in shown
        assert "NONE" in (await client.get(nginx_tls.url("/tls"), cert=None)).text


async def test_settings_do_not_share_connections(nginx_tls, certificates):
    settings = [
        {"verify": certificates.ca_file},
        {"verify": False},
        {"verify": certificates.ca_directory()},
        {"verify": certificates.ca_file, "cert": certificates.client_single_file},
        {"verify": certificates.ca_file, "server_hostname": "localhost"},
    ]
    async with HttpClient() as client:
        calls = [client.get(nginx_tls.url("/tls"), **options) for options in settings for _ in range(4)]
        answers = await asyncio.gather(*calls)
        assert ["SUCCESS" in answer.text for answer in answers] == [False] * 12 + [True] * 4 + [False] * 4
        assert len(client.connection_pools) == 5
        assert [pool.opened for pool in client.connection_pools.values()] == [4] * 5
