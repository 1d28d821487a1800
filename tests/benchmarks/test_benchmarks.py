"""The benchmarks run, validate the results of the clients and compare with the targets. Ratios are not tested here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import instruction_limits, instructions
from benchmarks.report import Results, missed
from benchmarks.servers import compiler
from benchmarks.targets import TARGETS
from benchmarks.workloads import MIB, RECEIVED, SMALL, WORKLOADS, WrongAnswer, check

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmarks read /proc")

HERE = Path(__file__).resolve().parent
BRIEF = ("--rounds", "1", "--seconds", "0.02", "--retries", "0", "--mib", "8")


def program(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(HERE / name), *words], capture_output=True, text=True, timeout=120)


def rows_for(workload: str, cpu: dict[str, list[float]], growth: float = 0.0) -> list[dict[str, object]]:
    """Return samples of one operation each, which cost these microseconds in the rounds."""
    calm = {
        "about": "",
        "operations": 1,
        "wall": 1.0,
        "system": 0.0,
        "foreign": 0.0,
        "server": 0.0,
        "connects": 0,
        "mib": 256,
    }
    return [
        {"workload": workload, "client": client, "round": number, "user": value / 1e6, "growth": growth, **calm}
        for client, values in cpu.items()
        for number, value in enumerate(values)
    ]


def test_run_measures_every_client_and_validates_every_response(tmp_path: Path) -> None:
    out = tmp_path / "samples.jsonl"
    workloads = "a_seq,h_post,f_down"

    done = program("run.py", *BRIEF, "--workloads", workloads, "--out", str(out))

    if done.returncode == 2:
        pytest.skip(done.stderr)  # neither a C compiler nor nginx
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert not [row for row in rows if "error" in row], done.stderr
    clients = {"hookline", "hookline_core", "aiohttp", "floor", "floor_buffered"}
    assert {(row["workload"], row["client"]) for row in rows} == {
        (workload, client) for workload in workloads.split(",") for client in clients
    }
    assert all(row["operations"] > 0 for row in rows)
    assert "| target " in done.stdout


def test_run_measures_the_echoes_of_websockets(tmp_path: Path) -> None:
    out = tmp_path / "samples.jsonl"

    done = program("run.py", *BRIEF, "--workloads", "ws_64,ws_64x16,ws_64k,ws_1m", "--out", str(out), "--server", "c")

    if done.returncode == 2:
        pytest.skip(done.stderr)  # no C compiler
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert not [row for row in rows if "error" in row], done.stderr
    assert {row["client"] for row in rows} == {"hookline", "aiohttp", "wsproto", "websockets", "picows"}
    assert all(row["operations"] > 0 for row in rows)


def test_run_measures_whole_decoded_and_sent_bodies_with_isal_as_a_client_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "samples.jsonl"

    done = program("run.py", *BRIEF, "--workloads", "g_1m,i_up,n_gzip", "--out", str(out), "--server", "c")

    if done.returncode == 2:
        pytest.skip(done.stderr)  # no C compiler
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    measured = {(row["workload"], row["client"]) for row in rows if "error" not in row}
    assert {("g_1m", "hookline"), ("i_up", "hookline"), ("n_gzip", "hookline"), ("n_gzip", "hookline_isal")} <= measured
    assert ("g_1m", "hookline_isal") not in measured


@pytest.mark.parametrize(
    ("workloads", "clients"),
    [
        ("h2_c32,h2_json,h2_post", "hookline,ngh2_floor,h2_floor,httpx2"),
        ("h2_down,h2_frames", "hookline,ngh2_floor,h2_floor,httpx2"),
        ("h2_up,h2_new", "hookline,hookline_h2,hookline_http1,ngh2_floor,h2_floor,httpx2"),
    ],
    ids=["small", "down", "up-new"],
)
def test_run_measures_http2(tmp_path: Path, workloads: str, clients: str) -> None:
    out = tmp_path / "samples.jsonl"
    if compiler() is None or shutil.which("nginx") is None:
        pytest.skip("HTTP/2 needs nginx and a C compiler")

    done = program("run.py", *BRIEF, "--workloads", workloads, "--clients", clients, "--out", str(out))

    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert not [row for row in rows if "error" in row], done.stderr
    measured = {(row["workload"], row["client"]) for row in rows if row["operations"] > 0}
    assert measured == {(workload, client) for workload in workloads.split(",") for client in clients.split(",")}


@pytest.mark.parametrize("kind", ["GET over HTTP/2", "POST over HTTP/2", "GET over HTTP/2 of the floor"])
def test_instructions_count_requests_over_http2(kind: str) -> None:
    done = program("instructions.py", "--repeat", kind, "--requests", "100")

    assert done.returncode == 0, done.stderr


def test_run_exits_with_one_if_hookline_misses_its_targets(tmp_path: Path) -> None:
    samples = tmp_path / "samples.jsonl"
    slow = rows_for("b_c10", {"hookline": [90.0] * 3, "aiohttp": [100.0] * 3, "floor": [20.0] * 3})
    samples.write_text("".join(json.dumps(row) + "\n" for row in slow))

    assert program("run.py", "--read", str(samples)).returncode == 0
    checked = program("run.py", "--read", str(samples), "--check")

    assert checked.returncode == 1
    assert "MISSED" in checked.stdout
    assert "not measured" in checked.stdout


def test_in_process_measures_without_a_socket() -> None:
    done = program("in_process.py", "--batches", "2", "--requests", "20", "--each")

    assert done.returncode == 0, done.stderr
    assert "all defaults - core alone" in done.stdout


def test_throttle_costs_measures_limits_of_one_process() -> None:
    done = program("throttle_costs.py", "--batches", "1", "--requests", "20")
    assert done.returncode == 0, done.stderr
    assert "rate and concurrency" in done.stdout


def test_hook_costs_measures_each_way_to_write_a_hook() -> None:
    done = program("hook_costs.py", "--batches", "1", "--requests", "20")

    assert done.returncode == 0, done.stderr
    assert "| core alone" in done.stdout
    assert "| EachRead" in done.stdout


def test_bridges_requests_measures_both_designs_beside_urllib3() -> None:
    done = program("bridges_requests.py", "--rounds", "1", "--calls", "16")

    if "install a C compiler" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Hookline/urllib3" in lines[0]
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "small GET, one thread",
        "small GET, 8 threads",
        "POST of 1 KiB, one thread",
    ]


def test_bridges_httpx_measures_both_libraries() -> None:
    done = program("bridges_httpx.py", "--rounds", "1", "--requests", "10")
    if done.returncode == 2:
        pytest.skip(done.stderr)  # neither a C compiler nor nginx
    assert done.returncode == 0, done.stderr
    for what in ("httpx2, transport, 10 at once", "httpx, transport, 1 at once", "httpx2, synchronous"):
        assert what in done.stdout


def test_cache_costs_measures_misses_and_hits() -> None:
    done = program("cache_costs.py", "--rounds", "2", "--requests", "10")

    assert done.returncode == 0, done.stderr
    for words in ("| miss ", "| hit ", "a miss over none", "a hit: "):
        assert words in done.stdout


def test_otel_costs_measures_what_is_recorded_and_what_is_not() -> None:
    done = program("otel_costs.py", "--rounds", "2", "--requests", "10")

    assert done.returncode == 0, done.stderr
    for words in ("| recorded ", "| not sampled ", "| no SDK "):
        assert words in done.stdout


def test_instructions_count_calls_that_a_cache_misses_and_answers() -> None:
    for kind in ("miss", "hit", "GET of another URL"):
        done = program("instructions.py", "--repeat", kind, "--requests", "3")

        assert done.returncode == 0, done.stderr


def test_growth_measures_each_table() -> None:
    done = program("growth.py", "--batches", "1", "--requests", "2", "--clients", "2", "--most", "100")

    assert done.returncode == 0, done.stderr
    for words in (
        "| plugins that sleep ",
        "| cookies of this origin ",
        "| connections ",
        "| each further one ",
    ):
        assert words in done.stdout


def test_limits_of_instructions_are_of_kinds_and_commits_and_have_reasons() -> None:
    rows = instruction_limits.read()

    assert (
        {"GET", "POST", "websocket echo", "realistic call"} <= {row.kind for row in rows} <= instructions.KINDS.keys()
    )
    assert instruction_limits.text_of(rows) == instruction_limits.FILE.read_text(encoding="utf-8")


def test_growth_over_the_limit_is_found() -> None:
    counts = {instruction_limits.build(): 1000}
    rows = [instruction_limits.Limit(kind, "", 3.0, "a test", counts) for kind in ("GET", "POST")]

    assert instructions.over_limit(rows, {"GET": 1030, "POST": 1031}) == ["POST"]


def test_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians() -> None:
    # The machine slows down from round to round; one round of one client was disturbed.
    rows = rows_for("b_c10", {"hookline": [10.0, 20.0, 90.0], "aiohttp": [100.0, 200.0, 300.0]})

    assert Results.of(rows).against("b_c10", "hookline", "aiohttp") == pytest.approx(0.1)


def test_floor_is_the_cheaper_one_on_the_same_loop() -> None:
    rows = rows_for("b_c10", {"hookline": [14.0], "floor": [20.0], "floor_buffered": [10.0], "floor+uv": [5.0]})

    assert Results.of(rows).against("b_c10", "hookline", "floor") == pytest.approx(1.4)


def test_targets_are_missed_when_they_were_not_measured() -> None:
    assert missed(Results())[1] == [target for target in TARGETS if not target.client.endswith("+uv")]


def test_targets_on_uvloop_hold_in_runs_on_uvloop() -> None:
    rows = rows_for("f_down", {"hookline+uv": [80.0], "aiohttp+uv": [100.0]})
    table, failures = missed(Results.of(rows))

    assert "hookline+uv: f_down /aiohttp" in table
    assert ("f_down", "growth", "hookline+uv") not in [(each.workload, each.against, each.client) for each in failures]
    assert "i_up" in [each.workload for each in failures if each.client == "hookline+uv"]


def test_memory_target_takes_the_worst_round() -> None:
    rows = rows_for("f_down", {"hookline": [1.0, 1.0]})
    rows[1]["growth"] = 9.0

    assert Results.of(rows).against("f_down", "hookline", "growth") == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("workload", "status", "result"),
    [
        ("a_seq", 500, SMALL),
        ("a_seq", 200, SMALL[:-1]),
        ("h_post", 200, RECEIVED % 1023),
        ("f_down", 200, 8 * MIB - 1),
        ("e_json", 200, []),
        ("n_gzip", 200, b"still compressed"),
        ("g_1m", 200, bytes(MIB - 1)),
        ("ws_64", 200, b"x" * 64),
    ],
)
def test_wrong_answer_is_refused(workload: str, status: int, result: object) -> None:
    with pytest.raises(WrongAnswer):
        check(WORKLOADS[workload], 8, status, result)
