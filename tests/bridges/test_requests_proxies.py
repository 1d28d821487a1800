"""Proxies of requests over Hookline."""

from __future__ import annotations

import pytest
import requests
import requests.exceptions as theirs

from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site, refused_port
from servers.certificates import Certificates
from servers.proxies import PASSWORD, USER

pytest.importorskip("hookline_tunnel", reason="proxies need the plugin tunnel")


def test_http_goes_to_the_proxy_in_absolute_form(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.always(response(b"by proxy"))
    proxies = {"http": scripted.url("").replace("http://", "http://us%40er:pass@")}
    for _ in range(2):
        assert session.get("http://origin.invalid/path?q", proxies=proxies).text == "by proxy"
    seen = scripted.requests[0]
    assert (seen.target, seen.header("host")) == ("http://origin.invalid/path?q", "origin.invalid")
    assert seen.header_values("proxy-authorization") == ["Basic dXNAZXI6cGFzcw=="]
    assert scripted.connections == 1


def test_localhost_goes_to_the_proxy_if_requests_says_so(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"by proxy"))
    assert session.get("http://localhost:1/", proxies={"http": scripted.url("")}).text == "by proxy"


def test_environment_counts_only_as_far_as_requests_reads_it(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    scripted.always(response(b"direct"))
    session = requests.Session()
    session.mount("http://", HooklineAdapter())
    with session, pytest.raises(theirs.ProxyError):
        session.get(scripted.url())
    session.trust_env = False
    assert session.get(scripted.url()).text == "direct"
    session.trust_env = True
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert session.get(scripted.url()).text == "direct"
    session.close()


def test_https_goes_through_a_tunnel_of_squid(
    session: requests.Session, squid_basic: Site, secure: ScriptedServer, certificates: Certificates
) -> None:
    url, authority = secure.url(host="localhost"), str(certificates.ca_file)
    proxy = squid_basic.url("").replace("http://", f"http://{USER}:{PASSWORD}@")
    for _ in range(2):
        assert session.get(url, proxies={"https": proxy}, verify=authority).text == "ok"
    assert {seen.header("proxy-authorization") for seen in secure.requests} == {None}
    assert secure.connections == 1


def test_refusal_of_a_proxy_is_a_proxy_error(
    session: requests.Session, squid_basic: Site, secure: ScriptedServer
) -> None:
    with pytest.raises(theirs.ProxyError, match="407") as caught:
        session.get(secure.url(host="localhost"), proxies={"https": squid_basic.url("")})
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_cannot_be_reached(session: requests.Session, scheme: str) -> None:
    with refused_port() as port, pytest.raises(theirs.ProxyError, match="Unable to connect to proxy"):
        session.get(f"{scheme}://origin.invalid/", proxies={"all": f"http://{USER}:hunter2@127.0.0.1:{port}"})


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_socks(session: requests.Session, dante: Site, scripted: ScriptedServer, scheme: str) -> None:
    pytest.importorskip("python_socks")
    scripted.answer(response(b"by socks"))
    proxies = {"all": f"{scheme}://127.0.0.1:{dante.port}"}
    assert session.get(scripted.url(), proxies=proxies).text == "by socks"


def test_proxy_with_tls(
    session: requests.Session, tls_proxy: Site, secure: ScriptedServer, certificates: Certificates
) -> None:
    proxy = tls_proxy.url("", host="localhost")
    got = session.get(secure.url(host="localhost"), proxies={"https": proxy}, verify=str(certificates.ca_file))
    assert got.text == "ok"


@pytest.mark.parametrize(
    ("proxy", "kind"),
    [
        ("http:///no-host", theirs.InvalidProxyURL),
        ("http://[:1", theirs.InvalidProxyURL),
        ("ftp://host", theirs.InvalidSchema),
    ],
    ids=["no-host", "malformed", "scheme"],
)
def test_wrong_proxies_are_refused(session: requests.Session, proxy: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        session.get("http://origin.invalid/", proxies={"http": proxy})


def test_proxy_needs_its_plugin(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_bridges.as_given.entry_points", lambda group: [])
    with pytest.raises(theirs.InvalidSchema, match="pip install hookline-tunnel"):
        session.get("http://origin.invalid/", proxies={"http": "http://127.0.0.1:1"})


def test_proxy_of_the_client_counts_where_requests_has_none(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"by proxy"))
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HooklineAdapter(proxies={"all": scripted.url("")}))
    with session:
        assert session.get("http://origin.invalid/").text == "by proxy"
