"""Turn the rows of `run.py --publish` into the figures of docs/performance.md: one JSON document."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.clients import UV
from benchmarks.report import Results, spread
from benchmarks.startup import KEYS
from benchmarks.workloads import WORKLOADS

Row = Mapping[str, Any]
Figures = dict[str, Any]

HTTP1 = (
    "a_seq",
    "b_c10",
    "v_c10",
    "c_c100",
    "h_post",
    "e_json",
    "r_call",
    "g_1m",
    "n_gzip",
    "f_down",
    "i_up",
    "j_tls",
    "l_new",
)
HTTP2 = tuple(name for name in WORKLOADS if name.startswith("h2_"))
WEBSOCKETS = tuple(name for name in WORKLOADS if name.startswith("ws_"))
SECTIONS = {"HTTP/1.1": HTTP1, "HTTP/2": HTTP2, "WebSockets": WEBSOCKETS}
OWN = "hookline"
# The columns of the tables, from left to right.
CLIENTS = (OWN, "aiohttp", "httpx2", "niquests", "pyreqwest", "curl_cffi", "websockets", "picows")
ON_UVLOOP = tuple(label + UV for label in (OWN, "aiohttp", "websockets", "picows"))
PUBLISHED = (*HTTP1, *HTTP2, *WEBSOCKETS)


def rounded(value: float) -> float | None:
    """Return four significant digits; None for what is not measured."""
    return None if math.isnan(value) else float(f"{value:.4g}")


def of_workloads(results: Results) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return {workload: {client: cpu, times, spread}}.

    cpu: microseconds. times: how often that of Hookline on the same loop. spread: half the interquartile range, as a share.
    """
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for workload in PUBLISHED:
        for client, rounds in results.samples.get(workload, {}).items():
            own = OWN + UV if client.endswith(UV) else OWN
            found.setdefault(workload, {})[client] = {
                "cpu": rounded(results.cpu(workload, client)),
                "times": rounded(results.ratio(workload, client, own)),
                "spread": rounded(spread([sample.cpu for sample in rounds.values()])),
            }
    return found


def of_memory(results: Results) -> dict[str, dict[str, float | None]]:
    """Return {workload: {client: MiB}} of the streamed downloads."""
    return {
        workload: {client: rounded(results.against(workload, client, "growth")) for client in results.samples[workload]}
        for workload in ("f_down", "h2_down")
        if workload in results.samples
    }


def of_startup(rows: Iterable[Row]) -> dict[str, dict[str, float | None]]:
    """Return {client: {key: median}}; see `startup.KEYS`."""
    samples: dict[str, list[Row]] = {}
    for row in rows:
        if "error" not in row:
            samples.setdefault(row["client"], []).append(row)
    return {
        client: {key: rounded(statistics.median(row[key] for row in found)) for key in KEYS}
        for client, found in samples.items()
    }


def of_growth(times: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, list[list[float | None]]]:
    """Return {what: [[number, the least microseconds of a GET], ...]}."""
    return {what: [[each[0], rounded(min(each[1:]))] for each in found] for what, found in times.items()}


def in_a_line(error: object) -> str:
    """Return the beginning of an error's message, as it can stand between backticks."""
    return " ".join(str(error).split())[:120].replace("`", "'")


def figures_of(rows: Sequence[Row]) -> Figures:
    """Return all figures.

    Raises: ValueError, if the rows are not of `run.py --publish`.
    """
    about = next((row for row in rows if row.get("record") == "about"), None)
    if about is None:
        raise ValueError("the samples are not of `run.py --publish`: they do not describe the machine")
    samples = [row for row in rows if "record" not in row]
    results = Results.of(dict(row) for row in samples)
    growth: Mapping[str, Any] = next((row["times"] for row in rows if row.get("record") == "growth"), {})
    startup = [row for row in rows if row.get("record") == "startup"]
    counted = [row for row in samples if "error" not in row]
    failed = [row for row in (*samples, *startup) if "error" in row]
    errors = {f"{row['client']}, {row.get('workload', 'start-up')}": in_a_line(row["error"]) for row in failed}
    return {
        "about": {key: value for key, value in about.items() if key != "record"},
        "mib": results.mib,
        "samples": len(counted),
        "disturbed": sum(row.get("foreign", 0) > about["foreign"] for row in counted),
        "workloads": of_workloads(results),
        "memory": of_memory(results),
        "startup": of_startup(startup),
        "growth": of_growth(growth),
        "errors": errors,
    }
