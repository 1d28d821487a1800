"""Set up all tests: the event loop, the fixture `client`, no proxies of the environment, no silent skips of conformance."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hookline import HttpClient

pytest_plugins = ["servers.fixtures"]

# Tests start some 400 processes. Without bytecode files each would compile all of Hookline: a fifth of the total time.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False

# A shell lets programs in the background ignore Ctrl-C, and programs that those start ignore it too. Some tests send it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
    # argparse checks the command line, but not the default, which comes from the environment.
    if config.getoption("loop") not in LOOPS:
        raise pytest.UsageError(f"HOOKLINE_TEST_LOOP is {config.getoption('loop')!r}; use one of {', '.join(LOOPS)}")
    if config.getoption("loop") == "eager" and sys.version_info < (3, 12):
        raise pytest.UsageError("--loop eager needs Python 3.12 or later, which has asyncio.eager_task_factory")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use two processes per core for `-n auto`, because tests wait for servers and timers (211 s instead of 283 on two cores)."""
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
    """Refuse tests whose names contain an address: it differs in each process, and xdist needs the same names in all."""
    for item in items:
        if " at 0x" in item.name:
            raise pytest.UsageError(f"{item.nodeid} is named after an address; give its parameters ids (kit.ids.words)")


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection: with thousands of them each `gc.collect()` would take 0.2 s."""
    gc.collect()
    gc.freeze()


def new_eager_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose tasks start immediately, within `create_task()`."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]  # of 3.12
    return loop


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy variables, which clients would read. tests/packaging keeps them: there pip may need a proxy."""
    if "packaging" not in request.path.parts:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
                monkeypatch.delenv(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses scripted servers over each protocol of its closest mark `protocols`.

    HTTP/2 is left out where the plugin is not installed.
    """
    mark = metafunc.definition.get_closest_marker("protocols")
    if mark is not None:
        wrong = set(mark.args) - {"HTTP/1.1", "HTTP/2"}
        if wrong or not mark.args:
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: protocols are HTTP/1.1 and HTTP/2, not {wrong or 'none'}"
            )
        found = [name for name in mark.args if name == "HTTP/1.1" or find_spec("hookline_http2") is not None]
        if mark.args != ("HTTP/1.1",) and "make_scripted" in metafunc.fixturenames:
            metafunc.parametrize("protocol", found, ids=[name.replace("/", "") for name in found], indirect=True)


@pytest.fixture(autouse=True)
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The protocol that clients and servers of the test speak, by its mark `protocols`: "HTTP/1.1" or "HTTP/2".

    For HTTP/2, all clients load the plugin, and speak it in cleartext too. The servers of the tests offer it in TLS.
    """
    found: str = getattr(request, "param", "HTTP/1.1")
    if found == "HTTP/2":
        from hookline import HttpClient

        init = HttpClient.__init__

        def init_with_http2(self: HttpClient, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            self.http2 = "prior-knowledge"

        monkeypatch.setattr(HttpClient, "__init__", init_with_http2)
        monkeypatch.setenv("HOOKLINE_PLUGINS", "http2")
        monkeypatch.setattr("servers.certificates.DEFAULT_ALPN", ("h2", "http/1.1"))
    return found


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncIterator["HttpClient"]:
    """A client with the options of the closest mark `client`. The option `trusts_test_ca=True` makes it trust `certificates`."""
    from hookline import HttpClient

    mark = request.node.get_closest_marker("client")
    options = dict(mark.kwargs) if mark else {}
    if options.pop("trusts_test_ca", False):
        options["verify"] = request.getfixturevalue("certificates").ca_file
    async with HttpClient(**options) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the skip of a conformance test as a failure if HOOKLINE_CONFORMANCE is set, because then the data must be there."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("HOOKLINE_CONFORMANCE") and item.get_closest_marker("conformance"):
        report.outcome = "failed"
        report.longrepr = f"skipped although HOOKLINE_CONFORMANCE is set: {report.longrepr}"
    return report
