"""The scenarios: requests that every plugin must handle. Each appends what was wrong to `runner.problems`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from hookline import HooklineError, HttpClient, HttpRequest, HttpResponse, HttpTimeout, Timeout, hookimpl

from .plugin_under_test import HelperPlugin
from .responses import HOSTILE, ORDINARY
from .scenario_runner import ScenarioRunner, in_words

ENDS_WITHIN = 3.0  # seconds in which a call must end that was cancelled or timed out
TURNS = 24  # of the loop before a call is cancelled, at most: so each point at which a small request waits is tried
REQUESTS = 200


class Raises(HelperPlugin):
    """A plugin that raises at one event."""

    def __init__(self, event: str) -> None:
        def fails(response: HttpResponse) -> None:
            raise LookupError("of another plugin")

        self.name = f"raises-in-{event}"
        setattr(self, event, hookimpl(specname=event)(fails))


async def within(seconds: float, call: Awaitable[Any]) -> Any:
    """Return the result or the exception of a call that must end in so many seconds; None = it did not."""
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        await asyncio.wait([task], timeout=seconds)
        return None
    try:
        return task.exception() or task.result()
    except asyncio.CancelledError as error:
        return error  # with its notes


async def still_works(runner: ScenarioRunner, client: HttpClient, after: str) -> None:
    """Check that a client still gets the right answer, and that no connection is counted as used."""
    answer = await client.get(runner.url("/number/7"))
    if answer.content != b"7":
        runner.problems.append(f"after {after}, another request got {answer!r} with {answer.content[:100]!r}")
    busy = sum(pool.opened - len(pool.idle) for pool in client.connection_pools.values())
    if busy:
        runner.problems.append(f"after {after}, {busy} connections are still counted as used")


def add_hook_failures(runner: ScenarioRunner, error: BaseException, where: str) -> bool:
    """Report exceptions of post_request that were added as notes to another exception; return whether there are any."""
    found = [note for note in getattr(error, "__notes__", ()) if "post_request failed" in note]
    runner.problems += [f"{where}: {note}" for note in found]
    return bool(found)


async def answers(runner: ScenarioRunner) -> None:
    """Every ordinary response is returned, as a whole and as a stream."""
    async with runner.tested.client() as client:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            for path in ORDINARY:
                if path in HOSTILE:
                    continue
                body = b"body" if method in ("POST", "PUT") else None
                answer: object = await client.request(method, runner.url(path), data=body)
                if not isinstance(answer, HttpResponse) or not answer.status_code:
                    runner.problems.append(f"{method} {path} gave {answer!r}")
        async with await client.get(runner.url("/large"), stream=True) as streamed:
            size = sum([len(data) async for data in streamed.raw])
            if size != 300_000:
                runner.problems.append(f"a stream of 300000 bytes had {size}")
        await client.post(runner.url("/plain"), data=(bytes(1000) for _ in range(10)))
        await still_works(runner, client, "ordinary requests")


async def hostile(runner: ScenarioRunner) -> None:
    """A malformed response is returned, or raises an error of Hookline."""
    async with runner.tested.client() as client:
        for path in HOSTILE:
            try:
                await client.get(runner.url(path))
            except HooklineError as error:
                add_hook_failures(runner, error, path)
        await still_works(runner, client, "malformed responses")


async def cancellation(runner: ScenarioRunner) -> None:
    """A call that is cancelled, at whichever point, raises CancelledError."""
    for path in ("/stall", "/stalled-body", "/plain"):
        async with runner.tested.client() as client:
            for turns in range(TURNS):
                task = asyncio.ensure_future(client.get(runner.url(path)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                outcome = await within(ENDS_WITHIN, task)
                if outcome is None:
                    runner.problems.append(f"GET {path}, cancelled after {turns} turns of the loop, went on")
                    return
                if not isinstance(outcome, asyncio.CancelledError) and path != "/plain":
                    runner.problems.append(f"GET {path}, cancelled after {turns} turns of the loop, gave {outcome!r}")
                    return
                if isinstance(outcome, asyncio.CancelledError) and add_hook_failures(
                    runner, outcome, f"GET {path}, cancelled after {turns} turns of the loop"
                ):
                    return
            await still_works(runner, client, "cancelled requests")
            stream = await client.get(runner.url("/stalled-body"), stream=True)
            reading = asyncio.ensure_future(stream.raw.read())
            await asyncio.sleep(0.02)
            reading.cancel()
            if not isinstance(await within(ENDS_WITHIN, reading), asyncio.CancelledError):
                runner.problems.append("the reading of a stream, cancelled, went on")
            await still_works(runner, client, "a stream whose reading was cancelled")


async def timeouts(runner: ScenarioRunner) -> None:
    """A timeout of the call, or of one read, raises HttpTimeout."""
    async with runner.tested.client() as client:
        for path in ("/stall", "/stalled-body"):
            for limit in (0.1, Timeout(total=1.0, read=0.1)):
                outcome = await within(ENDS_WITHIN, client.get(runner.url(path), timeout=limit))
                if outcome is None:
                    runner.problems.append(f"GET {path} with timeout={limit!r} did not end")
                    return
                if not isinstance(outcome, HttpTimeout):
                    runner.problems.append(f"GET {path} with timeout={limit!r} gave {outcome!r} instead of HttpTimeout")
                elif isinstance(outcome, BaseException):
                    add_hook_failures(runner, outcome, f"GET {path} with timeout={limit!r}")
        await still_works(runner, client, "timeouts")


async def exceptions(runner: ScenarioRunner) -> None:
    """An exception of the network, or of another plugin, is raised as it is."""
    async with runner.tested.client() as client:
        for path in ("/reset", "/closed"):
            outcome = await within(ENDS_WITHIN, client.get(runner.url(path), timeout=1.5))
            if not isinstance(outcome, HooklineError):
                runner.problems.append(f"GET {path}, whose connection is lost, gave {outcome!r}")
            else:
                add_hook_failures(runner, outcome, f"GET {path}, whose connection is lost")
        await still_works(runner, client, "lost connections")
    for event in ("pre_request", "on_headers", "post_request"):
        async with runner.tested.client() as client:
            outcome = await within(ENDS_WITHIN, client.get(runner.url("/plain"), plugins=[Raises(event)]))
            if not isinstance(outcome, LookupError):
                runner.problems.append(f"LookupError of another plugin in {event} became {outcome!r}")
            else:
                add_hook_failures(runner, outcome, f"an exception of another plugin in {event}")
            await still_works(runner, client, f"an exception in {event}")


async def concurrency(runner: ScenarioRunner) -> None:
    """Of many requests at once, each gets its own answer."""
    async with runner.tested.client() as client:
        paths = [f"/number/{number}" for number in range(REQUESTS)]
        outcomes = await asyncio.gather(*(client.get(runner.url(path)) for path in paths), return_exceptions=True)
        for path, outcome in zip(paths, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                runner.problems.append(f"of {REQUESTS} requests at once, {path} ended with {in_words(outcome)}")
                return
            if outcome.content != path.rpartition("/")[2].encode():
                runner.problems.append(
                    f"of {REQUESTS} requests at once, {path} got the answer {outcome.content[:100]!r}"
                )
                return


async def second_client(runner: ScenarioRunner) -> None:
    """Clients share no state, and one works on when another is closed."""

    async def fields_of(client: HttpClient) -> dict[str, str]:
        await client.get(runner.url("/plain"))
        return {name.decode().lower(): value.decode("latin-1") for name, value in runner.server.requests[-1].headers}

    seen = []
    for _ in range(2):
        async with runner.tested.client() as untouched:
            seen.append(await fields_of(untouched))
    first, second = runner.tested.client(), runner.tested.client()
    shared = [
        plugin for plugin in runner.tested.objects(first) if any(plugin is p for p in runner.tested.objects(second))
    ]
    if shared:
        runner.problems.append(f"two clients have one object: {shared[0]!r}; each needs its own")
        return
    async with second:
        async with first:
            for path in ("/cookie", "/unauthorized", "/redirect", "/busy", "/plain"):
                await first.get(runner.url(path))
            after = await fields_of(second)
        stable = {name for name in seen[0] if seen[0][name] == seen[1].get(name)}  # the others are random, or the time
        different = sorted({*seen[0]} ^ {*after} | {name for name in stable if after.get(name) != seen[0][name]})
        if different:
            runner.problems.append(f"the requests of one client changed the fields of another: {', '.join(different)}")
        await still_works(runner, second, "the end of another client")


async def credentials(runner: ScenarioRunner) -> None:
    """Credentials are in unredirected_headers only, and are not sent to another origin that a response leads to."""
    check = CredentialCheck()
    async with runner.tested.client(check) as client:
        check.given = {name.lower() for name in client.headers}
        origin = runner.url("/cookie")
        with_userinfo = origin.replace("://", "://user:conformance-secret@", 1)
        for url in (origin, runner.url("/unauthorized"), with_userinfo, runner.url("/plain")):
            await client.get(url)
        await client.get(runner.url("/plain"), headers={"X-Of-The-User": "kept"})
    runner.problems += sorted(check.problems)
    if check.problems:
        return
    elsewhere = runner.url("/plain", host="localhost")
    async with runner.tested.client(RedirectFollower(elsewhere)) as client:
        await client.get(runner.url("/cookie"))
        followed = await client.get(runner.url("/redirect").replace("://", "://user:conformance-secret@", 1))
        names = credential_names(followed.request)
    if followed.request.url == elsewhere:
        for field, value in runner.server.requests[-1].headers:
            if field.decode().lower() in names or b"conformance-secret" in value:
                runner.problems.append(f"it sends {field.decode()} to another origin, to which a response led")


def credential_names(request: HttpRequest) -> set[str]:
    """Return the fields with credentials, in lower case: those of core, of the plugins, and in `sensitive_headers`."""
    names = {
        "authorization",
        "proxy-authorization",
        "cookie",
        *request.sensitive_headers,
        *request.configuration.credentials,
    }
    return {name.lower() for name in names}


class RedirectFollower(HelperPlugin):
    """Follows a redirect to a URL of its own, unless the plugin under test has followed it."""

    name = "conformance-follows"

    def __init__(self, url: str) -> None:
        self._url = url

    @hookimpl(statuses=(302,), trylast=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None or response.answer is not None:
            return None
        return response.request.follow(self._url, cause="redirect")


class CredentialCheck(HelperPlugin):
    """Checks the fields of each request, after all other plugins."""

    name = "conformance-credential-check"

    def __init__(self) -> None:
        self.problems: set[str] = set()
        self.given: set[str] = set()  # names of the fields that the client had before

    @hookimpl(trylast=True)
    def post_request(self, response: HttpResponse, cause: str) -> None:
        request = response.request
        names = credential_names(request)
        of_client = {name.lower() for name in request.client.headers} & names - self.given
        for name, value in request.headers.items():
            if name.lower() in of_client:
                self.problems.add(f"it writes {name} into client.headers, which go with every request")
            elif name.lower() in names - self.given or "conformance-secret" in value:
                self.problems.add(
                    f"it writes {name} into request.headers, which go with every follow-up; credentials belong to "
                    "request.unredirected_headers"
                )
        if "conformance-secret" in request.target:
            self.problems.add("it writes credentials into the URL, which servers log and pages pass on")
