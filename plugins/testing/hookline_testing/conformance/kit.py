"""All checks, in order, and the ways to call them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..server.scripted import ScriptedServer
from . import declared, scenarios
from .cost import BLOCKING, REQUESTS, measure
from .lab import Lab, answer, in_words
from .report import Check, Report
from .subject import Subject

_DECLARED = {"alone": declared.alone, "hooks": declared.hooks, "options": declared.options}
_SCENARIOS = {
    "second client": scenarios.second_client,  # the first: what is kept beyond clients is empty yet
    "answers": scenarios.answers,
    "hostile peer": scenarios.hostile,
    "cancellation": scenarios.cancellation,
    "timeout": scenarios.timeouts,
    "exception": scenarios.exceptions,
    "concurrency": scenarios.concurrency,
    "credentials": scenarios.credentials,
}
CHECKS = (*_DECLARED, *_SCENARIOS, "second loop", "tasks", "warnings", "cost")


def check_plugin(plugin: str | Callable[[], Any], **options: Any) -> Report:
    """Put a plugin through all checks; it takes some seconds.

    plugin: the name of an entry point that is installed, or a class or function that gives a new plugin object. options:
    keywords of the clients, which give the plugin something to do (`auth=("user", "password")`).

    Raises: RuntimeError, in a running event loop: the checks run loops of their own. TypeError, for what is no plugin.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("check_plugin runs loops of its own: call it outside of coroutines, or in a thread")
    subject = Subject(plugin, options)
    with without_variables():
        checks = [Check(name, tuple(problems(check, subject))) for name, check in _DECLARED.items()]
        if problems(can_be_made, subject):
            return Report(subject.label, tuple(checks))
        with ScriptedServer(strict=False) as server:
            server.respond(answer)
            lab = Lab(subject, server)
            checks += [Check(name, tuple(lab.run(name, scenario))) for name, scenario in _SCENARIOS.items()]
            checks.append(Check("second loop", tuple(in_two_loops(lab))))
        costs: list[float] = []
        failures = lab.run("cost", lambda lab: measure(subject, costs))
        checks += [Check("tasks", unique(lab.tasks)), Check("warnings", unique(lab.warnings)), of_cost(failures, costs)]
        cost = costs[0] if costs else None
    return Report(subject.label, tuple(checks), cost)


def assert_conforms(plugin: str | Callable[[], Any], **options: Any) -> Report:
    """Do as `check_plugin`.

    Raises: AssertionError, with the whole report, when a check fails.
    """
    report = check_plugin(plugin, **options)
    if not report.passed:
        raise AssertionError(str(report))
    return report


def problems(check: Callable[[Subject], list[str]], subject: Subject) -> list[str]:
    """What a check without requests finds; an exception is a problem as well."""
    try:
        return check(subject)
    except Exception as error:  # noqa: BLE001  # whatever comes out of a plugin is what is looked for
        return [in_words(error)]


def can_be_made(subject: Subject) -> list[str]:
    """Nothing, where a client with the plugin can be made; else the other checks are pointless."""
    subject.client()
    return []


def in_two_loops(lab: Lab) -> list[str]:
    """One client in one loop after the other, with so many requests at once that locks and queues come into use."""
    try:
        client = lab.subject.client(pool_size=2)
    except Exception as error:  # noqa: BLE001  # whatever comes out of a plugin is what is looked for
        return [in_words(error)]

    async def use(lab: Lab) -> None:
        answers = await asyncio.gather(*(client.get(lab.url(f"/number/{number}")) for number in range(REQUESTS // 10)))
        if [answer.content for answer in answers] != [b"%d" % number for number in range(len(answers))]:
            lab.problems.append("requests got the answers of others")
        await client.close()

    first = lab.run("first loop", use)
    return [f"in the first loop: {text}" for text in first] or [
        f"in the second loop: {text}" for text in lab.run("second loop", use)
    ]


def of_cost(failures: list[str], costs: list[float]) -> Check:
    """The figure, which fails only where something waits without letting others run."""
    if not costs:
        return Check("cost", tuple(failures))
    slow = (f"{costs[0]:.0f} us a request: something in it blocks the event loop",) if costs[0] > BLOCKING else ()
    return Check("cost", slow, f"{costs[0]:.1f} us a request")


def unique(texts: list[str]) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(texts))


@contextmanager
def without_variables() -> Iterator[None]:
    """Hide HOOKLINE_* variables: what they leave out or add is not what is checked."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HOOKLINE_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
