"""Turn rows of samples into tables: medians, ratios within the rounds, and missed targets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.clients import FLOORS, UV
from benchmarks.targets import TARGETS, Target
from benchmarks.workloads import WORKLOADS


@dataclass
class Sample:
    """One sample: CPU and wall time in microseconds per operation, memory (`growth`) in MiB, shares of a core."""

    cpu: float
    user_share: float
    wall: float
    foreign: float
    server: float
    connects: float
    growth: float


@dataclass
class Results:
    """The samples, {workload: {client: {round: sample}}}, and the errors of the clients that could not continue."""

    samples: dict[str, dict[str, dict[int, Sample]]] = field(default_factory=dict)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)  # {client: its description}
    mib: int = 0

    @classmethod
    def of(cls, rows: Iterable[dict[str, object]]) -> Results:
        results = cls()
        for row in rows:
            workload, client = str(row["workload"]), str(row["client"])
            if "error" in row:
                results.errors[workload, client] = str(row["error"])
                continue
            results.about[client] = str(row["about"])
            number = {
                key: float(str(value)) for key, value in row.items() if key not in ("workload", "client", "about")
            }
            operations, cpu = number["operations"], number["user"] + number["system"]
            results.mib = int(number["mib"])
            results.samples.setdefault(workload, {}).setdefault(client, {})[int(number["round"])] = Sample(
                cpu=cpu / operations * 1e6,
                user_share=number["user"] / cpu if cpu else math.nan,
                wall=number["wall"] / operations * 1e6,
                foreign=number["foreign"],
                server=number["server"],
                connects=number["connects"],
                growth=max(number.get("growth", 0.0), number.get("slow_reader_growth", 0.0)),
            )
        return results

    def cpu(self, workload: str, client: str) -> float:
        """Return the median CPU time of the rounds, in microseconds per operation."""
        return statistics.median(s.cpu for s in self.samples[workload][client].values())

    def ratio(self, workload: str, client: str, other: str | None) -> float:
        """Return the median of the ratios within each round; NaN if there is nothing to compare."""
        mine, theirs = (self.samples.get(workload, {}).get(name or "", {}) for name in (client, other))
        pairs = [mine[i].cpu / theirs[i].cpu for i in mine if i in theirs and theirs[i].cpu]
        return statistics.median(pairs) if pairs else math.nan

    def floor(self, workload: str, client: str) -> str | None:
        """Return the floor that needs the least CPU time on the same loop; None if none was measured."""
        suffix = UV if client.endswith(UV) else ""
        there = [name for name in (f + suffix for f in FLOORS) if name in self.samples.get(workload, {})]
        return min(there, key=lambda name: self.cpu(workload, name), default=None)

    def against(self, workload: str, client: str, what: str) -> float:
        """Return the figure that a target limits; see `targets.Target`."""
        if what == "growth":
            found = self.samples.get(workload, {}).get(client, {}).values()
            return max((s.growth for s in found), default=math.nan)
        suffix = UV if client.endswith(UV) else ""
        return self.ratio(workload, client, self.floor(workload, client) if what == "floor" else what + suffix)


def spread(values: list[float]) -> float:
    """Return half the interquartile range as a share of the median; NaN for fewer than three values."""
    if len(values) < 3:
        return math.nan
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    return (quarters[2] - quarters[0]) / 2 / quarters[1] if quarters[1] else math.nan


def figure(value: float, digits: int = 2) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 10 else digits}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        numbers = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join([cells[0].ljust(widths[0]), *numbers])} |"

    rule = f"|{'-' * (widths[0] + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths[1:])}|"
    return "\n".join([line(head), rule, *map(line, rows)])


def workload_table(results: Results, workload: str) -> str:
    about = WORKLOADS[workload]
    clients = results.samples.get(workload, {})
    rows = []
    for name, rounds in sorted(clients.items(), key=lambda item: results.cpu(workload, item[0])):
        samples = list(rounds.values())
        median = {key: statistics.median(getattr(s, key) for s in samples) for key in Sample.__annotations__}
        rows.append(
            [
                name,
                figure(median["cpu"]),
                f"{spread([s.cpu for s in samples]):.0%}" if len(samples) > 2 else "-",
                f"{median['user_share']:.0%}",
                figure(results.against(workload, name, "aiohttp")),
                figure(results.against(workload, name, "floor")),
                figure(median["wall"]),
                f"{median['server']:.0%}",
                f"{median['foreign']:.0%}",
                figure(median["connects"]),
            ]
            + ([figure(results.against(workload, name, "growth"), 1)] if about.operation == "download" else [])
        )
    head = ["client", "CPU us", "±", "user", "/aiohttp", "/floor", "wall us", "server", "foreign", "connects"]
    head += ["MiB grown"] if about.operation == "download" else []
    size = f", {results.mib} MiB" if about.big else ""
    lines = [f"### {workload}: {about.title}{size}", "", table(head, rows)] if rows else [f"### {workload}"]
    failed = [f"{client}: {error}" for (where, client), error in results.errors.items() if where == workload]
    return "\n".join(lines + (["", *failed] if failed else []))


def missed(results: Results) -> tuple[str, list[Target]]:
    """Return the table of targets, and the missed targets.

    A target that was not measured counts as missed; those on uvloop only if any client was measured there.
    """
    rows, failures = [], []
    on_uvloop = any(name.endswith(UV) for clients in results.samples.values() for name in clients)
    for target in TARGETS:
        if target.client.endswith(UV) and not on_uvloop:
            continue
        value = results.against(target.workload, target.client, target.against)
        reached = value <= target.most  # False for NaN
        unit = " MiB" if target.against == "growth" else ""
        rows.append(
            [
                f"{target.client}: {target.workload} {'memory' if unit else '/' + target.against}",
                f"{figure(target.most)}{unit}",
                figure(value),
                "reached" if reached else "not measured" if math.isnan(value) else "MISSED",
            ]
        )
        if not reached:
            failures.append(target)
    return table(["target", "at most", "measured", "verdict"], rows), failures
