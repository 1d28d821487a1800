"""Choose the event loop of all tests, make their clients, keep them off proxies, and hold conformance tests to their data."""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hookline import HttpClient

pytest_plugins = ["servers.fixtures"]

# Tests start some 400 processes. Each would compile all of Hookline where bytecode is not kept: a fifth of all the time.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False

LOOPS = ("asyncio", "uvloop", "eager")  # the last is asyncio's with `asyncio.eager_task_factory`

with contextlib.suppress(ImportError):
    from hypothesis import settings

    settings.register_profile(
        "hookline", deadline=None
    )  # machines are busy at times; the tests have limits of their own
    settings.load_profile("hookline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--loop",
        choices=LOOPS,
        default=os.environ.get("HOOKLINE_TEST_LOOP") or "asyncio",
        help="event loop of asynchronous tests (default: $HOOKLINE_TEST_LOOP, else asyncio)",
    )


def pytest_configure(config: pytest.Config) -> None:
    # argparse checks what is given on the command line, but not a default.
    if config.getoption("loop") not in LOOPS:
        raise pytest.UsageError(f"HOOKLINE_TEST_LOOP is {config.getoption('loop')!r}; use one of {', '.join(LOOPS)}")
    if config.getoption("loop") == "eager" and sys.version_info < (3, 12):
        raise pytest.UsageError("--loop eager needs Python 3.12 or later, which has asyncio.eager_task_factory")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: two processes for each core, because tests wait for servers and timers (283 s became 211 on two cores)."""
    return 2 * (os.cpu_count() or 1)


def pytest_report_header(config: pytest.Config) -> str:
    return f"event loop: {config.getoption('loop')}"


def pytest_asyncio_loop_factories(config: pytest.Config) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if config.getoption("loop") == "uvloop":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    if config.getoption("loop") == "eager":
        return {"eager": new_eager_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests whose names differ from process to process: those cannot be shared out to several."""
    for item in items:
        if " at 0x" in item.name:
            raise pytest.UsageError(f"{item.nodeid} is named after an address; give its parameters ids (kit.ids.words)")


def pytest_collection_finish() -> None:
    """Take what the collection made out of the garbage collector: thousands of tests make each `gc.collect()` take 0.2 s."""
    gc.collect()
    gc.freeze()


def new_eager_loop() -> asyncio.AbstractEventLoop:
    """Tasks begin at once, within the call that makes them."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]  # of 3.12
    return loop


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients read the environment; only pip, which tests/packaging runs, may have the proxies of whoever runs the tests."""
    if "packaging" not in request.path.parts:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
                monkeypatch.delenv(name)


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncIterator["HttpClient"]:
    """A client with the options of the closest mark `client`; `trusts_test_ca=True` there makes it trust our certificates."""
    from hookline import HttpClient

    mark = request.node.get_closest_marker("client")
    options = dict(mark.kwargs) if mark else {}
    if options.pop("trusts_test_ca", False):
        options["verify"] = request.getfixturevalue("certificates").ca_file
    async with HttpClient(**options) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a conformance test into a failure where HOOKLINE_CONFORMANCE says that its data is there."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("HOOKLINE_CONFORMANCE") and item.get_closest_marker("conformance"):
        report.outcome = "failed"
        report.longrepr = f"skipped although HOOKLINE_CONFORMANCE is set: {report.longrepr}"
    return report
