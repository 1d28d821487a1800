"""The download handler of Scrapy: what a spider gets, and what servers are asked. Each crawl is a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scrapy")

from hookline_bridges.scrapy.proxy import proxy_url
from hookline_testing.server import Script, ScriptedServer, SeenRequest, response
from servers.addresses import Site, refused_port
from servers.certificates import REFUSED, Certificates
from servers.http2_programs import Http2Server
from servers.proxies import PASSWORD, USER

PROGRAM = Path(__file__).with_name("crawl_program.py")


def crawl(
    requests: dict[str, dict[str, Any]], settings: dict[str, Any] | None = None, **variables: str
) -> dict[str, Any]:
    """Run a crawl, with warnings of Hookline as errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", PROGRAM],
        input=json.dumps({"requests": requests, "settings": settings or {}}),
        capture_output=True,
        text=True,
        timeout=90,
        env={**{name: value for name, value in os.environ.items() if "proxy" not in name.lower()}, **variables},
    )
    assert done.returncode == 0, done.stderr
    assert "Hookline" not in done.stderr, done.stderr
    assert "hookline" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def answer(request: SeenRequest) -> Any:
    path = request.target.partition("?")[0]
    if path == "/cut":
        return Script(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf").close()
    if path == "/cut-chunked":
        return Script(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\nhal").close()
    if path == "/closed":
        return Script().close()
    if path == "/garbage":
        return Script(b"SSH-2.0-OpenSSH\r\n\r\n").close()
    if path == "/stalled":
        return Script().stall()
    if path == "/stalled-body":
        return Script(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").stall()
    if path == "/html":
        return response(
            b"<p>Hello", headers=[("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        )
    if path == "/old":
        return response(status=302, headers=[("Location", "/html")])
    return response(b"hello", headers=[("Content-Type", "application/json"), ("X-Bytes", "café")])


@pytest.fixture(scope="module")
def results(
    nginx: Site, nginx_tls: Site, aiohttp_server: Site, squid: Site, tinyproxy: Site, microsocks: Site
) -> Iterator[dict[str, Any]]:
    """What came of many requests in one crawl, by name."""
    basic = f"http://{USER}:{PASSWORD}@127.0.0.1:{tinyproxy.port}"
    with ScriptedServer() as scripted, refused_port() as refused:
        scripted.respond(answer)
        url = scripted.url("")
        requests: dict[str, dict[str, Any]] = {
            "html": {"url": url + "/html"},
            "json": {"url": url + "/json"},
            "redirect": {"url": url + "/old", "meta": {"dont_redirect": True}},
            "as given": {
                "url": url + "/given?b=2&a=%31",
                "method": "PATCH",
                "headers": {"X-B": ["1", "2"], "A-C": "3"},
                "body": "body",
                "meta": {"dont_merge_cookies": True},
            },
            "empty post": {"url": url + "/empty", "method": "POST"},
            "verbatim": {"url": url + "/a/../b|c", "meta": {"verbatim_url": True}},
            "bound": {"url": url + "/bound", "meta": {"bindaddress": "127.0.0.2"}},
            "bound to nothing": {"url": url + "/bound", "meta": {"bindaddress": "192.0.2.1"}},
            "cut": {"url": url + "/cut"},
            "cut is fine": {"url": url + "/cut", "meta": {"download_fail_on_dataloss": False}},
            "cut chunks are fine": {"url": url + "/cut-chunked", "meta": {"download_fail_on_dataloss": False}},
            "closed": {"url": url + "/closed"},
            "garbage": {"url": url + "/garbage"},
            "stalled": {"url": url + "/stalled", "meta": {"download_timeout": 0.3}},
            "stalled body": {"url": url + "/stalled-body", "meta": {"download_timeout": 0.3}},
            "refused": {"url": f"http://127.0.0.1:{refused}/"},
            "unknown host": {"url": "http://no-such-host.invalid/"},
            "bad field": {"url": url, "headers": {"X-A": "1\r\nX-B: 2"}},
            "too large": {"url": nginx.url("/1m.bin"), "meta": {"download_maxsize": 1000}},
            "too large in the end": {
                "url": aiohttp_server.url("/stream/500000"),
                "meta": {"download_maxsize": 300_000, "download_warnsize": 100_000},
            },
            "head of a large one": {"url": nginx.url("/1m.bin"), "method": "HEAD", "meta": {"download_maxsize": 1000}},
            "large": {"url": nginx.url("/1m.bin"), "meta": {"download_warnsize": 1_000_000}},
            "stop at the head": {"url": nginx.url("/1m.bin"), "stop": "headers"},
            "stop at the head and fail": {"url": nginx.url("/1m.bin"), "stop": "headers fail"},
            "stop at bytes": {"url": nginx.url("/1m.bin"), "stop": "bytes"},
            "stop at bytes and fail": {"url": nginx.url("/1m.bin"), "stop": "bytes fail"},
            "compressed": {"url": nginx.url("/gzip/1m.json")},
            "tls": {"url": nginx_tls.url("/tls")},
            "proxy": {"url": url + "/proxied", "meta": {"proxy": squid.origin}},
            "proxy without a scheme": {"url": url + "/proxied", "meta": {"proxy": f"127.0.0.1:{squid.port}"}},
            "tunnel": {"url": nginx_tls.url("/tls"), "meta": {"proxy": squid.origin}},
            "basic proxy": {"url": url + "/proxied", "meta": {"proxy": basic}},
            "basic tunnel": {"url": nginx_tls.url("/tls"), "meta": {"proxy": basic}},
            "refusing proxy": {"url": url + "/proxied", "meta": {"proxy": tinyproxy.origin}},
            "refusing tunnel": {"url": nginx_tls.url("/tls"), "meta": {"proxy": tinyproxy.origin}},
            "socks": {
                "url": url + "/socks",
                "meta": {"proxy": f"socks5h://{USER}:{PASSWORD}@127.0.0.1:{microsocks.port}"},
            },
            "bearer": {
                "url": url + "/proxied",
                "headers": {"Proxy-Authorization": "Bearer secret"},
                "meta": {"proxy": squid.origin},
            },
        }
        found = crawl(requests)
        assert found["outcomes"].keys() == requests.keys()
        yield {
            **found["outcomes"],
            "log": found["log"],
            "seen": {request.target: request for request in scripted.requests},
            "url": url,
        }


def test_response_has_what_the_server_sent(results: dict[str, Any]) -> None:
    html, json_ = results["html"], results["json"]
    assert (html["class"], html["status"], html["body"]) == ("HtmlResponse", 200, "<p>Hello")
    assert html["headers"]["Set-Cookie"] == ["a=1", "b=2"]
    assert (html["protocol"], html["ip"], html["certificate"], html["flags"]) == ("HTTP/1.1", "127.0.0.1", None, [])
    assert html["seen"] == [["headers", 8], ["bytes", 8]]
    assert 0 < html["latency"] < 30
    assert json_["class"] == "JsonResponse"
    assert json_["headers"]["X-Bytes"] == ["café".encode().decode("latin-1")]
    assert (results["redirect"]["status"], results["redirect"]["headers"]["Location"]) == (302, ["/html"])
    assert (results["compressed"]["class"], len(results["compressed"]["body"])) == ("JsonResponse", 1024**2)


def test_request_is_sent_as_scrapy_made_it(results: dict[str, Any]) -> None:
    request: SeenRequest = results["seen"]["/given?b=2&a=%31"]
    assert (request.method, request.body) == ("PATCH", b"body")
    assert [(name, value) for name, value in request.headers if name in (b"X-B", b"A-C")] == [
        (b"X-B", b"1"), (b"X-B", b"2"), (b"A-C", b"3"),
    ]  # fmt: skip
    assert {name.decode().lower() for name, _ in request.headers} == {
        "host", "x-b", "a-c", "accept", "accept-language", "user-agent", "accept-encoding", "content-length",
    }  # fmt: skip
    assert request.header("user-agent").startswith("Scrapy/")
    assert results["seen"]["/empty"].header("content-length") == "0"
    assert results["verbatim"]["status"] == 200
    assert "/a/../b|c" in results["seen"]
    assert results["bound"]["status"] == 200


@pytest.mark.parametrize(
    ("name", "error", "cause"),
    [
        ("cut", "ResponseDataLossError", "ConnectionClosed"),
        ("closed", "DownloadFailedError", "ConnectionClosed"),
        ("garbage", "DownloadFailedError", "RemoteProtocolError"),
        ("stalled", "DownloadTimeoutError", "TimeoutError"),
        ("stalled body", "DownloadTimeoutError", "TimeoutError"),
        ("refused", "DownloadConnectionRefusedError", "ConnectionRefused"),
        ("unknown host", "CannotResolveHostError", "DNSError"),
        ("bound to nothing", "DownloadFailedError", "HttpConnectionError"),
        ("bad field", "ValueError", "LocalProtocolError"),
        ("refusing tunnel", "DownloadConnectionRefusedError", "HttpProxyError"),
        ("bearer", "NotSupported", "NoneType"),
        ("too large", "DownloadCancelledError", "NoneType"),
        ("too large in the end", "DownloadCancelledError", "NoneType"),
        ("stop at the head and fail", "StopDownload", "NoneType"),
        ("stop at bytes and fail", "StopDownload", "NoneType"),
    ],
)
def test_failure_is_the_exception_of_scrapy_for_it(results: dict[str, Any], name: str, error: str, cause: str) -> None:
    assert (results[name].get("error"), results[name].get("cause")) == (error, cause)
    assert "secret" not in results[name]["text"]


def test_lost_data_is_a_flag_if_wanted(results: dict[str, Any]) -> None:
    assert (results["cut is fine"]["body"], results["cut is fine"]["flags"]) == ("half", ["dataloss"])
    assert results["cut chunks are fine"]["flags"] == ["dataloss"]
    assert results["cut chunks are fine"]["body"].startswith("hello")
    (line,) = (line for line in results["log"] if line.startswith("Got data loss"))
    assert "DOWNLOAD_FAIL_ON_DATALOSS" in line


def test_sizes_have_limits(results: dict[str, Any]) -> None:
    log = "\n".join(results["log"])
    assert "Expected to receive 1048576 bytes which is larger than download max size (1000)" in log
    assert "larger than download max size (300000)" in log
    assert log.count("larger than download warn size (100000)") == 1
    assert log.count("Expected to receive 1048576 bytes which is larger than download warn size (1000000)") == 1
    assert results["head of a large one"]["status"] == 200
    assert len(results["large"]["body"]) == 1024**2


def test_stop_download_ends_a_download(results: dict[str, Any]) -> None:
    head, some = results["stop at the head"], results["stop at bytes"]
    assert (head["body"], head["flags"], head["status"]) == ("", ["download_stopped"], 200)
    assert 0 < len(some["body"]) < 1024**2
    assert some["flags"] == ["download_stopped"]
    assert some["seen"] == [["headers", 1024**2], ["bytes", len(some["body"])]]
    assert results["stop at the head and fail"]["response"]["body"] == ""
    assert results["stop at bytes and fail"]["response"]["flags"] == ["download_stopped"]


def test_proxy_is_that_of_the_request(results: dict[str, Any]) -> None:
    for name in ("proxy", "proxy without a scheme", "basic proxy", "socks"):
        assert (results[name]["status"], results[name]["body"]) == (200, "hello"), name
    for name in ("tls", "tunnel", "basic tunnel"):
        assert results[name]["body"].startswith("TLSv1.3"), name
        assert results[name]["certificate"] > 100, name
    assert results["refusing proxy"]["status"] in (401, 407)
    for request in results["seen"].values():
        assert request.header("proxy-authorization") is None


def test_http2_and_certificates_are_settings(
    nginx_http2: Http2Server, nginx_tls: Site, refused_site: Callable[[str, str], Site], certificates: Certificates
) -> None:
    pytest.importorskip("hookline_http2", reason="this speaks HTTP/2")
    requests = {
        "http2": {"url": nginx_http2.site.url("/echo"), "method": "HEAD"},
        "trusted": {"url": nginx_tls.url("/tls", host="localhost")},
        **{name: {"url": refused_site("nginx", name).url("/tls")} for name in REFUSED},
    }
    settings = {"DOWNLOAD_VERIFY_CERTIFICATES": True, "HOOKLINE_CLIENT_OPTIONS": {"http2": True}}
    found = crawl(requests, settings, SSL_CERT_FILE=str(certificates.ca_file))["outcomes"]
    assert (found["http2"]["protocol"], found["http2"]["ip"]) == ("h2", "127.0.0.1")
    assert found["trusted"]["protocol"] == "HTTP/1.1"
    for name in REFUSED:
        assert (found[name]["error"], found[name]["cause"]) == ("DownloadFailedError", "SSLError"), name


def test_without_asyncio_the_schemes_are_refused_with_a_reason(nginx: Site) -> None:
    settings = {"TWISTED_REACTOR": "twisted.internet.epollreactor.EPollReactor"}
    program = """
import json, sys, logging
sys.argv = ["x"]
from scrapy.crawler import CrawlerProcess
from bridges.crawl_program import SETTINGS, Kept, OneByName
kept = Kept(); logging.getLogger().addHandler(kept)
given = json.load(sys.stdin)
process = CrawlerProcess({**SETTINGS, **given["settings"]}, install_root_handler=False)
crawler = process.create_crawler(OneByName)
process.crawl(crawler, requests=given["requests"])
process.start()
print(json.dumps(crawler.spider.outcomes))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps({"requests": {"one": {"url": nginx.url("/small.json")}}, "settings": settings}),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[1])},
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)["one"]
    assert outcome["error"] == "NotSupported"
    assert "needs asyncio: set TWISTED_REACTOR" in outcome["text"]


@pytest.mark.parametrize(
    ("proxy", "authorization", "url"),
    [
        ("http://proxy:3128", None, "http://proxy:3128"),
        ("proxy:3128", None, "http://proxy:3128"),
        ("//proxy:3128", None, "http://proxy:3128"),
        ("https://proxy", b"Basic dXNlcjpwOnNzIHdAcmQvPyM=", "https://user:p%3Ass%20w%40rd%2F%3F%23@proxy"),
        ("http://old:one@proxy", b"basic dTpw", "http://u:p@proxy"),
    ],
)
def test_credentials_of_the_proxy_are_in_its_url(proxy: str, authorization: bytes | None, url: str) -> None:
    assert proxy_url(proxy, authorization) == url
