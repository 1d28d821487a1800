"""What a plugin goes through. Each scenario notes in `lab.problems` what was wrong, and raises what nobody expected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from hookline import HooklineError, HttpClient, HttpRequest, HttpResponse, HttpTimeout, Timeout, hookimpl

from .lab import HOSTILE, ORDINARY, Lab, in_words
from .subject import Bystander

ENDS_WITHIN = 3.0  # seconds after which a call that was cancelled, or timed out, must be over
TURNS = 24  # of the loop, before a call is cancelled: all the places at which a small request waits
REQUESTS = 200


class Raises(Bystander):
    """A plugin that raises at one event."""

    def __init__(self, event: str) -> None:
        def fails(response: HttpResponse) -> None:
            raise LookupError("of another plugin")

        self.name = f"raises-in-{event}"
        setattr(self, event, hookimpl(specname=event)(fails))


async def within(seconds: float, call: Awaitable[Any]) -> Any:
    """Await a call that must be over soon; its outcome, an exception as well. None = it was not over."""
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        await asyncio.wait([task], timeout=seconds)
        return None
    try:
        return task.exception() or task.result()
    except asyncio.CancelledError as error:
        return error  # with what was noted on it


async def still_works(lab: Lab, client: HttpClient, after: str) -> None:
    """Does a client give the right answer behind what happened, and is nothing of it left in the pool?"""
    answer = await client.get(lab.url("/number/7"))
    if answer.content != b"7":
        lab.problems.append(f"after {after}, another request got {answer!r} with {answer.content[:100]!r}")
    busy = sum(pool.opened - len(pool.idle) for pool in client.connection_pools.values())
    if busy:
        lab.problems.append(f"after {after}, {busy} connections are still counted as used")


def look_for_failures(lab: Lab, error: BaseException, where: str) -> bool:
    """Was an exception of post_request added to another one?"""
    found = [note for note in getattr(error, "__notes__", ()) if "post_request failed" in note]
    lab.problems += [f"{where}: {note}" for note in found]
    return bool(found)


async def answers(lab: Lab) -> None:
    """Every ordinary response comes, whole and as a stream, or an error of Hookline's says why not."""
    async with lab.subject.client() as client:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            for path in ORDINARY:
                if path in HOSTILE:
                    continue
                body = b"body" if method in ("POST", "PUT") else None
                answer = await client.request(method, lab.url(path), data=body)
                if not isinstance(answer, HttpResponse) or not answer.status_code:
                    lab.problems.append(f"{method} {path} gave {answer!r}")
        async with await client.get(lab.url("/large"), stream=True) as streamed:
            size = sum([len(data) async for data in streamed.raw])
            if size != 300_000:
                lab.problems.append(f"a stream of 300000 bytes had {size}")
        await client.post(lab.url("/plain"), data=(bytes(1000) for _ in range(10)))
        await still_works(lab, client, "ordinary requests")


async def hostile(lab: Lab) -> None:
    """A response that makes no sense is handed out, or ends in an error of Hookline's."""
    async with lab.subject.client() as client:
        for path in HOSTILE:
            try:
                await client.get(lab.url(path))
            except HooklineError as error:
                look_for_failures(lab, error, path)
        await still_works(lab, client, "responses that make no sense")


