"""Write docs/performance.md and its pictures from the figures of `figures.py`. All text of the page is here."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.chart import Bar, Panel, draw
from benchmarks.clients import UV
from benchmarks.figures import CLIENTS, HTTP1, HTTP2, ON_UVLOOP, OWN, SECTIONS, WEBSOCKETS, Figures
from benchmarks.report import figure, table
from benchmarks.workloads import WORKLOADS

MARK = "<!-- The figures of this page:\n"
FROM_MILLISECONDS = 10_000  # microseconds; a workload that costs more is shown in milliseconds
# The picture of the README: workloads of each kind, and the start-up.
FIRST_SCREEN = ("b_c10", "h_post", "h2_c32", "ws_64", "f_down")
GROWTH = {
    "plugins that sleep": "plugins with nothing to do",
    "plugins with pre_request": "plugins with an empty pre_request",
    "cookies of this origin": "cookies of this origin, all sent",
    "cookies of other origins": "cookies of other origins",
    "origins": "origins, requested in turn",
    "connections": "open connections to one origin",
}
INSTALLED = """\
pip installed each client into an environment of its own, in the newest release that it found. Hookline is this repository's,
with its default plugins and its extras `http2` and `speedups`."""
NOT_INSTALLED = "The clients are those of the interpreter that measured, and Hookline had all plugins that it has."
WARNING = "\n**These figures are of a brief run, which shows that the program works. Do not quote them.**\n"
TITLE = "CPU time of each client"


def named(client: str) -> str:
    """Return the name of a client in a table or a picture."""
    label = client.removesuffix(UV)
    return ("Hookline" if label == OWN else label) + (" on uvloop" if client.endswith(UV) else "")


def in_order(found: Iterable[str], order: Sequence[str] = CLIENTS) -> list[str]:
    return [client for client in order if client in found]


def is_slow(clients: Mapping[str, Any]) -> bool:
    return max((each["cpu"] for each in clients.values()), default=0) >= FROM_MILLISECONDS


def title_of(figures: Figures, workload: str) -> str:
    about = WORKLOADS[workload]
    return about.title + (f", {figures['mib']} MiB" if about.big else "")


def cost(cpu: float, *, slow: bool) -> str:
    """Return CPU time in words: `12.3 µs`, `45.6 ms`."""
    return f"{figure(cpu / 1000)} ms" if slow else f"{figure(cpu)} µs"


def costs_table(figures: Figures, workloads: Sequence[str], order: Sequence[str]) -> str:
    """Return a table: a row for each workload, a column for each client."""
    own = order[0]
    measured = {name: figures["workloads"].get(name, {}) for name in workloads}
    clients = in_order({client for found in measured.values() for client in found}, order)
    rows = []
    for name, found in measured.items():
        if not in_order(found, order):
            continue
        cells = []
        for client in clients:
            each = found.get(client)
            times = "" if each is None or client == own or each["times"] is None else f" (x {figure(each['times'])})"
            cells.append("-" if each is None else cost(each["cpu"], slow=is_slow(found)) + times)
        rows.append([title_of(figures, name), *cells])
    return table(["operation", *map(named, clients)], rows)


def panel(title: str, unit: str, values: Mapping[str, float], texts: Mapping[str, str]) -> Panel:
    """Return a panel with the least value first."""
    order = sorted(values, key=lambda client: values[client])
    return Panel(title, unit, [Bar(named(each), values[each], texts[each], each == OWN) for each in order])


def costs_panels(figures: Figures, workloads: Sequence[str]) -> list[Panel]:
    """Return a panel for each workload that was measured, without clients on uvloop."""
    panels = []
    for name in workloads:
        found = {client: figures["workloads"].get(name, {}).get(client) for client in CLIENTS}
        values = {client: each["cpu"] for client, each in found.items() if each}
        slow = is_slow(figures["workloads"].get(name, {}))
        texts = {client: cost(value, slow=slow) for client, value in values.items()}
        if values:
            panels.append(panel(title_of(figures, name), "CPU time of an operation, less is better", values, texts))
    return panels


def memory_panels(figures: Figures) -> list[Panel]:
    panels = [
        panel(
            title_of(figures, name),
            "memory grown, less is better",
            found,
            {client: mebibytes(found[client]) for client in found},
        )
        for name, found in ((name, without_uvloop(found)) for name, found in figures["memory"].items())
    ]
    loaded = {client: each["memory"] for client, each in figures["startup"].items()}
    texts = {client: mebibytes(value) for client, value in loaded.items()}
    return [
        *panels,
        *([panel("import and first client", "memory grown, less is better", loaded, texts)] if loaded else []),
    ]


def without_uvloop(found: Mapping[str, float | None]) -> dict[str, float]:
    return {client: value for client, value in found.items() if client in CLIENTS and value is not None}


def startup_panels(figures: Figures) -> list[Panel]:
    found = figures["startup"]
    if not found:
        return []
    whole = {client: each["import"] + each["first"] for client, each in found.items()}
    again = {client: each["second"] for client, each in found.items()}
    return [
        panel(
            "import and first client",
            "CPU time, less is better",
            whole,
            {each: milliseconds(whole[each]) for each in whole},
        ),
        panel(
            "each further client",
            "CPU time, less is better",
            again,
            {each: milliseconds(again[each]) for each in again},
        ),
    ]


def milliseconds(value: float) -> str:
    return f"{figure(value)} ms"


def mebibytes(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} MiB"


def pictures(figures: Figures) -> dict[str, str]:
    """Return {name of the file in docs/pictures: SVG}."""
    first = [*costs_panels(figures, FIRST_SCREEN), *startup_panels(figures)[:1]]
    found = {
        "performance": (TITLE, first),
        "performance-http1": (f"HTTP/1.1: {TITLE}", costs_panels(figures, HTTP1)),
        "performance-http2": (f"HTTP/2: {TITLE}", costs_panels(figures, HTTP2)),
        "performance-websockets": (f"WebSockets: {TITLE}", costs_panels(figures, WEBSOCKETS)),
        "performance-memory": ("Memory of each client", memory_panels(figures)),
        "performance-startup": ("Start of each client", startup_panels(figures)),
        "performance-growth": ("A small GET of Hookline, by what the client has", growth_panels(figures)),
    }
    return {f"{name}.svg": draw(title, panels) for name, (title, panels) in found.items()}


def memory_table(figures: Figures) -> str:
    memory, startup = figures["memory"], figures["startup"]
    clients = in_order({*startup, *(client for found in memory.values() for client in found)})
    rows = [
        [title_of(figures, name), *(mebibytes(found.get(each)) for each in clients)] for name, found in memory.items()
    ]
    rows.append(["import and first client", *(mebibytes(startup.get(each, {}).get("memory")) for each in clients)])
    return table(["memory grown by", *map(named, clients)], rows)


def startup_table(figures: Figures) -> str:
    rows = []
    for client in in_order(figures["startup"]):
        each = figures["startup"][client]
        whole = milliseconds(each["import"] + each["first"])
        rows.append(
            [
                named(client),
                *(milliseconds(each[key]) for key in ("import", "first")),
                whole,
                milliseconds(each["second"]),
            ]
        )
    return table(["client", "import", "first client", "both", "each further client"], rows)


def growth_table(figures: Figures) -> str:
    found = {GROWTH[what]: dict(rows) for what, rows in figures["growth"].items()}
    numbers = sorted({number for rows in found.values() for number in rows})
    rows = [
        [title, *(cost(each[number], slow=False) if number in each else "-" for number in numbers)]
        for title, each in found.items()
    ]
    return table(["a client with so many", *(f"{number:,.0f}" for number in numbers)], rows)


def growth_panels(figures: Figures) -> list[Panel]:
    return [
        Panel(
            GROWTH[what],
            "CPU time of a small GET",
            [Bar(f"{number:,.0f}", cpu, cost(cpu, slow=False), is_own=True) for number, cpu in rows],
        )
        for what, rows in figures["growth"].items()
    ]


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(found: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in found.items())


def not_measured(figures: Figures) -> str:
    about = figures["about"]
    lines = [
        """\
