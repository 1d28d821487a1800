"""The SDKs whose tests run here: test_sdks.py fetches them, since they are too large to be installed for all tests.

`pip install openai anthropic` and `pytest tests/bridges/sdks` run these tests by themselves.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer
from servers import model_apis

if any(find_spec(name) is None for name in ("openai", "anthropic")):
    collect_ignore_glob = ["test_*.py"]

QUESTION = [{"role": "user", "content": "Who are you?"}]


@dataclass(frozen=True)
class Sdk:
    """One SDK. http: the library that it uses, httpx2, or httpx in earlier releases.

    answer: a completion. events: those of a streamed one, as they are sent. error: the body of an error.
    """

    module: Any
    http: Any
    answer: Callable[[], dict[str, Any]]
    events: Callable[[], list[bytes]]
    error: Callable[[], dict[str, Any]]

    @property
    def is_openai(self) -> bool:
        return str(self.module.__name__) == "openai"

    @property
    def transport(self) -> Any:
        """The class of asynchronous transports for the library."""
        return importlib.import_module(f"hookline_bridges.{self.http.__name__}").HooklineTransport

    @property
    def sync_transport(self) -> Any:
        """The class of synchronous transports for the library."""
        return importlib.import_module(f"hookline_bridges.{self.http.__name__}").SyncHooklineTransport

    @property
    def error_of_streams(self) -> Any:
        """The class of what a stream that breaks raises; anthropic, and openai over httpx, let the library's own through."""
        wraps = self.is_openai and self.http.__name__ == "httpx2"
        return self.module.APIConnectionError if wraps else self.http.TransportError

    def _options(self, server: ScriptedServer, options: dict[str, Any]) -> dict[str, Any]:
        path = "/v1" if self.is_openai else ""
        return {"base_url": server.url(path), "api_key": "secret-key", "max_retries": 0, **options}

    def client(self, server: ScriptedServer, transport: Any = None, **options: Any) -> Any:
        """Return an asynchronous client of the SDK over Hookline. options: its own."""
        http_client = self.module.DefaultAsyncHttpxClient(transport=transport or self.transport())
        kind = self.module.AsyncOpenAI if self.is_openai else self.module.AsyncAnthropic
        return kind(http_client=http_client, **self._options(server, options))

    def sync_client(self, server: ScriptedServer, transport: Any = None, **options: Any) -> Any:
        """Return a synchronous client of the SDK over Hookline. options: its own."""
        http_client = self.module.DefaultHttpxClient(transport=transport or self.sync_transport())
        kind = self.module.OpenAI if self.is_openai else self.module.Anthropic
        return kind(http_client=http_client, **self._options(server, options))

    def ask(self, client: Any, **options: Any) -> Any:
        """Ask for a completion: a coroutine of an asynchronous client, a completion or a stream of a synchronous one."""
        if self.is_openai:
            return client.chat.completions.create(model="small", messages=QUESTION, **options)
        return client.messages.create(model="small", max_tokens=9, messages=QUESTION, **options)

    def text(self, completion: Any) -> str:
        """Return the text of a completion."""
        return str(completion.choices[0].message.content if self.is_openai else completion.content[0].text)

    def word(self, event: Any) -> str:
        """Return the text that an event of a stream brings, "" if it brings none."""
        if self.is_openai:
            return event.choices[0].delta.content or ""
        return event.delta.text if event.type == "content_block_delta" else ""

    def upload(self, client: Any, file: Any) -> Any:
        """Send a file: a coroutine of an asynchronous client."""
        if self.is_openai:
            return client.files.create(file=file, purpose="user_data")
        return client.beta.files.upload(file=file)


@pytest.fixture(params=["openai", "anthropic"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """One SDK after the other."""
    module = importlib.import_module(request.param)
    http = vars(module._base_client).get("httpx2") or module._base_client.httpx
    if request.param == "openai":
        return Sdk(module, http, model_apis.chat_completion, model_apis.openai_events, model_apis.openai_error)
    return Sdk(module, http, model_apis.message, model_apis.anthropic_events, model_apis.anthropic_error)
