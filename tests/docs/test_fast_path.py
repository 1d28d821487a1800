"""docs/fast-path.md names the calls of a warm GET and POST in their order."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

import pytest

import hookline
from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response

CORE = str(Path(hookline.__file__).parent)
PAGE = Path(__file__).parents[2] / "docs" / "fast-path.md"


def stated() -> list[str]:
    """The calls of the table."""
    rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    return [name for _, name in rows]


@pytest.mark.parametrize(("method", "data"), [("GET", None), ("POST", b"abc")], ids=["get", "post"])
async def test_table_names_the_calls_of_a_warm_request(
    scripted: ScriptedServer, method: str, data: bytes | None
) -> None:
    scripted.always(response(b"body"))
    calls: list[str] = []
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(CORE):
            calls.append(frame.f_code.co_qualname)
            files.add(frame.f_code.co_filename)

    async with HttpClient() as client:
        send = client.get if method == "GET" else client.post
        for _ in range(3):
            await send(scripted.url(), data=data)
        sys.setprofile(note)
        try:
            await send(scripted.url(), data=data)
        finally:
            sys.setprofile(None)
    wanted = stated()
    wanted[0] = f"HttpClient.{method.lower()}"
    assert calls == wanted
    assert f"{len(wanted)} calls of Python functions of core, in {len(files)} files" in " ".join(
        PAGE.read_text().split()
    )
