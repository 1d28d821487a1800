"""The list of the plugins of a client: `client.plugins`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import PluginError
from ..hooks.handlers import suggestion
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS, HOOKS, Conditions
from ..plugins.plugin_info import PluginInfo
from ..plugins.registry import Registry
from .configuration import Configuration

if TYPE_CHECKING:
    import pluggy


def ranges(numbers: Iterable[int]) -> list[str]:
    """Return numbers as texts, in ascending order. More than three consecutive ones become a range, such as `400-599`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [text for run in runs for text in ([f"{run[0]}-{run[-1]}"] if len(run) > 3 else map(str, run))]


def join_with_or(texts: Sequence[str]) -> str:
    """Return texts as `a, b or c`; "" if there are none."""
    return " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def conditions_in_words(conditions: Conditions) -> str:
    """Return the preconditions of pre_request in words: `option auth or proxies, field expect or switch has_jar`."""
    kinds = [f"{kind} {join_with_or(names)}" for kind, names in conditions.of_request().items()]
    return join_with_or(kinds) or "no option, field or switch"


class Plugins:
    """The plugins of a client: iterable in their order, and by name as `client.plugins[NAME]`.

    absent: the plugins that do not run, each with `name` and, in `why`, the reason. Of a broken one `error` is the error's text.
    manager: the pluggy PluginManager. Plugins that are registered or unregistered there come and go at the next request.
    """

    def __init__(self, configuration: Configuration, absent: tuple[PluginInfo, ...], registry: Registry) -> None:
        self._configuration = configuration
        self._infos = configuration.ordered_plugins()
        self.absent = absent
        self._registry = registry

    @property
    def manager(self) -> pluggy.PluginManager:
        """The pluggy PluginManager."""
        return self._registry.manager

    def __iter__(self) -> Iterator[PluginInfo]:
        return iter(self._infos.values())

    def __len__(self) -> int:
        return len(self._infos)

    def __getitem__(self, name: str) -> PluginInfo:
        return self._infos[name]

    def __contains__(self, name: object) -> bool:
        return name in self._infos

    def explain(self) -> str:
        """Return a text: for each event, what runs, in which order, and why there; then the plugins that do not run.

        The hooks of connections and of clients are listed as events are, if a plugin implements them.
        """
        lines: list[str] = []
        for event in HOOKS:
            order = enumerate(self.order(event), 1)
            found = [f"  {number}. {name}: {why}" for number, (name, why) in order]
            if found or event in EVENTS:
                lines += [event, *(found or ["  no implementation"])]
        for absent in self.absent:
            more = f" by {absent.by.name}" if absent.by is not None else f": {absent.error}" if absent.error else ""
            lines.append(f"not running: {absent.name} ({absent.why}{more})")
        return "\n".join(lines)

    def order(self, event: str) -> list[tuple[str, str]]:
        """Return what runs at an event, first one first: the name of a plugin or a handler in words, and why it runs there.

        event: the name of an event, or of another hook. The reason also says for which requests or responses it runs.

        Raises: PluginError, for another name.
        """
        if event not in HOOKS:
            raise PluginError(f"no event {event!r}{suggestion(event, HOOKS)}")
        implementations = self._configuration.implementations()[event]
        return [(i.owner if i.plugin is None else i.plugin, self._why(i)) for i in implementations]

    def _why(self, implementation: Implementation) -> str:
        if implementation.plugin is None:
            return f"bound by the user, {'before' if implementation.event == 'pre_request' else 'after'} the plugins"
        reasons = ["wraps the others"] if implementation.is_wrapper else []
        reasons += self._configuration.order_reasons(implementation.plugin)
        if implementation.rank:
            reasons.append("tryfirst" if implementation.rank < 0 else "trylast")
        conditions = implementation.conditions
        if conditions.statuses is not None:
            reasons.append("statuses " + ", ".join(ranges(conditions.statuses)))
        if conditions.headers is not None:
            reasons.append("headers " + ", ".join(sorted(name.decode() for name in conditions.headers)))
        if conditions.schemes is not None:
            effect = ", for which no other is skipped" if implementation in self._always_running() else ""
            reasons.append("schemes " + ", ".join(sorted(conditions.schemes)) + effect)
        if conditions.observes:
            reasons.append("observes: for it no other is called")
        if conditions.has_request_conditions:
            reasons.append(self._runs_for(implementation))
        return "; ".join(reasons) or "by name"

    def _always_running(self) -> list[Implementation]:
        """Return the implementations of pre_request that run for all requests of their schemes. For these all others run."""
        options, fields = self._configuration.given_options, self._configuration.client_fields
        return [
            i
            for i in self._configuration.implementations()["pre_request"]
            if not i.conditions.observes and not i.is_skippable(options, fields)
        ]

    def _runs_for(self, implementation: Implementation) -> str:
        """Return for which requests an implementation with preconditions of pre_request runs, or why it always does."""
        reason = implementation.reason_to_run(self._configuration.given_options, self._configuration.client_fields)
        words = conditions_in_words(implementation.conditions)
        if implementation.is_asked(self._configuration.given_options, self._configuration.client_fields):
            words = f"requests with {implementation.conditions.when}(request)" + (f": {reason}" if reason else "")
        elif reason is not None:
            return f"always runs: {reason}"
        for other in self._always_running():
            if other.conditions.schemes is None and implementation.event == "pre_request":
                return f"would run only for {words}, but {other.plugin or other.owner} always runs"
        return f"runs for {words}"

    def __repr__(self) -> str:
        return f"<Plugins {', '.join(self._infos)}>"
