"""The SDK against a mocked service: requests, results and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from notes_sdk import Busy, Note, Notes, NotesError, NotFound, TokenRefused

from hookline import ConnectionClosed, HttpClient
from hookline_testing import Mock

URL = "https://notes.example"
SIGNED = {"Authorization": "Bearer t0ken", "Notes-Version": "1"}
T = TypeVar("T")


def run(work: Callable[[Notes], Awaitable[T]]) -> T:
    """Do something with the SDK and a client of its own."""

    async def main() -> T:
        async with Notes(URL, "t0ken") as notes:
            return await work(notes)

    return asyncio.run(main())


def test_note_is_read(hookline_mock: Mock) -> None:
    hookline_mock.get(f"{URL}/notes/7", headers=SIGNED).reply(json={"id": 7, "text": "buy milk", "colour": "red"})
    assert run(lambda notes: notes.get(7)) == Note(7, "buy milk")


def test_note_is_created(hookline_mock: Mock) -> None:
    sent = {"text": "buy milk", "tags": ["home"]}
    hookline_mock.post(f"{URL}/notes", headers=SIGNED, json=sent).reply(201, json={"id": 8, **sent})
    assert run(lambda notes: notes.create("buy milk", tags=["home"])) == Note(8, "buy milk", ("home",))


def test_notes_are_found_on_all_pages(hookline_mock: Mock) -> None:
    pages = hookline_mock.get(f"{URL}/notes", params={"tag": "home"})
    pages.reply(json={"notes": [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}], "next": "2"})
    pages.reply(json={"notes": [{"id": 3, "text": "c"}]})

    async def ids(notes: Notes) -> list[int]:
        return [note.id async for note in notes.find(tag="home")]

    assert run(ids) == [1, 2, 3]
    assert [call.url.partition("?")[2] for call in pages.calls] == ["tag=home", "tag=home&after=2"]


def test_deleting_what_is_not_there_is_no_error(hookline_mock: Mock) -> None:
    hookline_mock.delete(f"{URL}/notes/7").reply(204).reply(404)
    for _ in range(2):
        run(lambda notes: notes.delete(7))


@pytest.mark.parametrize(
    ("status", "kind"), [(401, TokenRefused), (404, NotFound), (429, Busy), (503, Busy), (500, NotesError)]
)
def test_status_is_an_error(hookline_mock: Mock, status: int, kind: type[NotesError]) -> None:
    hookline_mock.get(f"{URL}/notes/7").reply(status)
    with pytest.raises(kind, match=f"GET /notes/7: {status}") as caught:
        run(lambda notes: notes.get(7))
    assert type(caught.value) is kind
    assert caught.value.status == status


def test_service_that_is_away_is_an_error(hookline_mock: Mock) -> None:
    hookline_mock.get(f"{URL}/notes/7").fail(ConnectionClosed("gone"))
    with pytest.raises(NotesError, match="gone") as caught:
        run(lambda notes: notes.get(7))
    assert caught.value.status is None
    assert isinstance(caught.value.__cause__, ConnectionClosed)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"id": "x", "text": ""}', b'{"text": ""}'])
def test_unexpected_answer_is_an_error(hookline_mock: Mock, content: bytes) -> None:
    hookline_mock.get(f"{URL}/notes/7").reply(content=content)
    with pytest.raises(NotesError, match="unexpected answer"):
        run(lambda notes: notes.get(7))


def test_redirect_to_another_origin_does_not_get_the_token(hookline_mock: Mock) -> None:
    hookline_mock.get(f"{URL}/notes/7").reply(302, headers={"Location": "https://other.example/7"})
    unsigned = {"Authorization": None, "Notes-Version": None}
    hookline_mock.get("https://other.example/7", headers=unsigned).reply(json={"id": 7, "text": ""})
    assert run(lambda notes: notes.get(7)).id == 7


@pytest.mark.parametrize("autoload", [True, False])
def test_client_of_the_program_is_used_and_left_as_it_is(hookline_mock: Mock, autoload: bool) -> None:
    hookline_mock.get(f"{URL}/notes/7", headers={**SIGNED, "X-Program": "yes"}).reply(json={"id": 7, "text": ""})
    hookline_mock.get("https://other.example/", headers={"Authorization": None, "X-Program": "yes"}).reply(200)

    async def main() -> None:
        async with HttpClient(headers={"X-Program": "yes"}, autoload=autoload) as client:
            async with Notes(URL, "t0ken", client=client) as notes:
                await notes.get(7)
            assert (await client.get("https://other.example/")).ok

    asyncio.run(main())


def test_cancelled_call_ends(hookline_mock: Mock) -> None:
    hookline_mock.get(f"{URL}/notes/7").stall()

    async def main() -> None:
        async with Notes(URL, "t0ken") as notes:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(notes.get(7), 0.1)

    asyncio.run(main())
