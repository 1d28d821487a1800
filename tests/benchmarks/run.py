"""Measure the client's CPU time per operation: `python tests/benchmarks/run.py --help`; README.md explains the rest."""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.clients import CLIENTS, INSTALLED, UV
from benchmarks.figures import PUBLISHED
from benchmarks.publish import DOCS, LABELS, publish, write
from benchmarks.report import Results, missed, workload_table
from benchmarks.runner import Plan, Row, cores, measure
from benchmarks.servers import NoServer, serving
from benchmarks.workloads import REQUIRED, WORKLOADS


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--workloads", help=f"names with commas, or all (default: {','.join(REQUIRED)})")
    add("--clients", help=f"labels with commas; +uv means on uvloop (default: {','.join(INSTALLED)})")
    add("--uvloop", action="store_true", help="measure every client on uvloop too")
    add("--rounds", type=int, default=5, help="samples per client (default: %(default)s)")
    add("--seconds", type=float, help="length of a sample (default: 0.4, streams 0.3)")
    add("--mib", type=int, default=256, help="size of a streamed body (default: %(default)s)")
    add("--retries", type=int, default=2, help="repetitions of a disturbed sample (default: %(default)s)")
    add("--foreign", type=float, default=0.15, help="foreign share of a core that disturbs (default: 0.15)")
    add("--server", choices=["c", "nginx"], help="default: c where a C compiler is found, else nginx")
    add("--out", type=Path, help="append the samples to this file, one JSON object a line")
    add("--read", type=Path, nargs="+", help="measure nothing, make the tables of samples in these files")
    add("--check", action="store_true", help="exit with 1 when a target is missed")
    add("--publish", action="store_true", help="measure published clients and workloads, and write the page: 20 min")
    add("--docs", type=Path, default=DOCS, help="where --publish writes the page and its pictures (default: docs)")
    add("--environments", type=Path, help="where --publish keeps an environment for each client (default: nowhere)")
    add("--no-install", action="store_true", help="with --publish: measure what this interpreter has")
    found = parser.parse_args(words)
    workloads, clients = (PUBLISHED, LABELS) if found.publish else (REQUIRED, INSTALLED)
    named = found.workloads.split(",") if found.workloads else list(workloads)
    found.workloads = list(WORKLOADS) if named == ["all"] else named
    found.clients = found.clients.split(",") if found.clients else list(clients)
    if found.uvloop:
        found.clients += [label + UV for label in found.clients if not label.endswith(UV)]
    if unknown := set(found.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    if found.publish and found.uvloop:
        parser.error("--publish measures on uvloop in any case: leave --uvloop out")
    if found.publish and (unknown := set(found.clients) - set(LABELS)):
        parser.error(f"not published: {', '.join(sorted(unknown))}; the page has {', '.join(LABELS)}")
    if unknown := {label.removesuffix(UV) for label in found.clients} - set(CLIENTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}")
    return found


def read(paths: list[Path]) -> list[Row]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def samples_of(rows: list[Row]) -> list[Row]:
    """Return the rows without those that only `--publish` makes."""
    return [row for row in rows if "record" not in row]


def plan_of(options: argparse.Namespace) -> Plan:
    return Plan(options.workloads, options.clients, options.rounds, options.seconds, options.retries, options.foreign)


def take(options: argparse.Namespace) -> list[Row]:
    """Measure, and write each row to `--out` as soon as it comes; return all rows."""
    plan = plan_of(options)
    rows: list[Row] = []
    client_core, server_core = cores()
    http2 = any(WORKLOADS[name].http2 for name in plan.workloads)
    with serving(options.mib, server_core, options.server, http2=http2) as server:
        where = "UNPINNED" if client_core is None else f"clients on core {client_core}, server on core {server_core}"
        print(f"Python {platform.python_version()}, {server.kind}, {where}, {plan.rounds} rounds\n", flush=True)
        for row in measure(plan, server):
            rows.append(row)
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return rows


def shown_command() -> str:
    """Return the command of this run for the page, without the paths of this machine."""
    paths = argparse.ArgumentParser(add_help=False)
    for name in ("--out", "--docs", "--environments"):
        paths.add_argument(name)
    return shlex.join(["python", "tests/benchmarks/run.py", *paths.parse_known_args()[1]])


def publish_page(options: argparse.Namespace) -> int:
    """Measure or read, write the page and its pictures, and return the exit status."""
    try:
        if options.read:
            files = write(read(options.read), options.docs)
        else:
            files = publish(
                plan_of(options),
                options.mib,
                options.server,
                out=options.out,
                docs=options.docs,
                environments=options.environments,
                installs=not options.no_install,
                command=shown_command(),
            )
    except (NoServer, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print("written: " + ", ".join(map(str, files)))
    return 0


def main() -> int:
    options = arguments()
    if options.publish:
        return publish_page(options)
    try:
        rows = samples_of(read(options.read)) if options.read else take(options)
    except NoServer as error:
        print(error, file=sys.stderr)
        return 2
    results = Results.of(rows)
    for workload in WORKLOADS:
        if any(row["workload"] == workload for row in rows):
            print(workload_table(results, workload), end="\n\n", flush=True)
    for client, about in results.about.items():
        if about:
            print(f"{client}: {about}")
    print()
    disturbed = [row for row in rows if float(str(row.get("foreign", 0))) > options.foreign]
    if disturbed:
        print(
            f"{len(disturbed)} of {len(rows)} samples shared a core with other processes for more than "
            f"{options.foreign:.0%} of the time, repetitions included: trust them less.\n"
        )
    verdicts, failures = missed(results)
    if options.check or any("hookline" in clients for clients in results.samples.values()):
        print(verdicts)
    return 1 if options.check and failures else 0


if __name__ == "__main__":
    sys.exit(main())
