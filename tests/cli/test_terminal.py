"""What differs when standard output is a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import Gate, Script, ScriptedServer, head, response

Show = Callable[..., tuple[int, str, str]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND = Path(sys.executable).parent / "hookline"


def test_head_is_coloured(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"text"))

    status, shown, _ = on_terminal(scripted.url())

    assert status == 0
    assert shown == "\x1b[32mHTTP/1.1 200 OK\x1b[0m\n\x1b[36mContent-Length\x1b[0m: 4\n\ntext\n"


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=lambda given: next(iter(given)))
def test_variables_switch_colour_off(on_terminal: Show, scripted: ScriptedServer, variables: dict[str, str]) -> None:
    scripted.answer(response(b"text"))

    assert "\x1b" not in on_terminal(scripted.url(), variables=variables)[1]


@pytest.mark.parametrize("body", [b"\x89PNG\0\0", b"\xff\xfe\xfd\xfc\xfb\xfa"], ids=["NUL", "no text"])
def test_binary_body_is_announced(on_terminal: Show, scripted: ScriptedServer, body: bytes) -> None:
    scripted.answer(response(body, headers=[("Content-Type", "image/png")]))

    status, shown, error = on_terminal(scripted.url())

    assert (status, error) == (0, "")
    assert shown.endswith("\n\n[6 bytes of binary data, image/png; -o FILE keeps them, -o - prints them]\n")


def test_binary_body_is_printed_where_it_is_asked_for(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"a\0b"))

    assert on_terminal(scripted.url(), "-o", "-") == (0, "a\0b", "")


def test_control_characters_of_fields_are_escaped(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", headers=[("X-Name", "a\x9b2Jb")]))

    status, shown, _ = on_terminal(scripted.url(), variables={"NO_COLOR": "1"})

    assert status == 0
    assert "\x9b" not in shown


def test_control_characters_of_bodies_are_escaped(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"a\x1b[2Jb\tc\r\nd", headers=[("Content-Type", "text/plain")]))

    assert on_terminal("-b", scripted.url())[1] == "a\\x1b[2Jb\tc\nd\n"


def test_json_is_indented_and_coloured_without_a_change_to_its_values(
    on_terminal: Show, scripted: ScriptedServer
) -> None:
    kind = [("Content-Type", "application/problem+json")]
    scripted.respond(lambda request: response(b'{"n":1.0e99,"l":[1,{}, []],"s":"a:\\u00e9,"}', headers=kind))

    plain = on_terminal("-b", scripted.url(), variables={"NO_COLOR": "1"})[1]
    coloured = on_terminal("-b", scripted.url())[1]

    assert plain == '{\n  "n": 1.0e99,\n  "l": [\n    1,\n    {},\n    []\n  ],\n  "s": "a:\\u00e9,"\n}\n'
    assert '\x1b[94m"n"\x1b[39;49;00m: ' in coloured


def test_xml_is_indented_unless_it_declares_entities(on_terminal: Show, scripted: ScriptedServer) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    for body in (b'<?xml version="1.0"?><a><b x="1">t</b></a>', bomb):
        scripted.answer(response(body, headers=[("Content-Type", "application/xml")]))

    indented, kept = (on_terminal("-b", scripted.url(), variables={"NO_COLOR": "1"})[1] for _ in range(2))

    assert indented == '<?xml version="1.0"?>\n<a>\n  <b x="1">t</b>\n</a>\n'
    assert kept == bomb.decode() + "\n"


def test_pretty_formats_and_colours_through_a_pipe_on_request(run: Run, scripted: ScriptedServer) -> None:
    kind = [("Content-Type", "application/json")]
    scripted.respond(lambda request: response(b'{"a":1}', headers=kind))

    assert run(scripted.url(), "--pretty", "format").stdout == '{\n  "a": 1\n}\n'
    assert "\x1b[94m" in run(scripted.url(), "--pretty", "all").stdout
    assert "\x1b" not in run(scripted.url(), "--pretty", "all", variables={"NO_COLOR": "1"}).stdout


def test_summary_has_size_and_time(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response(b"x" * 1500))

    shown = on_terminal("-b", scripted.url(), all_streams=True)[1]
    silent = on_terminal("-b", "-s", scripted.url(), all_streams=True)[1]

    assert re.search(r"1\.5 kB in [\d.]+ m?s", shown)
    assert " in " not in silent


def test_cookies_are_not_shown_in_full(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response(b"", headers=[("Set-Cookie", "sid=hunter2; Path=/")]))
    variables = {"NO_COLOR": "1"}

    hidden = on_terminal(scripted.url(), variables=variables)[1]
    shown = on_terminal(scripted.url(), "--show-secrets", variables=variables)[1]

    assert "Set-Cookie: sid=…; Path=/" in hidden
    assert "Set-Cookie: sid=hunter2; Path=/" in shown


def read(terminal: int) -> bytes:
    """Return what a program wrote to a terminal; b"" at its end, for which Linux says EIO."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""


def test_server_sent_events_are_shown_as_they_come(environment: dict[str, str], scripted: ScriptedServer) -> None:
    gate = Gate()
    kind = head(200, [("Content-Type", "text/event-stream")])
    scripted.answer(Script(kind, b'event: a\ndata: {"n": 1}\n\n').hold(gate).send(b"data: end\n\n").close())
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "-b", scripted.url()], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)

    shown = b""
    while b"1" not in shown:
        shown += read(ours)
    gate.open()
    while part := read(ours):
        shown += part
    os.close(ours)

    assert process.wait(30) == 0
    assert b"event\x1b[0m: a" in shown
    assert b"end" in shown


@pytest.mark.parametrize("width", [60, 100])
def test_help_fits_the_terminal(on_terminal: Show, width: int) -> None:
    status, shown, _ = on_terminal("--help", columns=width)

    assert status == 0
    assert max(map(len, shown.splitlines())) <= width
    assert "hookline COMMAND [options]" in shown
