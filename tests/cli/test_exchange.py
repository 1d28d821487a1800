"""`hookline URL` and `python -m hookline URL`, against real servers. No plugin is needed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from servers.addresses import Site, free_ports

Run = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND = Path(sys.executable).parent / "hookline"
both = pytest.mark.parametrize("as_module", [False, True], ids=["hookline", "python -m hookline"])


@both
def test_include_prints_status_fields_and_body(run: Run, scripted: ScriptedServer, as_module: bool) -> None:
    scripted.answer(response(b"the body\n", headers=[("X-Name", "value")]))

    done = run("-i", scripted.url("/path"), as_module=as_module)

    assert done.returncode == 0
    assert done.stdout == "HTTP/1.1 200 OK\nContent-Length: 9\nX-Name: value\n\nthe body\n"
    assert done.stderr == ""
    assert (scripted.requests[0].method, scripted.requests[0].target) == ("GET", "/path")


def test_piped_output_is_the_bare_body(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(response(b'{"a":1}\0', headers=[("Content-Type", "application/json")]))

    done = run(scripted.url())

    assert (done.returncode, done.stdout, done.stderr) == (0, '{"a":1}\0', "")


@both
@pytest.mark.parametrize("method", ["GET", "DELETE", "get", "PROPFIND"])
def test_method_may_stand_before_the_url(run: Run, scripted: ScriptedServer, as_module: bool, method: str) -> None:
    scripted.answer(response(b"x"))

    assert run(method, scripted.url(), as_module=as_module).returncode == 0
    assert scripted.requests[0].method == method.upper()


def test_head_ends_without_a_body(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(head(200, [("Content-Length", "100")]))

    done = run("-I", scripted.url())

    assert (done.returncode, done.stdout) == (0, "HTTP/1.1 200 OK\nContent-Length: 100\n\n")


def test_http_is_added_to_a_url_without_scheme(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"x"))

    assert run(f"127.0.0.1:{scripted.port}/?next=http://example.org/").returncode == 0
    assert scripted.requests[0].target == "/?next=http://example.org/"


def test_data_is_posted(run: Run, aiohttp_server: Site) -> None:
    done = run(aiohttp_server.url("/echo"), "-d", "some täxt", "-o", "-")

    seen = json.loads(done.stdout)
    assert seen["method"] == "POST"
    assert seen["body"].encode("latin-1") == "some täxt".encode()


def test_data_comes_from_a_file_and_from_standard_input(run: Run, aiohttp_server: Site, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("from a file")

    from_file = run("PUT", aiohttp_server.url("/echo"), "-d", "@data", "-o", "-")
    from_input = run("PUT", aiohttp_server.url("/echo"), "-d", "@-", "-o", "-", text_in="from input")

    assert json.loads(from_file.stdout)["body"] == "from a file"
    assert json.loads(from_input.stdout)["body"] == "from input"


def test_header_is_sent_and_an_empty_one_removes_a_default(run: Run, aiohttp_server: Site) -> None:
    done = run("-H", "X-Name: a: b", "-H", "Accept:", aiohttp_server.url("/echo"), "-o", "-")

    sent = dict(json.loads(done.stdout)["headers"])
    assert sent["X-Name"] == "a: b"
    assert "Accept" not in sent


def test_output_goes_to_a_file(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(chunked(b"\0one", b"two"))

    done = run(scripted.url(), "-o", "kept")

    assert done.stdout == ""
    assert (tmp_path / "kept").read_bytes() == b"\0onetwo"


def test_output_that_cannot_be_written_is_one_line(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"x"))

    done = run(scripted.url(), "-o", "no/such/folder")

    assert done.returncode == 1
    assert done.stderr == "hookline: cannot write no/such/folder: No such file or directory\n"


@both
def test_verbose_shows_the_events_as_they_fire(run: Run, scripted: ScriptedServer, as_module: bool) -> None:
    scripted.answer(head(103, [("Link", "</a>")]) + response(b"body"))

    done = run("-vv", scripted.url("/path"), as_module=as_module)

    lines = [line.split()[1:3] for line in done.stderr.splitlines() if line.startswith("* ")]
    assert lines[0] == ["pre_request", "GET"]
    assert ["on_headers", "103"] in lines
    assert [line[0] for line in lines if line[0] != "connection" and line[:2] != ["on_headers", "103"]] == [
        "pre_request",
        "data_received",
        "on_headers",
        "data_processed",
        "post_request",
    ]
    assert "> GET /path HTTP/1.1" in done.stderr.splitlines()


@both
@pytest.mark.parametrize(("code", "status"), [(204, 0), (304, 0), (404, 4), (418, 4), (503, 5)])
def test_exit_status_says_what_came_back(
    run: Run, scripted: ScriptedServer, as_module: bool, code: int, status: int
) -> None:
    scripted.answer(response(b"" if code < 400 else b"sorry", code))

    done = run("-i", scripted.url(), as_module=as_module)

    assert done.returncode == status
    assert done.stdout.startswith(f"HTTP/1.1 {code} ")


@both
def test_refused_connection_is_one_line(run: Run, as_module: bool) -> None:
    port = free_ports(1)[0]

    done = run(f"http://127.0.0.1:{port}/", as_module=as_module)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"hookline: ConnectionRefused: no server listens at 127.0.0.1:{port}\n"


def test_body_that_breaks_off_is_an_error_behind_what_came(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(200, [("Content-Length", "100")]), b"half").close())

    done = run(scripted.url())

    assert done.returncode == 3
    assert done.stdout == "half"
    assert done.stderr.startswith("hookline: ConnectionClosed: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("answer", [Script().stall(), Script(head(200, [("Content-Length", "9")])).stall()])
def test_timeout_covers_head_and_body(run: Run, scripted: ScriptedServer, answer: Script) -> None:
    scripted.answer(answer)

    done = run("--timeout", "0.3", scripted.url())

    assert done.returncode == 3
    assert done.stderr.startswith("hookline: HttpTimeout: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["http://"],
        ["nosuch://example.org/"],
        ["--disable", "nosuch", "http://127.0.0.1/"],
        ["-H", "bad name: x", "http://127.0.0.1/"],
        ["-X", "GE T", "http://127.0.0.1/"],
        ["--opt", "nosuch=1", "http://127.0.0.1/"],
        ["--max-body", "-1", "http://127.0.0.1/"],
    ],
    ids=["no host", "unknown scheme", "unknown plugin", "bad field", "bad method", "unknown option", "bad value"],
)
def test_what_cannot_be_sent_is_one_line_and_status_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hookline: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["GET"],
        ["GET", "a", "b"],
        ["--foo", "a"],
        ["-H", "nocolon", "a"],
        ["--timeout", "0", "a"],
        ["-d", "@no-such-file", "a"],
    ],
    ids=lambda arguments: " ".join(arguments) or "none",
)
def test_wrong_arguments_end_with_status_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hookline: ")
    assert done.stderr.count("\n") == 1


def test_untrusted_certificate_is_an_error_unless_no_verify_is_given(run: Run, aiohttp_tls_server: Site) -> None:
    url = aiohttp_tls_server.url("/bytes/3")

    refused, taken = run(url), run("--no-verify", url)

    assert refused.returncode == 3
    assert refused.stderr.startswith("hookline: SSLError: ")
    assert taken.returncode == 0


@pytest.mark.parametrize("arguments", ["", "-v -o /dev/null 2>&1"], ids=["body", "events"])
def test_reader_that_goes_away_ends_it_quietly(
    aiohttp_server: Site, environment: dict[str, str], arguments: str
) -> None:
    script = f"{COMMAND} {aiohttp_server.url('/bytes/20000000')} {arguments} | head -c 10; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, env=environment)

    assert (done.returncode, done.stderr) == (141, b"")


def test_interrupt_ends_it_quietly(scripted: ScriptedServer, environment: dict[str, str]) -> None:
    scripted.answer(Script(head(200, [("Content-Length", "9")])).stall())
    process = subprocess.Popen(
        [COMMAND, "-i", scripted.url()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    scripted.wait_for(requests=1)
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGINT)

    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, b"")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from Linux's /proc")
def test_large_body_does_not_fill_memory(aiohttp_server: Site, environment: dict[str, str], tmp_path: Path) -> None:
    # ru_maxrss would hold the peak of the process that forked; VmHWM belongs to the new program.
    code = """
import sys, hookline_cli
status = hookline_cli.main(sys.argv[1:])
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(status)
"""

    def peak(size: int) -> int:
        output = tmp_path / "large"
        done = subprocess.run(
            [sys.executable, "-c", code, aiohttp_server.url(f"/stream/{size}"), "-o", output],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        assert output.stat().st_size == size
        output.unlink()
        return int(done.stdout.split()[-1])

    assert peak(256 * 1024 * 1024) - peak(1024) < 16 * 1024  # KiB


def test_piped_request_imports_nothing_that_is_for_terminals(
    scripted: ScriptedServer, environment: dict[str, str]
) -> None:
    scripted.answer(response(b'{"a": 1}', headers=[("Content-Type", "application/json")]))
    code = """
import sys, hookline_cli
status = hookline_cli.main(sys.argv[1:])
heavy = ("rich", "pygments", "shutil", "mimetypes", "email", "importlib.metadata", "http.client", "xml")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, scripted.url()], capture_output=True, text=True, timeout=60, env=environment
    )

    assert (done.stdout, done.stderr) == ('{"a": 1}[]\n', "")
