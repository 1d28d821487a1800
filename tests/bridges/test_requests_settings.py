"""TLS of requests over Hookline."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import requests.exceptions as theirs
import urllib3.exceptions
from urllib3.exceptions import InsecureRequestWarning

from hookline import HttpClient
from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import Script, ScriptedServer, head, response
from servers.certificates import Certificates


def test_certificate_is_checked_by_default(session: requests.Session, secure: ScriptedServer) -> None:
    with pytest.raises(theirs.SSLError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        session.get(secure.url(host="localhost"))
    assert isinstance(caught.value.args[0].reason, urllib3.exceptions.SSLError)
    assert not secure.requests


def test_authorities_are_a_file_or_a_directory(
    session: requests.Session, secure: ScriptedServer, certificates: Certificates
) -> None:
    assert session.get(secure.url(host="localhost"), verify=str(certificates.ca_file)).text == "ok"
    assert session.get(secure.url(host="localhost"), verify=str(certificates.ca_directory())).text == "ok"


def test_settings_of_one_call_do_not_reach_another(
    session: requests.Session, secure: ScriptedServer, certificates: Certificates
) -> None:
    url = secure.url(host="localhost")
    for _ in range(2):
        with pytest.warns(InsecureRequestWarning, match="to host 'localhost'"):
            assert session.get(url, verify=False).text == "ok"  # that is what is tested
        assert session.get(url, verify=str(certificates.ca_file)).text == "ok"
        with pytest.raises(theirs.SSLError):
            session.get(url)
    assert len({seen.connection for seen in secure.requests}) == 2


def test_default_authorities_are_those_of_requests(
    secure: ScriptedServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca_file))
    session = requests.Session()
    session.mount("https://", HooklineAdapter())
    with session:
        assert session.get(secure.url(host="localhost")).text == "ok"


def test_client_says_what_true_means(secure: ScriptedServer, certificates: Certificates) -> None:
    for adapter in (
        HooklineAdapter(verify=certificates.client_context()),
        HooklineAdapter(HttpClient(verify=str(certificates.ca_file))),
    ):
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", adapter)
        with session:
            assert session.get(secure.url(host="localhost")).text == "ok"


@pytest.mark.parametrize("form", ["pair", "one-file", "list"])
def test_client_certificate(session: requests.Session, certificates: Certificates, form: str) -> None:
    identity = certificates.client
    cert: Any = {
        "pair": (str(identity.cert_file), str(identity.key_file)),
        "one-file": str(certificates.client_single_file),
        "list": [str(identity.cert_file), str(identity.key_file)],
    }[form]
    with ScriptedServer(ssl_context=certificates.server_context(ask_client=True)) as server:
        server.always(response(b"ok"))
        url, authority = server.url(host="localhost"), str(certificates.ca_file)
        assert session.get(url, verify=authority, cert=cert).text == "ok"
        with pytest.raises(theirs.ConnectionError):
            session.get(url, verify=authority)


@pytest.mark.parametrize("setting", ["verify", "cert", "key"])
def test_missing_files_are_named(session: requests.Session, certificates: Certificates, setting: str) -> None:
    missing = "/nowhere/file.pem"
    options: dict[str, Any] = {
        "verify": {"verify": missing},
        "cert": {"cert": missing},
        "key": {"cert": (str(certificates.client.cert_file), missing)},
    }[setting]
    with pytest.raises(OSError, match=r"invalid path: /nowhere/file\.pem"):
        session.get("https://127.0.0.1:1/", **options)


def test_file_without_certificates_is_an_ssl_error(session: requests.Session, tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    with pytest.raises(theirs.SSLError, match=r"empty\.pem"):
        session.get("https://127.0.0.1:1/", verify=str(path))


def test_name_in_the_certificate_is_checked(session: requests.Session, certificates: Certificates) -> None:
    with (
        ScriptedServer(ssl_context=certificates.wrong_host.server_context()) as server,
        pytest.raises(theirs.SSLError, match="Hostname mismatch"),
    ):
        session.get(server.url(host="localhost"), verify=str(certificates.ca_file))


def test_certificate_of_the_server_can_be_read(session: requests.Session, certificates: Certificates) -> None:
    with ScriptedServer(ssl_context=certificates.server_context()) as server:
        server.answer(Script(head(200, {"Content-Length": "9"})).stall())
        with session.get(server.url(host="localhost"), verify=str(certificates.ca_file), stream=True) as got:
            sock = got.raw.connection.sock
            assert ("DNS", "localhost") in sock.getpeercert()["subjectAltName"]
            assert (sock.version().startswith("TLS"), sock.getpeername()[1]) == (True, server.port)


def test_context_of_ssl_is_taken_as_verify(
    session: requests.Session, secure: ScriptedServer, certificates: Certificates
) -> None:
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    prepared = session.prepare_request(requests.Request("GET", secure.url(host="localhost")))
    assert session.send(prepared, verify=context).text == "ok"  # type: ignore[arg-type]  # beyond requests' own