- Networks: everything runs on loopback. Latency, packet loss and large distances are not in these figures, and a program that
  waits for a slow server gains little from a fast client.
- Rates and latencies: the figures are CPU time of the client's process. Where the client is the limit, half the CPU time is
  twice the rate.
- Growth of other clients with cookies, origins and idle connections.
- Several cores: each client has one core. `pyreqwest` and `curl_cffi` may use threads, which share that core here.
- TLS with certificates of authorities that the system trusts: start-up does not contain loading them, where a client does
  that with its first request.
- Other servers, other systems than Linux, other versions of Python, PyPy, builds without the GIL.
- HTTP/3: Hookline does not speak it.
- `curl_cffi` takes no streamed uploads. The realistic call is not written for it and `pyreqwest`. `niquests` keeps each
  connection over HTTP/2. A dash in a table stands for one of these, or for a client that failed."""
    ]
    lines += [
        f"- {named(client)}: not measured: not installed, because {why}" for client, why in about["missing"].items()
    ]
    failed: dict[str, list[str]] = {}
    for what, error in figures["errors"].items():
        failed.setdefault(error, []).append(what)
    lines += [f"- {'; '.join(what)}: not measured: `{error}`" for error, what in failed.items()]
    return "\n".join(lines)


def is_brief(figures: Figures) -> bool:
    """Return whether there were too few rounds to say how far the samples scatter."""
    return not any(each["spread"] is not None for found in figures["workloads"].values() for each in found.values())


def uncertainty(figures: Figures) -> str:
    """Say how far the samples scatter, and how many were disturbed."""
    spreads = [each["spread"] or 0 for found in figures["workloads"].values() for each in found.values()]
    scatter = "There were too few rounds to say how far the samples scatter."
    if not is_brief(figures):
        middle, most = statistics.median(spreads), max(spreads)
        scatter = f"Half the interquartile range of the rounds is {middle:.0%} of the median, {most:.0%} at most."
    return f"{scatter} {figures['disturbed']} of\n  {figures['samples']} samples that count were disturbed that much."


def page(figures: Figures) -> str:
    """Return the text of docs/performance.md."""
    about = figures["about"]
    sections = []
    for name, workloads in SECTIONS.items():
        file = {"HTTP/1.1": "http1", "HTTP/2": "http2", "WebSockets": "websockets"}[name]
        sections.append(f"## {name}\n\n![The table below as bars](pictures/performance-{file}.svg)\n\n")
        sections.append(costs_table(figures, workloads, CLIENTS) + "\n\n")
        if {client for each in workloads for client in figures["workloads"].get(each, {})}.intersection(ON_UVLOOP[1:]):
            sections.append(f"On uvloop:\n\n{costs_table(figures, workloads, ON_UVLOOP)}\n\n")
    rounds = ("was " if about["rounds"] == 1 else "were ") + counted(about["rounds"], "round")
    text = f"""# Performance

