"""The connection hooks: what plugins run before a connection is dialled, when a request gets one, and when one is lost."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import PluginError
from .implementation import parameters
from .stage import add_note

ARGUMENTS = {
    "connecting": ("request", "host", "port", "addresses"),
    "connected": ("request", "connection"),
    "disconnected": ("connection", "exc"),
}


class ConnectionHook:
    """One implementation of a connection hook. plugin: the name of its plugin. owner: the plugin in words, for messages."""

    __slots__ = ("_names", "function", "hook", "owner", "plugin")

    def __init__(self, hook: str, function: Callable[..., Any], owner: str, plugin: str) -> None:
        self.hook = hook
        self.function = function
        self.owner = owner
        self.plugin = plugin
        positional, keywords, takes_any = parameters(function)
        self._names = ARGUMENTS[hook] if takes_any else (*positional, *keywords)

    def call(self, **values: Any) -> Any:
        """Call the function with those arguments that it names. An error gets a note that names the owner."""
        try:
            return self.function(**{name: values[name] for name in self._names})
        except BaseException as error:
            self.note_owner(error)
            raise

    def note_owner(self, error: BaseException) -> None:
        add_note(error, f"raised in {self.hook} of {self.owner}")


class ConnectionHooks:
    """The implementations of the connection hooks for one set of plugins, each in order. There is at least one."""

    def __init__(self, hooks: Iterable[ConnectionHook]) -> None:
        every = list(hooks)
        self.connecting = tuple(hook for hook in every if hook.hook == "connecting")
        self.connected = tuple(hook for hook in every if hook.hook == "connected")
        self.disconnected = tuple(hook for hook in every if hook.hook == "disconnected")

    async def run_connecting(self, request: Any, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        """Run `connecting` before a dial. Returns the addresses to try, as the last implementation has left them.

        Raises: PluginError, if an implementation returns something else than texts; what one raises.
        """
        found = list(addresses)
        for hook in self.connecting:
            answer = hook.call(request=request, host=host, port=port, addresses=list(found))
            if inspect.isawaitable(answer):
                try:
                    answer = await answer
                except BaseException as error:
                    hook.note_owner(error)
                    raise
            if answer is not None:
                if isinstance(answer, str) or not isinstance(answer, Iterable):
                    raise PluginError(
                        f"{hook.owner}: connecting returned {type(answer).__name__}, not a list of addresses"
                    )
                found = [str(address) for address in answer]
        return found

    def run_connected(self, request: Any, connection: Any) -> None:
        """Run `connected`, before the first byte of a request is sent."""
        for hook in self.connected:
            hook.call(request=request, connection=connection)

    def run_disconnected(self, connection: Any, exc: BaseException | None) -> None:
        """Run `disconnected`. The exception handler of the loop gets what one raises."""
        for hook in self.disconnected:
            try:
                hook.call(connection=connection, exc=exc)
            except Exception as error:  # noqa: BLE001  # no caller could catch it
                connection.loop.call_exception_handler(
                    {"message": f"disconnected of {hook.owner} failed", "exception": error}
                )
