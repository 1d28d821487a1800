"""What a command line sends, as a real server sees it, and where the response goes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import Script, ScriptedServer, SeenRequest, head, response
from hookline_testing.server.answer_queue import Answer
from kit.har import har_problems
from servers.addresses import Site
from servers.certificates import Certificates

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Show = Callable[..., tuple[int, str, str]]


def echoed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the server says of the request."""
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return {**seen, "headers": dict(seen["headers"])}


def test_json_parameters_and_fields_are_sent(run: Run, aiohttp_server: Site) -> None:
    seen = echoed(run(aiohttp_server.url("/echo"), "a=1", "n:=[1]", "q==x y", "X-Name:value", "User-Agent:"))

    assert (seen["method"], seen["target"]) == ("POST", "/echo?q=x%20y")
    assert json.loads(seen["body"]) == {"a": "1", "n": [1]}
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["headers"]["X-Name"] == "value"
    assert "User-Agent" not in seen["headers"]


def test_files_are_sent_as_parts(run: Run, aiohttp_server: Site, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("content")

    done = run(aiohttp_server.url("/form"), "field=x", "file@a.txt")

    parts = json.loads(done.stdout)
    assert [(part["name"], part["filename"], part["size"]) for part in parts] == [
        ("field", None, 1),
        ("file", "a.txt", 7),
    ]


def test_body_comes_from_standard_input(run: Run, aiohttp_server: Site) -> None:
    seen = echoed(run("PUT", aiohttp_server.url("/echo"), "@-", text_in="from input"))

    assert seen["body"] == "from input"


def test_options_of_plugins_have_their_effect(run: Run, aiohttp_server: Site) -> None:
    basic = echoed(run(aiohttp_server.url("/echo"), "-u", "user:pass", "--cookie", "a=b"))
    kept = run("-i", "--no-follow", aiohttp_server.url("/redirect/1"))
    limited = run("--max-redirects", "1", aiohttp_server.url("/redirect/2"))

    assert basic["headers"]["Authorization"] == "Basic dXNlcjpwYXNz"
    assert basic["headers"]["Cookie"] == "a=b"
    assert kept.stdout.startswith("HTTP/1.1 302 Found\n")
    assert "TooManyRedirects" in limited.stderr


def test_option_of_an_optional_plugin_loads_it(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 503), response(b"at last"))

    assert run(scripted.url(), "--retry", "1").stdout == "at last"


def test_opt_sets_any_option(run: Run, aiohttp_server: Site) -> None:
    seen = echoed(run(aiohttp_server.url("/echo"), "--opt", "cookies={'a': 'b'}", "--opt", "trust_env=False"))

    assert seen["headers"]["Cookie"] == "a=b"


@pytest.mark.parametrize("words", [("--bearer", "hunter 2"), ("-u", "hunter2\n:hunter2")], ids=["bearer", "basic"])
def test_secret_in_a_wrong_option_is_not_shown(run: Run, words: tuple[str, ...]) -> None:
    done = run("http://127.0.0.1/", *words)

    assert done.returncode == 2
    assert "hunter" not in done.stderr


def test_configuration_stands_before_the_command_line(
    run: Run, aiohttp_server: Site, environment: dict[str, str]
) -> None:
    config = Path(environment["HOOKLINE_CONFIG_DIR"], "config")
    config.write_text("# mine\n-H 'X-Name: from the file'\n--max-redirects 0\n")

    seen = echoed(run(aiohttp_server.url("/echo")))
    overruled = run("--max-redirects", "1", aiohttp_server.url("/redirect/1"))
    config.write_text("nonsense\n")
    wrong = run(aiohttp_server.url("/echo"))

    assert seen["headers"]["X-Name"] == "from the file"
    assert overruled.returncode == 0
    assert wrong.returncode == 2
    assert "line 1: expected an option such as --timeout 10, got 'nonsense'" in wrong.stderr


def test_certificate_is_checked_with_the_given_authorities(
    run: Run, aiohttp_tls_server: Site, certificates: Certificates
) -> None:
    url = aiohttp_tls_server.url("/bytes/3")

    checked = run("-v", "--verify", str(certificates.ca_file), url)
    refused = run("--verify", "yes", url)

    assert (checked.returncode, checked.stdout) == (0, "000")
    assert "(new, TLSv1.3)" in checked.stderr
    assert refused.returncode == 3


# -- sessions


