"""docs/error-messages.md has every message of the exceptions of Hookline's tree, and no other."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from kit.error_messages import GAP, Message, Sources, letters_of, matches

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| (`+) ?(?P<message>.+?) ?\1 \| (?P<advice>.+) \|$", re.MULTILINE)


def rows() -> dict[str, list[tuple[str, str]]]:
    """Return the rows of the page, each with its message and what to do, by the class that they stand under."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for section in re.split(r"^## ", (DOCS / "error-messages.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        found[name] = [(row["message"], row["advice"]) for row in ROW.finditer(text)]
        assert len(found[name]) == len(re.findall(r"^\| `", text, re.MULTILINE)), f"a row of {name} has another form"
    return found


ROWS = rows()


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources()


@pytest.fixture(scope="module")
def messages(sources: Sources) -> list[Message]:
    return sorted(sources.messages())


def test_page_has_every_message(messages: list[Message]) -> None:
    missing = [
        f"{message.cls}: {message.text} ({message.where})"
        for message in messages
        if not any(matches(row, message.text) for row, _ in ROWS[message.cls])
    ]
    assert not missing


def test_every_row_is_about_a_message_of_its_class(messages: list[Message]) -> None:
    texts: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        texts[message.cls].append(message.text)
    assert not [
        f"{name}: {row}"
        for name, found in ROWS.items()
        for row, _ in found
        if not any(matches(row, text) for text in texts[name])
    ]


def test_every_row_says_what_to_do() -> None:
    assert not [row for found in ROWS.values() for row, advice in found if letters_of(advice) < 6]


def test_sections_are_classes_of_the_tree(sources: Sources) -> None:
    assert ROWS.keys() <= sources.classes
    assert len(ROWS) > 30


def test_collector_finds_messages_however_they_are_made(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("""
from elsewhere import SSLError
class HooklineError(Exception): ...
class Lost(HooklineError): ...
ADVICE = "; try later"

def plain(host):
    raise Lost(f"{host} has closed the connection{ADVICE}")

def chosen(is_late):
    why = "the answer came late" if is_late else "the answer did not come"
    return Lost(why)

def lost(what):
    return Lost(f"{what}")

def callers(kind: type[Lost]):
    lost("the first of several callers")
    lost(name())
    raise kind("a class that varies")

def name():
    return "what a function has returned"

class Kept:
    def keep(self, size):
        self._why = 1, f"a message of more than {size} bytes"

    def end(self):
        (code, why), self._why = self._why, None
        raise Lost(why)

def other():
    raise SSLError("of another library")
    raise ValueError("of Python")
""")
    found = {(message.cls, message.text) for message in Sources((tmp_path,)).messages()}
    assert found == {
        ("Lost", f"{GAP} has closed the connection; try later"),
        ("Lost", "the answer came late"),
        ("Lost", "the answer did not come"),
        ("Lost", "the first of several callers"),
        ("Lost", "what a function has returned"),
        ("Lost", "a class that varies"),
        ("Lost", f"a message of more than {GAP} bytes"),
    }


@pytest.mark.parametrize(
    ("row", "is_about_it"),
    [
        ("no address for the host …: …", True),
        ("…: …", False),
        ("no address for …", True),
        ("no address for the host", False),
        ("an address for the host …: …", False),
    ],
    ids=["same", "no words", "family", "shorter", "other"],
)
def test_rows_match_whole_messages(row: str, is_about_it: bool) -> None:
    assert matches(row, "no address for the host …: …") is is_about_it