async def cancellation(lab: Lab) -> None:
    """A call that is cancelled, wherever it is, ends in CancelledError."""
    for path in ("/stall", "/stalled-body", "/plain"):
        async with lab.subject.client() as client:
            for turns in range(TURNS):
                task = asyncio.ensure_future(client.get(lab.url(path)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                outcome = await within(ENDS_WITHIN, task)
                if outcome is None:
                    lab.problems.append(f"GET {path}, cancelled after {turns} turns of the loop, went on")
                    return
                if not isinstance(outcome, asyncio.CancelledError) and path != "/plain":
                    lab.problems.append(f"GET {path}, cancelled after {turns} turns of the loop, gave {outcome!r}")
                    return
                if isinstance(outcome, asyncio.CancelledError) and look_for_failures(
                    lab, outcome, f"GET {path}, cancelled after {turns} turns of the loop"
                ):
                    return
            await still_works(lab, client, "cancelled requests")
            stream = await client.get(lab.url("/stalled-body"), stream=True)
            reading = asyncio.ensure_future(stream.raw.read())
            await asyncio.sleep(0.02)
            reading.cancel()
            if not isinstance(await within(ENDS_WITHIN, reading), asyncio.CancelledError):
                lab.problems.append("the reading of a stream, cancelled, went on")
            await still_works(lab, client, "a stream whose reading was cancelled")


async def timeouts(lab: Lab) -> None:
    """A timeout, of the call or of one read, is HttpTimeout."""
    async with lab.subject.client() as client:
        for path in ("/stall", "/stalled-body"):
            for limit in (0.1, Timeout(total=1.0, read=0.1)):
                outcome = await within(ENDS_WITHIN, client.get(lab.url(path), timeout=limit))
                if outcome is None:
                    lab.problems.append(f"GET {path} with timeout={limit!r} did not end")
                    return
                if not isinstance(outcome, HttpTimeout):
                    lab.problems.append(f"GET {path} with timeout={limit!r} gave {outcome!r} in place of HttpTimeout")
                elif isinstance(outcome, BaseException):
                    look_for_failures(lab, outcome, f"GET {path} with timeout={limit!r}")
        await still_works(lab, client, "timeouts")


async def exceptions(lab: Lab) -> None:
    """What goes wrong in the network, in another plugin or in a handler comes out as it is."""
    async with lab.subject.client() as client:
        for path in ("/reset", "/closed"):
            outcome = await within(ENDS_WITHIN, client.get(lab.url(path), timeout=1.5))
            if not isinstance(outcome, HooklineError):
                lab.problems.append(f"GET {path}, whose connection is lost, gave {outcome!r}")
            else:
                look_for_failures(lab, outcome, f"GET {path}, whose connection is lost")
        await still_works(lab, client, "lost connections")
    for event in ("pre_request", "on_headers", "post_request"):
        async with lab.subject.client() as client:
            outcome = await within(ENDS_WITHIN, client.get(lab.url("/plain"), plugins=[Raises(event)]))
            if not isinstance(outcome, LookupError):
                lab.problems.append(f"LookupError of another plugin in {event} became {outcome!r}")
            else:
                look_for_failures(lab, outcome, f"an exception of another plugin in {event}")
            await still_works(lab, client, f"an exception in {event}")


async def concurrency(lab: Lab) -> None:
    """200 requests at once get their own answers."""
    async with lab.subject.client() as client:
        paths = [f"/number/{number}" for number in range(REQUESTS)]
        outcomes = await asyncio.gather(*(client.get(lab.url(path)) for path in paths), return_exceptions=True)
        for path, outcome in zip(paths, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                lab.problems.append(f"of {REQUESTS} requests at once, {path} ended with {in_words(outcome)}")
                return
            if outcome.content != path.rpartition("/")[2].encode():
                lab.problems.append(f"of {REQUESTS} requests at once, {path} got the answer {outcome.content[:100]!r}")
                return


async def second_client(lab: Lab) -> None:
    """What one client has learned, another does not know; each lives on when the other is closed."""

    async def fields_of(client: HttpClient) -> dict[str, str]:
        await client.get(lab.url("/plain"))
        return {name.decode().lower(): value.decode("latin-1") for name, value in lab.server.requests[-1].headers}

    seen = []
    for _ in range(2):
        async with lab.subject.client() as untouched:
            seen.append(await fields_of(untouched))
    first, second = lab.subject.client(), lab.subject.client()
    shared = [plugin for plugin in lab.subject.objects(first) if any(plugin is p for p in lab.subject.objects(second))]
    if shared:
        lab.problems.append(f"two clients have one object: {shared[0]!r}; each needs its own")
        return
    async with second:
        async with first:
            for path in ("/cookie", "/unauthorized", "/redirect", "/busy", "/plain"):
                await first.get(lab.url(path))
            after = await fields_of(second)
        stable = {name for name in seen[0] if seen[0][name] == seen[1].get(name)}  # not what is random, or the time
        different = sorted({*seen[0]} ^ {*after} | {name for name in stable if after.get(name) != seen[0][name]})
        if different:
            lab.problems.append(f"what one client met changed the fields of another: {', '.join(different)}")
        await still_works(lab, second, "the end of another client")


async def credentials(lab: Lab) -> None:
    """Credentials stand in unredirected_headers, and do not go where a response leads: to another origin."""
    watcher = Watcher()
    async with lab.subject.client(watcher) as client:
        watcher.given = {name.lower() for name in client.headers}
        origin = lab.url("/cookie")
        with_userinfo = origin.replace("://", "://user:conformance-secret@", 1)
        for url in (origin, lab.url("/unauthorized"), with_userinfo, lab.url("/plain")):
            await client.get(url)
        await client.get(lab.url("/plain"), headers={"X-Of-The-User": "kept"})
    lab.problems += sorted(watcher.problems)
    if watcher.problems:
        return
    elsewhere = lab.url("/plain", host="localhost")
    async with lab.subject.client(Follows(elsewhere)) as client:
        await client.get(lab.url("/cookie"))
        followed = await client.get(lab.url("/redirect").replace("://", "://user:conformance-secret@", 1))
        names = credential_names(followed.request)
    if followed.request.url == elsewhere:
        for field, value in lab.server.requests[-1].headers:
            if field.decode().lower() in names or b"conformance-secret" in value:
                lab.problems.append(f"it sends {field.decode()} to another origin, where a response led")


def credential_names(request: HttpRequest) -> set[str]:
    """The fields that carry credentials, in lower case: those that core knows, that plugins declare, and that the user names."""
    names = {
        "authorization",
        "proxy-authorization",
        "cookie",
        *request.sensitive_headers,
        *request._configuration.credentials,
    }
    return {name.lower() for name in names}


class Follows(Bystander):
    """Sends what was redirected to a place of its own, unless the plugin under test follows redirects itself."""

    name = "conformance-follows"

    def __init__(self, url: str) -> None:
        self._url = url

    @hookimpl(statuses=(302,), trylast=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None or response.answer is not None:
            return None
        return response.request.follow(self._url, cause="redirect")


class Watcher(Bystander):
    """Looks at the fields of each request when everybody else has seen it."""

    name = "conformance-watcher"

    def __init__(self) -> None:
        self.problems: set[str] = set()
        self.given: set[str] = set()  # names of fields that the client has from its user

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
            self.problems.add("it writes credentials into the URL, which servers log and pages hand on")
