"""All checks, in order, and the functions that run them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..server.scripted_server import ScriptedServer
from . import scenarios, static_checks
from .cost import BLOCKING, Cost, measure
from .plugin_under_test import PluginUnderTest
from .report import Check, Report
from .responses import respond
from .scenario_runner import ScenarioRunner, in_words

_STATIC_CHECKS = {"alone": static_checks.alone, "hooks": static_checks.hooks, "options": static_checks.options}
_SCENARIOS = {
    "second client": scenarios.second_client,  # first, before state that outlives clients can be filled
    "answers": scenarios.answers,
    "hostile peer": scenarios.hostile,
    "cancellation": scenarios.cancellation,
    "timeout": scenarios.timeouts,
    "exception": scenarios.exceptions,
    "concurrency": scenarios.concurrency,
    "credentials": scenarios.credentials,
}
REQUESTS_AT_ONCE = 20
CHECKS = (*_STATIC_CHECKS, *_SCENARIOS, "second loop", "tasks", "warnings", "cost")


def check_plugin(plugin: str | Callable[[], Any], **options: Any) -> Report:
    """Run all checks on a plugin; this takes some seconds.

    plugin: the name of an installed entry point, or a class or function that returns a new plugin object. options: options
    of the clients, for a plugin that does nothing without them (`auth=("user", "password")`).

    Raises: RuntimeError, in a running event loop: the checks run loops of their own. TypeError, for an object that is not a
    plugin.

    Example: docs/testing.md#checks-of-a-plugin
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("check_plugin runs event loops of its own: call it outside of coroutines, or in a thread")
    tested = PluginUnderTest(plugin, options)
    with without_variables():
        checks = [Check(name, tuple(find_problems(check, tested))) for name, check in _STATIC_CHECKS.items()]
        if find_problems(make_client, tested):
            return Report(tested.label, tuple(checks))
        with ScriptedServer(strict=False) as server:
            server.respond(respond)
            runner = ScenarioRunner(tested, server)
            checks += [Check(name, tuple(runner.run(name, scenario))) for name, scenario in _SCENARIOS.items()]
            checks.append(Check("second loop", tuple(use_in_two_loops(runner))))
        costs: list[Cost] = []

        async def measure_cost(runner: ScenarioRunner) -> None:
            costs.append(await measure(tested))

        failures = runner.run("cost", measure_cost)
        checks += [Check("tasks", unique(runner.tasks)), Check("warnings", unique(runner.warnings))]
        checks.append(cost_check(failures, costs))
        cost = costs[0].ratio if costs else None
    return Report(tested.label, tuple(checks), cost)


def assert_conforms(plugin: str | Callable[[], Any], **options: Any) -> Report:
    """Run all checks on a plugin (see `check_plugin`).

    Raises: AssertionError, with the whole report, when a check fails.

    Example::

        from hookline_testing.conformance import assert_conforms


        def test_conforms():
            assert_conforms("redirects")
    """
    report = check_plugin(plugin, **options)
    if not report.passed:
        raise AssertionError(str(report))
    return report


def find_problems(check: Callable[[PluginUnderTest], list[str]], tested: PluginUnderTest) -> list[str]:
    """Return the problems that a check without requests finds; an exception is a problem, too."""
    try:
        return check(tested)
    except Exception as error:  # noqa: BLE001  # any exception of a plugin is a problem
        return [in_words(error)]


def make_client(tested: PluginUnderTest) -> list[str]:
    """Make a client with the plugin; if that raises, the other checks make no sense. Return no problems."""
    tested.client()
    return []


def use_in_two_loops(runner: ScenarioRunner) -> list[str]:
    """Use one client in two event loops in turn, with so many requests at once that locks and queues are used."""
    try:
        client = runner.tested.client(pool_size=2)
    except Exception as error:  # noqa: BLE001  # any exception of a plugin is a problem
        return [in_words(error)]

    async def use(runner: ScenarioRunner) -> None:
        answers = await asyncio.gather(
            *(client.get(runner.url(f"/number/{number}")) for number in range(REQUESTS_AT_ONCE))
        )
        if [answer.content for answer in answers] != [b"%d" % number for number in range(len(answers))]:
            runner.problems.append("requests got the answers of others")
        await client.close()

    first = runner.run("first loop", use)
    return [f"in the first loop: {text}" for text in first] or [
        f"in the second loop: {text}" for text in runner.run("second loop", use)
    ]


def cost_check(failures: list[str], costs: list[Cost]) -> Check:
    """Return the check with the measured cost. It fails only if the plugin blocks the event loop."""
    if not costs:
        return Check("cost", tuple(failures))
    (cost,) = costs
    blocks = f"a request takes {cost.microseconds:.0f} us: something in it blocks the event loop"
    note = f"a request takes {cost.ratio:.2f} times as long as with core alone"
    return Check("cost", (blocks,) if cost.microseconds > BLOCKING else (), note)


def unique(texts: list[str]) -> tuple[str, ...]:
    """Return each text once, in order."""
    return tuple(dict.fromkeys(texts))


@contextmanager
def without_variables() -> Iterator[None]:
    """Hide the variables HOOKLINE_*, which could add plugins to the clients, or leave some out."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HOOKLINE_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