def test_session_keeps_cookies_credentials_and_fields(
    run: Run, aiohttp_server: Site, environment: dict[str, str]
) -> None:
    run("--session", "mine", aiohttp_server.url("/cookies?a=1"), "-u", "user:pass", "X-Name:value")
    second = echoed(run("--session", "mine", aiohttp_server.url("/echo")))
    explained = run("--session", "mine", "--explain", aiohttp_server.url("/echo")).stdout
    third = echoed(run("--session", "mine", aiohttp_server.url("/echo"), "X-Name:other", "--bearer", "31d4"))

    assert "> Cookie: a=…" in explained
    assert "> X-Name: value" in explained
    assert second["headers"]["Cookie"] == "a=1"
    assert second["headers"]["Authorization"] == "Basic dXNlcjpwYXNz"
    assert second["headers"]["X-Name"] == "value"
    assert (third["headers"]["Cookie"], third["headers"]["X-Name"]) == ("a=1", "other")
    assert third["headers"]["Authorization"] == "Bearer 31d4"
    (file,) = Path(environment["HOOKLINE_CONFIG_DIR"], "sessions").rglob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_session_belongs_to_one_origin(run: Run, aiohttp_server: Site, scripted: ScriptedServer) -> None:
    scripted.answer(response(b""))
    run("--session", "mine", aiohttp_server.url("/cookies?a=1"), "-u", "user:pass")

    run("--session", "mine", scripted.url())

    assert scripted.requests[0].header("authorization") is None
    assert scripted.requests[0].header("cookie") is None


@pytest.mark.parametrize("name", ["..", "", "a b"])
def test_session_with_a_wrong_name_is_refused(run: Run, name: str) -> None:
    done = run("--session", name, "http://127.0.0.1/")

    assert done.returncode == (3 if not name else 2)


# -- downloads


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.txt"', "a b.txt"),
        ("attachment; filename*=UTF-8''%e2%82%ac.txt; filename=plain.txt", "€.txt"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.txt"', "y.txt"),
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename=".."', "page.bin"),
        ("", "page.bin"),
    ],
    ids=["quoted", "extended", "traversal", "windows", "hidden", "dots", "none"],
)
def test_download_has_a_safe_name(
    run: Run, scripted: ScriptedServer, tmp_path: Path, disposition: str, name: str
) -> None:
    scripted.answer(response(b"content", headers=[("Content-Disposition", disposition)] if disposition else []))

    done = run("-O", scripted.url("/files/page.bin?x=/y"))

    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"content"
    assert scripted.requests[0].header("accept-encoding") == "identity"


def test_download_overwrites_nothing(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    scripted.answer(response(b"theirs"))

    run("--download", scripted.url("/a.txt"))

    assert (tmp_path / "a.txt").read_text() == "mine"
    assert (tmp_path / "a-1.txt").read_text() == "theirs"


def test_broken_download_goes_on_where_it_ended(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    etag = ("ETag", '"v1"')
    scripted.answer(Script(head(200, [("Content-Length", "10"), etag]), b"01234").close())

    broken = run("-O", scripted.url("/a.txt"))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.txt.part", "a.txt.part.validator"]
    scripted.answer(response(b"56789", 206, headers=[("Content-Range", "bytes 5-9/10"), etag]))
    done = run("-O", "-C", scripted.url("/a.txt"), "--checksum", f"sha256:{hashlib.sha256(b'0123456789').hexdigest()}")

    assert (broken.returncode, done.returncode) == (3, 0)
    assert scripted.requests[1].header("range") == "bytes=5-"
    assert scripted.requests[1].header("if-range") == '"v1"'
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"0123456789")]


