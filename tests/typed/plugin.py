"""A plugin of a third party, with types, and a program that uses it. mypy and pyright check it, and the tests run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from hookline import Attribute, HttpClient, HttpRequest, HttpResponse, Option, hookimpl


class LanguageRequest:
    """What this plugin adds to requests, for type checkers."""

    language: str | None


class LanguageResponse:
    """What this plugin adds to responses, for type checkers."""

    content_language: str


class LanguageClient:
    """What this plugin adds to clients, for type checkers."""

    language: str | None
    languages: Sequence[str]


class Request(LanguageRequest, HttpRequest):
    """A request with what this plugin adds, for its hooks."""


class Language:
    """Ask for content in one language."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @hookimpl
    def declare(self) -> list[Option | Attribute]:
        return [
            Option("language", convert=str, doc="the language to ask for"),
            Attribute("content_language", content_language, doc="the language of the content"),
            Attribute("languages", self.languages_of, of="client", doc="the languages of all responses"),
        ]

    @hookimpl(options=("language",))
    def pre_request(self, response: HttpResponse[Request]) -> None:
        language = response.request.language
        assert_type(language, str | None)
        if language is not None:
            response.request.unredirected_headers["Accept-Language"] = language

    @hookimpl(headers=("content-language",))
    async def on_headers(self, response: HttpResponse[Request], interim: bool) -> None:
        self.seen.append(content_language(response))

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        return None

    def languages_of(self, client: HttpClient) -> Sequence[str]:
        """Return `client.languages`."""
        return self.seen


def content_language(response: HttpResponse) -> str:
    """Return `response.content_language`."""
    return response.headers.get("Content-Language", "")


class Response(LanguageResponse, HttpResponse[Request]):
    """A response, as the program sees it."""


class Client(LanguageClient, HttpClient[Response]):
    """A client, as the program sees it."""


async def program(url: str) -> tuple[str, str | None, Sequence[str]]:
    """Use the plugin."""
    found: list[str] = []
    async with Client(plugins=[Language()], language="de") as client:

        @client.event("post_request").bind
        def collect(response: Response, exc: BaseException | None = None) -> None:
            found.append(response.content_language)

        collect(await client.get(url))
        response = await client.get(url, language="fr")
        assert_type(response, Response)
        assert_type(client.languages, Sequence[str])
        assert found == ["de", "de", "fr"]
        return response.content_language, response.request.language, client.languages
