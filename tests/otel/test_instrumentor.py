"""The instrumentor: in this process, and by the command `opentelemetry-instrument`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from hookline import HttpClient
from hookline_otel import HooklineInstrumentor
from hookline_testing.server import ScriptedServer, response
from kit.otel import Telemetry


@pytest.fixture
def instrumentor() -> Iterator[HooklineInstrumentor]:
    found = HooklineInstrumentor()
    assert isinstance(found, BaseInstrumentor)
    yield found
    if found.is_instrumented_by_opentelemetry:
        found.uninstrument()


def settings(telemetry: Telemetry) -> dict[str, Any]:
    return {"tracer_provider": telemetry.tracer_provider, "meter_provider": telemetry.meter_provider}


async def test_clients_are_recorded_while_it_is_on(
    scripted: ScriptedServer, telemetry: Telemetry, instrumentor: HooklineInstrumentor
) -> None:
    scripted.always(response(b"fine"))
    async with HttpClient(autoload=False) as before, HttpClient() as other:
        await before.get(scripted.url("/1"))
        instrumentor.instrument(**settings(telemetry), excluded_urls="/excluded")
        async with HttpClient(autoload=False) as later:
            for client in (before, other, later):
                await client.get(scripted.url("/2"))
                await client.get(scripted.url("/excluded"))
            running = await later.get(scripted.url("/3"), stream=True)
            instrumentor.uninstrument()
            for client in (before, other, later):
                assert "otel" not in client.plugins
                await client.get(scripted.url("/4"))
            await running.raw.read()
        async with HttpClient(autoload=False) as last:
            assert "otel" not in last.plugins
            await last.get(scripted.url("/5"))
    paths = [span.attributes["url.full"].rpartition("/")[2] for span in telemetry.exchanges]
    assert paths == ["2", "2", "2", "3"]
    assert len(telemetry.calls) == 4


def test_twice_on_and_off(telemetry: Telemetry, instrumentor: HooklineInstrumentor) -> None:
    for _ in range(2):
        instrumentor.instrument(**settings(telemetry))
        with HttpClient(autoload=False) as client:
            assert [info.name for info in client.plugins] == ["otel"]
        instrumentor.uninstrument()
        with HttpClient(autoload=False) as client:
            assert [info.name for info in client.plugins] == []


async def test_client_with_a_plugin_of_its_own_keeps_it(
    scripted: ScriptedServer, telemetry: Telemetry, instrumentor: HooklineInstrumentor
) -> None:
    scripted.always(response(b"fine"))
    own = Telemetry()
    instrumentor.instrument(**settings(telemetry))
    async with HttpClient(autoload=False, plugins=[own.plugin()]) as client:
        await client.get(scripted.url())
    async with HttpClient(disable=["otel"]) as client:
        await client.get(scripted.url())
    assert (len(own.exchanges), len(telemetry.exchanges)) == (1, 0)


def test_wrong_settings_are_refused_at_once(instrumentor: HooklineInstrumentor) -> None:
    with pytest.raises(TypeError, match="excluded_uls"):
        instrumentor.instrument(excluded_uls="a")
    assert not instrumentor.is_instrumented_by_opentelemetry
    HttpClient(autoload=False)


def test_command_records_a_program_that_knows_nothing_of_it(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.always(response(b"fine"))
    program = tmp_path / "app.py"
    program.write_text(
        "import sys\nfrom hookline import HttpClient\n"
        "with HttpClient() as client:\n    print(client.get(sys.argv[1]).text)\n"
    )
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    environment = {
        **os.environ,
        "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "app", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "",
    }  # fmt: skip
    done = subprocess.run(
        [command, sys.executable, program, scripted.url("/?key=secret")],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "fine" in done.stdout
    assert '"name": "call GET"' in done.stdout
    assert '"kind": "SpanKind.CLIENT"' in done.stdout
    assert '"name": "http.client.request.duration"' in done.stdout
    assert scripted.url("/?key=REDACTED") in done.stdout
    assert "secret" not in done.stdout
    assert scripted.requests[0].header("traceparent") is not None
