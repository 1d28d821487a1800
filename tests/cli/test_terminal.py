"""What differs when standard output is a terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hookline_testing.server import ScriptedServer, response

Show = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("as_module", [False, True], ids=["hookline", "python -m hookline"])
def test_head_is_coloured(on_terminal: Show, scripted: ScriptedServer, as_module: bool) -> None:
    scripted.answer(response(b"text"))

    status, shown, _ = on_terminal(scripted.url(), as_module=as_module)

    assert status == 0
    assert shown == "\x1b[32mHTTP/1.1 200 OK\x1b[0m\n\x1b[36mContent-Length\x1b[0m: 4\n\ntext\n"


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=lambda given: next(iter(given)))
def test_variables_switch_colour_off(on_terminal: Show, scripted: ScriptedServer, variables: dict[str, str]) -> None:
    scripted.answer(response(b"text"))

    assert "\x1b" not in on_terminal(scripted.url(), variables=variables)[1]


def test_binary_body_is_refused_with_a_hint(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"\x89PNG\0\0"))

    status, shown, error = on_terminal(scripted.url())

    assert status == 1
    assert "PNG" not in shown
    assert error == "hookline: the body is binary; -o FILE keeps it, -o - prints it nevertheless\n"


def test_binary_body_is_printed_where_it_is_asked_for(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"a\0b"))

    assert on_terminal(scripted.url(), "-o", "-") == (0, "a\0b", "")


def test_control_characters_of_fields_are_escaped(on_terminal: Show, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", headers=[("X-Name", "a\x9b2Jb")]))

    status, shown, _ = on_terminal(scripted.url(), variables={"NO_COLOR": "1"})

    assert status == 0
    assert "\x9b" not in shown
