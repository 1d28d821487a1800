"""os.fork(): parent and child have connections of their own, and nothing that the child does reaches the parent's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer
from kit.forking import SECONDS, run, start
from servers.certificates import Certificates

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")
Make = Callable[..., ScriptedServer]


@pytest.fixture(params=["tcp", "tls", "unix"])
def server_and_options(
    request: pytest.FixtureRequest, make_scripted: Make, certificates: Certificates, tmp_path: Path
) -> tuple[ScriptedServer, dict[str, Any]]:
    if request.param == "tls":
        return make_scripted(ssl_context=certificates.server_context()), {"verify": str(certificates.ca_file)}
    if request.param == "unix":
        return make_scripted(unix_socket=tmp_path / "socket"), {"unix_socket": str(tmp_path / "socket")}
    return make_scripted(), {}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("scenario", "connections"),
    [
        ("both_at_once", 2),
        ("grandchild", 3),
        ("stream", 2),
        ("upload", 2),
        ("given_loop", 2),
        ("states", 2),
        ("processes", 3),
    ],
)
def test_parent_and_child_have_connections_of_their_own(server_and_options, loop, scenario, connections):
    server, options = server_and_options
    run(scenario, server, loop, **options)
    more = scenario == "processes"  # a pool has one more where its second process gets work too
    assert connections <= server.connections <= connections + more


@pytest.mark.parametrize(
    ("loop", "scenario"),
    [
        ("asyncio", "child_ends_at_once"),
        ("asyncio", "child_ends_in_order"),
        # libuv joins threads at exit() that a child has not: only os._exit() ends one
        ("uvloop", "child_ends_at_once"),
    ],
)
def test_end_of_a_child_does_nothing_to_the_parent(make_scripted, certificates, loop, scenario):
    # the certificate has both names
    server = make_scripted(ssl_context=certificates.server_context())
    run(scenario, server, loop, verify=str(certificates.ca_file))
    assert server.connections <= 3 + 2  # of the parent by name and by address, and of one of the children


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_fork_in_a_running_loop(server_and_options, loop):
    server, options = server_and_options
    run("running_loop", server, loop, **options)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_child_closes_the_sockets_of_its_parent(server_and_options, loop):
    server, options = server_and_options
    with start("parent_closes", server, loop, **options) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "closed\n"
        server.wait_closed_connections(1)  # while the child lives
        _, errors = program.communicate("go\n", timeout=SECONDS)
    assert (program.returncode, errors) == (0, "")
