"""The pytest plugin: the fixtures, and the failure of a test whose mock was not used as expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .cassette import Cassette
    from .conformance import Report
    from .mock import Mock
    from .server import ScriptedServer

# pytest loads this module in every run, so hookline is imported only when a fixture is used.


@pytest.fixture
def hookline_server() -> Iterator[ScriptedServer]:
    """A running server on 127.0.0.1: queue answers, and check the requests that came."""
    from .server import ScriptedServer

    with ScriptedServer() as server:
        yield server


@pytest.fixture
def hookline_mock() -> Iterator[Mock]:
    """A mock that answers instead of the network, for all clients that are made in the test."""
    from .mock import Mock

    mock = Mock()
    with mock:
        yield mock
        mock.routes.clear()  # pytest_runtest_call has checked them
        mock.unexpected.clear()


@pytest.fixture
def hookline_cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """A cassette that records the answers of the network once, and replays them in later runs, for all clients of the test.

    The file is `cassettes/MODULE/TEST.har` beside the module. `@pytest.mark.hookline_cassette(name=, redact=)` sets
    another name, and which values are secrets.
    """
    from .cassette import Cassette

    marker = request.node.get_closest_marker("hookline_cassette")
    options = dict(marker.kwargs) if marker is not None else {}
    name = options.pop("name", None) or re.sub(r"[^\w.-]+", "_", request.node.name)
    path = request.path.parent / "cassettes" / request.path.stem / f"{name}.har"
    with Cassette(path, record=request.config.getoption("hookline_record"), **options) as cassette:
        yield cassette


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("hookline").addoption(
        "--hookline-record",
        choices=("once", "all", "none"),
        default="once",
        help="hookline_cassette: record if there is no file (once), always (all), or never (none)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "hookline_cassette(name=, redact=): the name of the cassette's file, and which values are secrets"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test itself, and not its teardown, if its mock was not used as expected."""
    mock = getattr(item, "funcargs", {}).get("hookline_mock")
    try:
        result = yield
    except BaseException:
        cassette = getattr(item, "funcargs", {}).get("hookline_cassette")
        if cassette is not None:
            cassette.discard()  # it may have only a part of the exchanges
        if mock is not None and mock.unexpected:
            item.add_report_section("call", "hookline_mock", "\n".join(mock.unexpected))
        raise
    if mock is not None:
        try:
            mock.verify()
        except AssertionError as error:
            pytest.fail(str(error), pytrace=False)  # the traceback would show this plugin only
    return result


@pytest.fixture
def hookline_conformance() -> Callable[..., Report]:
    """A function to check a plugin: `hookline_conformance(plugin, **options_of_clients)`.

    It prints the report, and fails the test if a check fails.
    """
    from .conformance import check_plugin

    def check(plugin: Any, **options: Any) -> Report:
        report = check_plugin(plugin, **options)
        print(report)  # noqa: T201  # `pytest -rP` shows it, with the cost of the plugin
        if not report.passed:
            pytest.fail(str(report), pytrace=False)
        return report

    return check
