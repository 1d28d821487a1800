"""Take the samples: one process per client; in each round the clients take turns; disturbed samples are repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.clients import UV, can
from benchmarks.servers import Server, pin
from benchmarks.workloads import WORKLOADS

Row = dict[str, object]
TICK = os.sysconf("SC_CLK_TCK")
TESTS = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True)
class Plan:
    """What to run. foreign: if other processes use more than this share of a core, the sample is repeated.

    pythons: {client: the interpreter that has it}; the one that runs this program has the others. everywhere: measure each
    client with each workload that it can do, not only where a target needs it.
    """

    workloads: Sequence[str]
    labels: Sequence[str]
    rounds: int
    seconds: float | None  # None: the default of the workload
    retries: int
    foreign: float
    pythons: Mapping[str, str] = field(default_factory=dict)
    everywhere: bool = False

    def python(self, label: str) -> str:
        return self.pythons.get(label.removesuffix(UV), sys.executable)


def cores() -> tuple[int | None, int | None]:
    """Return the core of the clients and that of the server; None, None: not pinned, because there are fewer than two."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def busy_seconds(core: int) -> float:
    """Return the seconds that the core was not idle; time stolen by the hypervisor counts as busy."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            ticks = [int(field) for field in fields[:8]]  # user nice system idle iowait irq softirq steal
            return (sum(ticks) - ticks[3] - ticks[4]) / TICK
    raise LookupError(core)


def cpu_seconds(pids: list[int]) -> float:
    """Return the user and system time that these processes have used, in seconds."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


class ClientProcess:
    """The process of one client, which answers `sample()`. After an answer with the key `error` it has ended."""

    def __init__(
        self, label: str, workload: str, seconds: float, server: Server, core: int | None, python: str = sys.executable
    ) -> None:
        self.label = label
        site = json.dumps(asdict(server.site))
        # -P: do not import modules from the current folder.
        self.process = subprocess.Popen(
            [python, "-P", "-m", "benchmarks.worker", label, workload, str(seconds), site],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))},
        )
        pin(self.process.pid, core)
        self.proof = self.answer()

    def answer(self) -> Row:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found: Row = json.loads(line) if line else {"error": "the process died"}
        return found

    def sample(self) -> Row:
        assert self.process.stdin is not None
        self.process.stdin.write("sample\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # the process has ended
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def observed_sample(client: ClientProcess, server: Server) -> Row:
    """Take one sample, and observe meanwhile the server's share of its core, the connections made, and foreign load.

    Foreign load on either core counts. On the client's core it takes time and caches. On the server's core it makes responses
    come one by one instead of together, so that the client wakes up more often.
    """
    client_core, server_core = cores()
    pids, accepts = server.pids(), server.accepts()
    served, begun = cpu_seconds(pids), time.perf_counter()
    before = [busy_seconds(core) for core in (client_core, server_core) if core is not None]
    row = client.sample()
    if "error" in row:
        return row
    after = [busy_seconds(core) for core in (client_core, server_core) if core is not None]
    around = time.perf_counter() - begun
    own = [
        (float(str(row["user"])) + float(str(row["system"]))) / float(str(row["wall"])),
        (cpu_seconds(pids) - served) / around,
    ]
    shares = [(end - start) / around for start, end in zip(before, after, strict=True)]
    return row | {
        "server": own[1],
        "foreign": max([0.0, *(share - mine for share, mine in zip(shares, own, strict=False))]),
        "connects": server.accepts() - accepts - 1,
    }


def calmest_sample(client: ClientProcess, server: Server, plan: Plan) -> Row:
    """Take a sample, and repeat it at most `plan.retries` times if other processes disturb it; return the calmest one."""
    best: Row = {}
    for attempt in range(plan.retries + 1):
        row = observed_sample(client, server) | {"attempts": attempt + 1}
        if "error" in row:
            return row
        if not best or float(str(row["foreign"])) < float(str(best["foreign"])):
            best = row
        if float(str(row["foreign"])) <= plan.foreign:
            break
    return best


def measure(plan: Plan, running_server: Server) -> Iterator[Row]:
    """Yield one row per sample, and for a client that cannot continue one with the key `error`."""
    core = cores()[0]
    for name in plan.workloads:
        seconds = WORKLOADS[name].seconds if plan.seconds is None else plan.seconds
        server = running_server.http2 if WORKLOADS[name].http2 else running_server
        if server is None:
            missing = "HTTP/2 needs nginx, a C compiler and trustme"
            for label in plan.labels:
                yield {"workload": name, "client": label, "error": missing}
            continue
        clients: list[ClientProcess] = []
        try:
            for label in plan.labels:
                if not can(label, WORKLOADS[name], everywhere=plan.everywhere):
                    continue
                client = ClientProcess(label, name, seconds, server, core, plan.python(label))
                clients.append(client)
                if "error" in client.proof:
                    yield {"workload": name, "client": label, "error": client.proof["error"]}
            running = [client for client in clients if "error" not in client.proof]
            for number in range(plan.rounds):
                # Every other round runs in reverse order, so that no client always follows the same other client.
                for client in list(running) if number % 2 == 0 else list(reversed(running)):
                    row = calmest_sample(client, server, plan)
                    if "error" in row:
                        running.remove(client)
                    elif number == 0 and "growth" in client.proof:
                        row["slow_reader_growth"] = client.proof["growth"]
                    about = {"about": client.proof["about"], "round": number, "mib": server.site.mib}
                    yield {"workload": name, "client": client.label, **about, **row}
        finally:
            for client in clients:
                client.close()
