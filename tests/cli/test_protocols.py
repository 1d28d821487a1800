"""Which protocol a command line speaks: the options of core, and those of the plugin http2."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from hookline_testing.server import ScriptedServer, response
from servers.certificates import Certificates

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("option", ["--http2", "--http2-prior-knowledge"])
def test_prior_knowledge_in_cleartext(run: Run, scripted: ScriptedServer, option: str) -> None:
    scripted.answer(response(b"hello"))

    done = run("-i", option, "--priority", "1", scripted.url())

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("HTTP/2 200")
    assert scripted.requests[0].version == "2"
    assert scripted.requests[0].header("priority") == "u=1"


def test_http_1_1_is_all_that_is_offered(
    run: Run, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.right.server_context(alpn=("h2", "http/1.1")))
    server.always(response(b"hello"))
    words = ("--verify", str(certificates.ca_file), server.url(host="localhost"))

    assert [run(*words).stdout, run("--http1.1", *words).stdout] == ["hello", "hello"]

    assert [(request.version, request.alpn) for request in server.requests] == [("2", "h2"), ("1.1", "http/1.1")]


def test_wrong_priority_is_one_line(run: Run, scripted: ScriptedServer) -> None:
    done = run("--priority", "9", scripted.url())

    assert done.returncode == 2
    assert "priority" in done.stderr
    assert done.stderr.count("\n") == 1


def test_code_has_the_protocol(run: Run) -> None:
    done = run("--code", "--http2", "h/x")

    assert "http2='prior-knowledge'" in done.stdout
