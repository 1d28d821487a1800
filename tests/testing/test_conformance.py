"""The conformance kit: the project's plugins pass every check, and each check catches a plugin that is bad in its way."""

import asyncio
import contextlib
import importlib
import os
import subprocess
import sys
import time
import warnings

import pytest

from hookline import Credential, HttpResponse, Option, hookimpl
from hookline_testing.conformance import CHECKS, assert_conforms, check_plugin
from hookline_testing.conformance.cost import measure
from hookline_testing.conformance.plugin_under_test import PluginUnderTest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("name", ["redirects", "cookies", "decompress", "expect"])
def test_plugin_of_the_project_conforms(name):
    report = assert_conforms(name)
    assert tuple(check.name for check in report.checks) == CHECKS
    assert report.cost is not None


@pytest.mark.slow
def test_retry_conforms():
    from hookline_retry import Retry

    assert_conforms("retry", retry=Retry(backoff=0.01))


class Harmless:
    """Does what plugins do, rightly."""

    @hookimpl
    def declare(self):
        return [Option("stamp", "blue", convert=str, doc="the value of X-Stamp"), Credential("X-Stamp")]

    @hookimpl
    async def pre_request(self, response):
        await asyncio.sleep(0)
        if not response.request.has_left_origin:
            response.request.unredirected_headers["X-Stamp"] = response.request.stamp

    @hookimpl
    def post_request(self, response, exc):
        pass


def test_harmless_plugin_conforms():
    report = check_plugin(Harmless, stamp="red")
    assert report.passed, str(report)
    assert str(report).startswith("Harmless conforms\nok      alone\n")
    assert report["cost"].note == f"a request takes {report.cost:.2f} times as long as with core alone"


class CannotBeMade:
    def __init__(self):
        raise OSError("no such file")

    @hookimpl
    def pre_request(self, response):
        pass


class UnknownHook:
    @hookimpl
    def on_header(self, response):
        pass


class Unmarked:
    @hookimpl
    def pre_request(self, response):
        pass

    def post_request(self, response):
        pass


class RefusesItsDefault:
    @hookimpl
    def declare(self):
        return [Option("colour", "blue", convert=int, doc="a number")]


class RefusesItsDefaultInACall:
    @hookimpl
    def declare(self):
        return [Option("colour", "blue", client=False, convert=int, doc="a number")]


class RefusesItsResult:
    @hookimpl
    def declare(self):
        return [Option("colour", "1,2", convert=lambda value: value.split(","), doc="numbers")]


class WithoutDoc:
    @hookimpl
    def declare(self):
        return [Option("colour", "blue")]


class NeedsAnother:
    @hookimpl
    def pre_request(self, response):
        self.follows = response.request.allow_redirects


class Gullible:
    @hookimpl(headers=("age",))
    def on_headers(self, response):
        if int(response.headers["age"]) < 0:
            raise ValueError("a negative age")


class SwallowsCancellation:
    @hookimpl
    async def pre_request(self, response):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001)


class FailsBehindCancellation:
    @hookimpl
    async def post_request(self, response, exc):
        if isinstance(exc, asyncio.CancelledError):
            raise RuntimeError("nothing to take back")


class AnswersTimeouts:
    @hookimpl
    def post_request(self, response, exc):
        return HttpResponse.build(response.request, 200) if isinstance(exc, TimeoutError) else None


class ForgetsThatThereMayBeNoHead:
    @hookimpl
    def post_request(self, response, exc):
        self.length = response.headers["content-length"]


class SharesTheRequest:
    @hookimpl
    async def pre_request(self, response):
        self.url = response.request.url
        await asyncio.sleep(0)
        response.request.url = self.url


class OneForAll:
    seen: list[str] = []  # noqa: RUF012  # that is its mistake

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response):
        self.seen.append("x")

    @hookimpl
    def pre_request(self, response):
        if self.seen:
            response.request.unredirected_headers["X-Seen"] = str(len(self.seen))


class WritesCredentials:
    @hookimpl
    def pre_request(self, response):
        if response.request.userinfo:
            response.request.headers["Authorization"] = "Basic x"


class WritesCredentialsForTheWholeClient:
    @hookimpl
    def pre_request(self, response):
        response.request.client.headers["Authorization"] = "Basic x"


class WritesCredentialsIntoTheUrl:
    @hookimpl
    def pre_request(self, response):
        request = response.request
        if request.userinfo and "?" not in request.url:
            request.url += f"?key={request.userinfo.partition(':')[2]}"


class SendsCredentialsEverywhere:
    @hookimpl
    def pre_request(self, response):
        response.request.unredirected_headers["Authorization"] = "Bearer x"


class HoldsALock:
    def __init__(self):
        self.lock = asyncio.Lock()

    @hookimpl
    async def pre_request(self, response):
        async with self.lock:
            await asyncio.sleep(0)


class LeavesTasks:
    @hookimpl
    def pre_request(self, response):
        self.task = asyncio.ensure_future(asyncio.sleep(3600))


class Warns:
    @hookimpl
    def pre_request(self, response):
        warnings.warn("old-fashioned", DeprecationWarning, stacklevel=1)


class ForgetsToAwait:
    @hookimpl
    def pre_request(self, response):
        asyncio.sleep(0)