How much CPU time Hookline needs, beside other clients. This page, its tables and its pictures were written on {about["date"]}
{about["commit"]}, by

    {about["command"]}

Nothing here is written by hand, and a test compares the page with what the program writes from its figures. To measure on
your machine, run the same command in a checkout.
{WARNING if is_brief(figures) else ""}
![{TITLE}: GET, POST, HTTP/2, websockets, a download and the start](pictures/performance.svg)

The figures are microseconds (µs) or milliseconds (ms) of CPU time that one operation costs the client's process. In brackets
is how often that is the time of Hookline, as the median of the ratios within each round: more than 1 is slower than Hookline,
less than 1 is faster. Compare ratios, because machines differ.

{"".join(sections)}## Memory

![The table below as bars](pictures/performance-memory.svg)

For downloads the peak of the process's resident memory, less that before the download; one of the downloads has a reader
that stops for 0.4 s. For the start what the process keeps, less that after `import asyncio`.

{memory_table(figures)}

## Start-up

![The first and the last column of figures as bars](pictures/performance-startup.svg)

CPU time of a fresh process that has imported asyncio and then imports the client, makes and closes a client, and makes and
closes another one. The median of {counted(about["starts"], "process", "processes")} for each client.

{startup_table(figures)}

## Growth

![The table below as bars](pictures/performance-growth.svg)

What a small GET of Hookline costs when the client has more: its own code alone, without socket and loop, the least of many
batches. `tests/benchmarks/growth.py` prints the same. How the cost of each client grows with the requests at a time is in the
rows of small GETs above.

{growth_table(figures)}

## The machine

{listed(about["machine"])}

## The versions

{INSTALLED if about["installs"] else NOT_INSTALLED}

{listed({named(client): version for client, version in about["versions"].items()})}

## The method

- Each client and operation has a process, pinned to one core. The server is pinned to another one: `server.c` of
  `tests/benchmarks` answers from memory. nginx speaks HTTP/2, over TLS, and HTTP/1.1 where there is no C compiler.
- The clients take turns: a round is one sample of each client, and every other round runs in reverse order. There
  {rounds}. A sample repeats the operation for {about["length"]}. Figures are medians of the rounds.
- Status and bytes of every response are checked. A client that gives a wrong result is not in the tables.
- A sample is repeated, {counted(about["retries"], "time")} at most, if other processes use more than {about["foreign"]:.0%} of
  either core, and the calmest one counts.
- {uncertainty(figures)}

`tests/benchmarks/README.md` describes each operation, and how the server answers it.

## What is not measured

{not_measured(figures)}
"""
    return text + f"\n{MARK}{as_json(figures)}\n-->\n"


def as_json(figures: Figures) -> str:
    """Return the figures as JSON that can stand in a comment of HTML, with the innermost objects on a line each."""
    text = json.dumps(figures, indent=1).replace(">", "\\u003e").replace("--", "-\\u002d")
    return re.sub(r"[{\[]\n[^{}\[\]]*[}\]]", lambda found: re.sub(r"\n *", " ", found[0]), text)


def figures_in(text: str) -> Figures:
    """Return the figures that a page was written from.

    Raises: ValueError, if it has none.
    """
    found = re.search(re.escape(MARK) + r"(.*?)\n-->\n", text, re.DOTALL)
    if found is None:
        raise ValueError("the page has no figures at its end: write it again with `run.py --publish`")
    read: Figures = json.loads(found[1])
    return read