def test_changed_content_is_downloaded_anew(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt.part").write_bytes(b"01234")
    (tmp_path / "a.txt.part.validator").write_text('"v1"')
    scripted.answer(response(b"all of it", headers=[("ETag", '"v2"')]))

    assert run("-C", "-O", scripted.url("/a.txt")).returncode == 0
    assert (tmp_path / "a.txt").read_bytes() == b"all of it"


def test_another_part_than_was_asked_for_is_refused(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt.part").write_bytes(b"01234")
    (tmp_path / "a.txt.part.validator").write_text('"v1"')
    scripted.answer(response(b"x", 206, headers=[("Content-Range", "bytes 0-0/10")]))

    done = run("-C", "-O", scripted.url("/a.txt"))

    assert done.returncode == 1
    assert "the server sent another part than was asked for" in done.stderr


def test_wrong_checksum_is_an_error(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.respond(lambda request: response(b"x"))

    wrong = run("-O", scripted.url("/a"), "--checksum", "sha256:00")
    unknown = run("-O", scripted.url("/a"), "--checksum", "crc7:00")

    assert (wrong.returncode, unknown.returncode) == (1, 2)
    assert "not 00; the file is kept" in wrong.stderr


def test_error_page_is_no_download(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(response(b"sorry", 404))

    assert run("-O", scripted.url("/a")).returncode == 4
    assert not list(tmp_path.iterdir())


def test_progress_is_shown_on_a_terminal(on_terminal: Show, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(response(b"x" * 100_000))

    status, shown, _ = on_terminal("-O", scripted.url("/a.bin"), all_streams=True, columns=60)

    assert status == 0
    assert "100.0/100.0 kB" in shown
    assert (tmp_path / "a.bin").stat().st_size == 100_000


# -- what happened


def redirecting(request: SeenRequest) -> Answer:
    if request.target.startswith("/old"):
        return response(b"moved", 302, headers=[("Location", "/new"), ("Set-Cookie", "sid=hunter2")])
    return response(b'{"a": 1}', headers=[("Content-Type", "application/json")])


def test_har_has_all_exchanges_without_credentials(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.respond(redirecting)

    done = run(scripted.url("/old?q=1"), "--har", "kept.har", "-u", "user:hunter2", "X-Api-Key:hunter2")

    text = (tmp_path / "kept.har").read_text()
    assert done.stdout == '{"a": 1}'
    assert list(har_problems(json.loads(text))) == []
    entries = json.loads(text)["log"]["entries"]
    assert [entry["response"]["status"] for entry in entries] == [302, 200]
    assert entries[1]["response"]["content"]["text"] == '{"a": 1}'
    assert entries[0]["request"]["queryString"] == [{"name": "q", "value": "1"}]
    assert "hunter2" not in text
    assert "dXNlcjpo" not in text


def test_trace_shows_the_phases_of_each_exchange(run: Run, scripted: ScriptedServer) -> None:
    scripted.respond(redirecting)

    done = run(scripted.url("/old"), "--trace", variables={"COLUMNS": "60"})

    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(" ")][:2] == ["queue", "connect"]
    assert sum(line.startswith("GET ") for line in lines) == 2
    assert max(map(len, lines)) <= 60


def test_trace_of_a_failure_is_shown_too(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(Script().close())

    done = run(scripted.url(), "--trace", "--opt", "retry=0", "--plugin", "retry")

    assert done.returncode == 3
    assert "no response" in done.stderr


def test_verbose_shows_what_plugins_did_and_no_secret(run: Run, scripted: ScriptedServer) -> None:
    scripted.respond(redirecting)

    done = run("-v", scripted.url("/old"), "-u", "user:hunter2")

    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert "* basic sets Authorization" in lines
    assert "* cookies sets Cookie" in lines
    assert "> Authorization: Basic …" in lines
    assert "> Cookie: sid=…" in lines
    assert "hunter2" not in done.stderr
    assert not [line for line in lines if line.startswith(("* tunnel", "* websocket", "* oauth"))]


def test_explain_sends_nothing(run: Run, scripted: ScriptedServer) -> None:
    done = run("--explain", "--plugin", "retry", scripted.url("/x"), "a=1", "-u", "user:hunter2")

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert not scripted.requests
    assert "> POST /x HTTP/1.1" in lines
    assert "> Authorization: Basic …" in lines
    assert "basic sets Authorization" in lines
    assert "redirects statuses 301, 302, 303, 307, 308; headers location" in lines
    assert "not running: testing (optional)" in lines
    assert "hunter2" not in done.stdout


def test_code_is_the_same_request(run: Run, aiohttp_server: Site, tmp_path: Path) -> None:
    words = ("PUT", aiohttp_server.url("/echo"), "a=1", "n:=[1, null]", "q==x y", "X-Name:value", "Accept:")
    options = ("--max-redirects", "3", "-u", "user:hunter2", "--cookie", "sid=hunter2; b=c")

    code = run("--code", *words, *options)
    direct = echoed(run(*words, *options))

    assert code.returncode == 0
    assert "hunter2" not in code.stdout
    assert "auth=('user', os.environ[\"PASSWORD\"])" in code.stdout
    program = code.stdout.replace("print(response.status_code, response.text)", "print(response.text)")
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PASSWORD": "hunter2", "COOKIES": "sid=hunter2; b=c"},
    )
    assert echoed(done) == direct


def test_code_of_files_and_proxies(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")

    done = run("--code", "h/x", "f@a.txt", "-x", "http://user:hunter2@proxy:3128", "--digest", "u:p", "-k")

    compile(done.stdout, "program", "exec")
    assert "files=[('f', ('a.txt', Path('a.txt')))]" in done.stdout
    assert "proxies={'all': 'http://user:…@proxy:3128'}" in done.stdout
    assert "verify=False" in done.stdout
    assert "HTTPDigestAuth('u', os.environ[\"PASSWORD\"])" in done.stdout