class Blocks:
    @hookimpl
    def pre_request(self, response):
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("check", "bad", "words"),
    [
        ("alone", CannotBeMade, "no such file"),
        ("hooks", UnknownHook, "did you mean 'on_headers'"),
        ("hooks", Unmarked, "Unmarked.post_request has the name of a hook, but no @hookimpl"),
        ("options", RefusesItsDefault, "the option 'colour' refuses its own default 'blue'"),
        ("options", RefusesItsDefaultInACall, "the option 'colour' refuses its own default 'blue'"),
        ("options", RefusesItsResult, "the option 'colour' refuses what its convert has made of the default"),
        ("options", WithoutDoc, "the option 'colour' has no doc="),
        ("answers", NeedsAnother, "allow_redirects"),
        ("hostile peer", Gullible, "ValueError: a negative age"),
        ("cancellation", SwallowsCancellation, "went on"),
        ("cancellation", FailsBehindCancellation, "post_request failed: RuntimeError: nothing to take back"),
        ("timeout", AnswersTimeouts, "instead of HttpTimeout"),
        ("exception", ForgetsThatThereMayBeNoHead, "post_request failed: KeyError"),
        ("concurrency", SharesTheRequest, "got the answer"),
        ("second client", OneForAll, "changed the fields of another: x-seen"),
        ("credentials", WritesCredentials, "it writes Authorization into request.headers"),
        ("credentials", WritesCredentialsForTheWholeClient, "it writes Authorization into client.headers"),
        ("credentials", WritesCredentialsIntoTheUrl, "it writes credentials into the URL"),
        (
            "credentials",
            SendsCredentialsEverywhere,
            "it sends Authorization to another origin, to which a response led",
        ),
        ("second loop", HoldsALock, "in the second loop: RuntimeError"),
        ("tasks", LeavesTasks, "the task of sleep still runs"),
        ("warnings", Warns, "DeprecationWarning: old-fashioned"),
        ("warnings", ForgetsToAwait, "was never awaited"),
        ("cost", Blocks, "blocks the event loop"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_check_catches_a_bad_plugin(check, bad, words):
    report = check_plugin(bad)
    assert not report.passed
    assert words in str(report[check]), str(report)


class Works:
    """Computes something for each request, about as long as core does."""

    @hookimpl
    def pre_request(self, response):
        sum(range(2000))


class Sleeps(Works):
    """Would compute something, if a call had its option; so it costs nothing here."""

    @hookimpl
    def declare(self):
        return [Option("work", doc="compute something")]

    @hookimpl(options=("work",))
    def pre_request(self, response):
        super().pre_request(response)


@pytest.fixture
def busy_processors():
    """As many processes as processors, which compute all the time."""
    program = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    processes = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(min(os.cpu_count() or 1, 4))]
    for process in processes:
        process.stdout.readline()
    yield
    for process in processes:
        process.kill()
        process.communicate()


def cost_of(plugin, **options):
    return asyncio.run(measure(PluginUnderTest(plugin, options))).ratio


def test_cost_of_a_plugin_that_sleeps_is_none_also_on_a_busy_machine(busy_processors):
    assert cost_of(Sleeps) == pytest.approx(1, abs=0.1)


def test_cost_is_that_of_what_the_plugin_does():
    assert cost_of(Works) > 1.3
    assert cost_of(Sleeps, work=True) > 1.3


def test_one_object_for_all_clients_is_caught():
    shared = Harmless()
    assert "two clients have one object" in str(check_plugin(lambda: shared)["second client"])


@pytest.mark.parametrize("when", ["at once", "later"])
def test_package_of_another_plugin_is_named(tmp_path, monkeypatch, when):
    name = f"acme_needy_{when.replace(' ', '_')}"
    at_once, later = ("import hookline_cookies", "pass") if when == "at once" else ("", "import hookline_cookies")
    (tmp_path / f"{name}.py").write_text(
        f"{at_once}\n"
        "from hookline import hookimpl\n"
        "class Needy:\n"
        "    @hookimpl\n"
        f"    def pre_request(self, response): {later}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    report = check_plugin(importlib.import_module(name).Needy)
    assert report["alone"].problems == (
        "it imports the package hookline_cookies of another plugin, which its distribution does not require",
    )


def test_checks_see_neither_the_environment_nor_other_plugins(monkeypatch):
    monkeypatch.setenv("HOOKLINE_DISABLE", "cookies")
    assert check_plugin("cookies")["hooks"].passed


def test_name_that_is_not_installed_fails_with_the_nearest():
    report = check_plugin("cokies")
    assert "did you mean 'cookies'" in str(report)


@pytest.mark.parametrize("thing", [None, 3])
def test_what_is_no_plugin_is_refused(thing):
    with pytest.raises(TypeError, match="takes a name, a class or a function"):
        check_plugin(thing)


async def test_running_loop_is_refused():
    with pytest.raises(RuntimeError, match="outside of coroutines"):
        check_plugin("cookies")


def test_fixture_prints_the_report_and_fails_the_test(pytester):
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(
        """
        from hookline import hookimpl

        class Bad:
            @hookimpl
            def pre_request(self, response):
                response.request.headers["Cookie"] = "a=1"

        def test_good(hookline_conformance):
            hookline_conformance("cookies")

        def test_bad(hookline_conformance):
            hookline_conformance(Bad)
        """
    )
    result = pytester.runpytest_subprocess("-W", "error", "-rP")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["cookies conforms", "ok      cost: a request takes *.?? times as long*"], consecutive=False
    )
    result.stdout.fnmatch_lines(["*Bad fails 1 of 15 checks", "*FAILED  credentials"])
