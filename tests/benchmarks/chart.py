"""Draw bar charts as SVG: text is text, and the colours follow the reader's light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, MARGIN, GAP = 864, 20, 28
LINE, BAR, HEAD = 22, 14, 44  # heights: of a row, of its bar, of a panel's heading
LABEL, VALUE = 84, 92  # widths: of the names on the left, of the figures on the right
BASELINE = 4.5  # from the middle of a line of 13 px down to its letters' feet
STYLE = """
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; } .unit, .other { fill: #57606a; } .name { text-anchor: end; }
.bar { fill: #afb8c1; } .own { fill: #0969da; } .strong { font-weight: 600; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .unit, .other { fill: #8b949e; } .bar { fill: #484f58; } .own { fill: #58a6ff; } }
"""


@dataclass(frozen=True)
class Bar:
    """One bar. text: the figure as the reader sees it. is_own: drawn in the colour of the project."""

    name: str
    value: float
    text: str
    is_own: bool = False


@dataclass(frozen=True)
class Panel:
    """Bars with one scale, which begins at 0. unit: below the title."""

    title: str
    unit: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return HEAD + LINE * len(self.bars)


def draw_panel(panel: Panel, left: float, top: float, width: float) -> list[str]:
    """Return the elements of a panel."""
    parts = [
        f'<text class="title" x="{left:g}" y="{top + 12:g}">{escape(panel.title)}</text>',
        f'<text class="unit" x="{left:g}" y="{top + 29:g}">{escape(panel.unit)}</text>',
    ]
    start = left + LABEL + 8
    room = width - LABEL - 8 - VALUE
    most = max((bar.value for bar in panel.bars), default=0) or 1
    for row, bar in enumerate(panel.bars):
        middle = top + HEAD + LINE * row + BAR / 2
        length = max(1.0, room * bar.value / most)
        strong = " strong" if bar.is_own else ""
        kind, figure = ("own", "strong") if bar.is_own else ("bar", "other")
        line = f'y="{middle + BASELINE:g}"'
        parts += [
            f'<text class="name{strong}" x="{left + LABEL:g}" {line}>{escape(bar.name)}</text>',
            f'<rect class="{kind}" x="{start:g}" y="{middle - BAR / 2:g}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text class="{figure}" x="{start + length + 6:.1f}" {line}>{escape(bar.text)}</text>',
        ]
    return parts


def draw(title: str, panels: Sequence[Panel], columns: int = 2) -> str:
    """Return a picture of panels side by side, as SVG. Its description reads all figures out."""
    width = (WIDTH - 2 * MARGIN - GAP * (columns - 1)) / columns
    parts: list[str] = []
    top: float = MARGIN
    for begin in range(0, len(panels), columns):
        row = panels[begin : begin + columns]
        for column, panel in enumerate(row):
            parts += draw_panel(panel, MARGIN + column * (width + GAP), top, width)
        top += max(panel.height for panel in row) + GAP
    words = [f"{panel.title}, {panel.unit}: {', '.join(f'{b.name} {b.text}' for b in panel.bars)}." for panel in panels]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - GAP + MARGIN:g}" role="img" '
        f'aria-labelledby="title description">\n<title id="title">{escape(title)}</title>\n'
        f'<desc id="description">{escape(" ".join(words))}</desc>\n<style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
