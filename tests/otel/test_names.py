"""The names of attributes and instruments are those of the installed package of conventions."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
from opentelemetry.instrumentation import _semconv
from opentelemetry.semconv.schemas import Schemas

import hookline_otel
from hookline_otel import names, recorders
from hookline_otel.plugin import SUPPRESSING

STABLE = [
    *(f"opentelemetry.semconv.attributes.{kind}_attributes" for kind in ("error", "http", "network", "server", "url")),
    "opentelemetry.semconv.metrics.http_metrics",
]


def test_names_are_those_of_the_stable_conventions() -> None:
    known: dict[str, str] = {}
    for module in map(import_module, STABLE):
        known |= {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    own = {
        name: value
        for name, value in vars(names).items()
        if isinstance(value, str) and name.isupper() and not value.startswith(("hookline.", "_", "https:"))
    }
    assert len(own) == 14
    assert own == {name: known[name] for name in own}


def test_schema_and_buckets() -> None:
    assert names.SCHEMA_URL in {schema.value for schema in Schemas}
    known = getattr(_semconv, "HTTP_DURATION_HISTOGRAM_BUCKETS_NEW", names.DURATION_BUCKETS)  # older packages have none
    assert known == names.DURATION_BUCKETS


def test_contexts_that_suppress_are_those_of_the_api() -> None:
    from opentelemetry import context

    assert len(SUPPRESSING) == 3
    assert {context._SUPPRESS_INSTRUMENTATION_KEY, context._SUPPRESS_HTTP_INSTRUMENTATION_KEY} < SUPPRESSING


def test_version_is_that_of_the_package() -> None:
    assert hookline_otel.__version__ == recorders.VERSION


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import hookline; hookline.HttpClient()", {"hookline_otel", "opentelemetry"}),
        ("import hookline_otel", {"opentelemetry.sdk", "opentelemetry.semconv", "opentelemetry.instrumentation"}),
    ],
    ids=["client", "plugin"],
)
def test_imports_leave_out_what_is_not_needed(program: str, absent: set[str]) -> None:
    code = f"{program}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert absent.isdisjoint(done.stdout.split())
