"""The pictures of docs/cli.md: real runs on a terminal of 80 columns, as SVG.

A run is compared with the stored picture, but for addresses and times. HOOKLINE_PICTURES=write writes the pictures anew.
"""

from __future__ import annotations

import html
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from hookline_testing.server import ScriptedServer, SeenRequest, response
from hookline_testing.server.answer_queue import Answer

Show = Callable[..., tuple[int, str, str]]
PICTURES = Path(__file__).parents[2] / "docs/pictures"
COLUMNS = 80
# rich's own template loads fonts from the web; this one takes those of the reader.
TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
RUNS = {
    "response": ("POST", "/people", "name=Ada", "born:=1815", "tags[]=maths"),
    "verbose": ("-v", "-u", "ada:secret", "/old"),
    "trace": ("-b", "--trace", "/old"),
    "explain": ("--explain", "--disable", "oauth1", "--disable", "oauth2", "/people", "name=Ada"),
    "error": ("--timeot", "3", "/people"),
}


def answer(request: SeenRequest) -> Answer:
    """Answer the requests of the pictures."""
    if request.target == "/old":
        return response(status=302, headers=[("Location", "/people"), ("Set-Cookie", "sid=31d4; Path=/; HttpOnly")])
    kind = [("Content-Type", "application/json"), ("Server", "example")]
    return response(b'{"id": 7, "name": "Ada", "born": 1815, "tags": ["maths"], "alive": false}', headers=kind)


@pytest.mark.parametrize("name", RUNS)
def test_picture_is_as_a_run_shows_it(on_terminal: Show, scripted: ScriptedServer, name: str) -> None:
    scripted.respond(answer)
    words = [scripted.url(word) if word.startswith("/") else word for word in RUNS[name]]

    shown = on_terminal(*words, all_streams=True, columns=COLUMNS)[1].replace(f":{scripted.port}", ":8000")

    command = " ".join(["hookline", *(word if word[0] != "/" else f":8000{word}" for word in RUNS[name])])
    picture = as_svg(f"$ {command}\n{shown}", name)
    file = PICTURES / f"{name}.svg"
    if os.environ.get("HOOKLINE_PICTURES") == "write":
        file.write_text(picture, encoding="utf-8")
    assert text_of(picture) == text_of(file.read_text(encoding="utf-8"))


def as_svg(shown: str, name: str) -> str:
    """Return what a terminal shows as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(shown), soft_wrap=False)
    return console.export_svg(title="hookline", code_format=TEMPLATE, unique_id=name)


def text_of(picture: str) -> str:
    """Return the text of a picture without what differs from run to run: times, bars, versions."""
    text = "".join(html.unescape(part) for part in re.findall(r">([^<>]*)</text>", picture)).replace("\xa0", " ")
    text = re.sub(r"[█▏]+", "", text)
    text = re.sub(r"[\d.]+ m?s\b", "TIME", text)
    text = re.sub(r"hookline/\S+", "hookline/VERSION", text)
    text = re.sub(r"gzip, deflate(, br)?(, zstd)?", "CODINGS", text)
    return re.sub(r"\s+", " ", text)
