"""Run every example of the README and of docs/.

A ```python block is a separate program, which may use `await` at the top level. A ```text block directly after it is its
expected output. In ```sh blocks the lines that call `hookline` or `python -m hookline` are run and must succeed.
Blocks with a title are files of a page that tests/packaging/test_pages.py runs command by command.
`http://127.0.0.1:8000` and `ws://127.0.0.1:8000` are replaced by the address of the test's server.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookline_testing.server import Script, ScriptedServer, SeenRequest, response
from hookline_testing.server.answer_queue import Answer
from kit.event_streams import ended, whole
from servers.websocket_peer import echo, opening

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(DOCS.glob("plugins/*.md")),
    *sorted(DOCS.glob("bridges/*.md")),
    DOCS / "examples/README.md",
]
ELSEWHERE = [
    DOCS / "bridges/sdks.md"
]  # its examples are run by tests/bridges/sdks, which has the packages that they need
FOLLOWED = ("starting.md", "writing.md", "publishing.md")
STAND_IN = "http://127.0.0.1:8000"
CHAT_CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}}]}\n\n'

BLOCK = re.compile(r"^```([\w{}]*(?: title=\S+)?)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^(?:\w+=\S+ )*(?:hookline|python -m hookline)\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A block of a page, and its expected output; None if the page has none."""

    page: str
    line: int
    code: str
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """Return the path of a page below docs/, else its name: `README.md`, `events.md`, `plugins/life.md`."""
    return page.relative_to(DOCS).as_posix() if page.is_relative_to(DOCS) else page.name


def python_examples(page: Path) -> list[Example]:
    """Return all python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = []
    blocks = list(BLOCK.finditer(text))
    for block, following in itertools.zip_longest(blocks, blocks[1:]):
        if block[1] == "python":
            has_output = following is not None and following[1] == "text"
            is_next = has_output and not text[block.end() : following.start()].strip()
            line = text.count("\n", 0, block.start()) + 2
            found.append(Example(name_of(page), line, block[2], following[2] if is_next else None))
    return found


def shell_examples(page: Path) -> list[Example]:
    """Return all lines of sh blocks that call the command line of Hookline."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block in BLOCK.finditer(text):
        if block[1] == "sh":
            for command in COMMAND.finditer(block[2]):
                line = text.count("\n", 0, block.start(2) + command.start()) + 1
                found.append(Example(name_of(page), line, command[0]))
    return found


PYTHON = [example for page in PAGES if page not in ELSEWHERE for example in python_examples(page)]
SHELL = [example for page in PAGES for example in shell_examples(page)]


def make_answer() -> Callable[[SeenRequest], Answer]:
    """Return a function that answers the requests of the examples."""
    counter = itertools.count()

    def answer(request: SeenRequest) -> Answer:
        if request.method == "CONNECT":
            return response(b"no tunnel here", 403)
        path = request.target.partition("?")[0]
        if path == "/json":
            return response(b'{"page": 2}', headers=[("Content-Type", "application/json")])
        if path == "/echo":
            return response(request.body)
        if path == "/large":
            return response(b"x" * 1_000_000)
        if path == "/pages":
            return response(headers=[("Link", '</pages?page=2>; rel="next"')])
        if path == "/catalogue":
            number = int(request.target.partition("=")[2] or 1)
            following = [("Link", f'</catalogue?page={number + 1}>; rel="next"')] if number < 3 else []
            return response(b"[%d, %d]" % (2 * number - 1, 2 * number), headers=following)
        if path == "/lines":
            return response(b'{"n": 1}\n{"n": 2}\n')
        if path == "/old":
            return response(status=302, headers=[("Location", "/")])
        if path == "/login":
            return response(status=302, headers=[("Location", "/"), ("Set-Cookie", "theirs=2")])
        if path == "/into":
            return response(status=302, headers=[("Location", "http://169.254.169.254/latest/meta-data/")])
        if path == "/page":
            return response(b"<title>Hello</title>", headers=[("Content-Type", "text/html")])
        if path == "/missing":
            return response(b"nothing here\n", 404)
        if path == "/counter":
            return response(str(next(counter)).encode())
        if path == "/busy":
            return response(b"busy\n", 503)
        if path == "/private":
            challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]
            return response() if request.header("authorization") else response(b"who?", 401, challenge)
        if path == "/slow":
            return Script().stall()
        if path == "/cached":
            return response(b"kept for a minute", headers=[("Cache-Control", "max-age=60")])
        if path == "/news":
            return whole(b"id: 1\ndata: first\n\nid: 2\nevent: weather\ndata: rain\ndata: then sun\n\n")
        if path == "/ticker":
            last = request.header("last-event-id")
            return response(status=204) if last == "2" else ended(b"retry: 0\nid: 1\ndata: up\n\nid: 2\ndata: down\n\n")
        if path == "/chat":
            return ended(*(CHAT_CHUNK % word for word in (b"Hello", b", world", b"!")), b"data: [DONE]\n\n")
        if path == "/websocket":
            return opening(echo)
        if path == "/broken":
            return Script(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").close()
        return response(b"hello\n", headers=[("Content-Type", "text/plain")])

    return answer


def run_block(code: str, name: str) -> None:
    """Run Python code that may use `await` at the top level."""
    compiled = compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    names: dict[str, object] = {"__name__": "__main__"}
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(compiled, names))  # noqa: S307  # the examples are ours
    else:
        exec(compiled, names)  # noqa: S102  # the examples are ours


@pytest.mark.parametrize("example", PYTHON, ids=str)
def test_python_example_runs(
    example: Example, scripted: ScriptedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOOKLINE_DISABLE", "HOOKLINE_PLUGINS", "HOOKLINE_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(variable, raising=False)
    scripted.respond(make_answer())

    code = example.code.replace(STAND_IN, scripted.url("")).replace("ws" + STAND_IN[4:], "ws" + scripted.url("")[4:])
    run_block("\n" * (example.line - 1) + code, example.page)

    if example.output is not None:
        assert capsys.readouterr().out.replace(scripted.url(""), STAND_IN) == example.output


@pytest.mark.parametrize("example", SHELL, ids=str)
def test_shell_example_succeeds(example: Example, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.respond(make_answer())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", example.code.replace(STAND_IN, scripted.url(""))],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=environment,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_pages_have_examples() -> None:
    assert {example.page for example in PYTHON} >= {
        "README.md",
        "quickstart.md",
        "events.md",
        "plugins/index.md",
        "plugins/life.md",
        "errors.md",
        "responses.md",
    }
    assert {example.page for example in SHELL} >= {"README.md", "quickstart.md"}


@pytest.mark.parametrize("page", sorted(DOCS.glob("plugins/*.md")), ids=name_of)
def test_every_block_of_a_plugin_page_is_run(page: Path) -> None:
    if page.name not in FOLLOWED:
        text = page.read_text(encoding="utf-8")
        kinds = [block[1] for block in BLOCK.finditer(text)]
        assert 2 * len(kinds) == len(re.findall(r"^```", text, re.MULTILINE))
        assert set(kinds) <= {"python", "text", "sh", "{toctree}", "{reference}"}
        commands = "".join(block[2] for block in BLOCK.finditer(text) if block[1] == "sh").splitlines()
        assert all(COMMAND.fullmatch(line) for line in commands)
        compared = sum(example.page == name_of(page) and example.output is not None for example in PYTHON)
        pictures = page.name == "life.md"  # compared by test_hooks.py
        assert kinds.count("text") == compared + pictures
