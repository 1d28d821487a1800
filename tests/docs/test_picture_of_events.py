"""The picture of the README: the five events of an exchange, and which default plugins take part in each.

It is drawn from the hooks of the installed plugins. HOOKLINE_PICTURES=write writes it anew.
"""

from __future__ import annotations

import os
import tomllib
from html import escape
from pathlib import Path

from hookline import HttpClient

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "events.svg"
# The columns from left to right; "" is core's own, between the request and the response.
COLUMNS = ("pre_request", "", "data_received", "on_headers", "data_processed", "post_request")
CORE = ("connection pool", "TLS", "HTTP/1.1", "timeouts", "limits")
OWN = "your plugin"
WIDTH, GAP, BOX, PILL, MARGIN = 124, 16, 34, 24, 20
BASELINE = 4.5  # from the middle of a line of 13 px down to its letters' feet
STYLE = """
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
.event, .core { font-family: ui-monospace, Menlo, Consolas, monospace; font-weight: 600; }
.box { fill: #ddf4ff; stroke: #0969da; } .network { fill: #eaeef2; stroke: #6e7781; }
.pill { fill: #f6f8fa; stroke: #afb8c1; } .own { fill: none; stroke: #0969da; stroke-dasharray: 4 3; }
.line { stroke: #6e7781; stroke-width: 1.5; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .box { fill: #0c2d6b; stroke: #58a6ff; } .network { fill: #30363d; stroke: #8b949e; }
.pill { fill: #161b22; stroke: #484f58; } .own { stroke: #58a6ff; } .line { stroke: #8b949e; } }
"""


def default_plugins() -> dict[str, tuple[str, ...]]:
    """Return the hooks of each plugin that `pip install hookline` brings and each client loads, by name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    distributions = {requirement.partition("==")[0] for requirement in settings["project"]["dependencies"]}
    with HttpClient(autoload="default") as client:
        return {info.name: info.hooks for info in client.plugins if info.distribution in distributions}


def draw(plugins: dict[str, tuple[str, ...]]) -> str:
    """Return the picture as SVG."""
    cells = {
        column: [*(name for name, hooks in plugins.items() if column in hooks), OWN] if column else list(CORE)
        for column in COLUMNS
    }
    rows = max(map(len, cells.values()))
    width = 2 * MARGIN + len(COLUMNS) * WIDTH + (len(COLUMNS) - 1) * GAP
    height = 2 * MARGIN + BOX + 12 + rows * (PILL + 6)
    middle = MARGIN + BOX / 2
    parts = [f'<path class="line" d="M 4 {middle} H {width - 4} m -8 -5 l 8 5 l -8 5"/>']
    for number, (column, names) in enumerate(cells.items()):
        left = MARGIN + number * (WIDTH + GAP)
        center = left + WIDTH / 2
        parts.append(
            f'<rect class="{"box" if column else "network"}" x="{left}" y="{MARGIN}" width="{WIDTH}" height="{BOX}" rx="6"/>'
        )
        parts.append(f'<text class="event" x="{center}" y="{middle + BASELINE}">{escape(column or "core")}</text>')
        for row, name in enumerate(names):
            top = MARGIN + BOX + 12 + row * (PILL + 6)
            if column:
                kind = "own" if name == OWN else "pill"
                parts.append(
                    f'<rect class="{kind}" x="{left + 8}" y="{top}" width="{WIDTH - 16}" height="{PILL}" rx="12"/>'
                )
            parts.append(f'<text x="{center}" y="{top + PILL / 2 + BASELINE}">{escape(name)}</text>')
    title = "The five events of an exchange, and the plugins that take part in each"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def test_picture_shows_the_default_plugins_at_their_events() -> None:
    picture = draw(default_plugins())

    if os.environ.get("HOOKLINE_PICTURES") == "write":
        PICTURE.write_text(picture, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == picture
