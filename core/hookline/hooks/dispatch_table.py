"""Which implementations run at each event of an exchange, as tables that are made once and looked up per response head."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence, Set
from itertools import chain

from .implementation import Implementation
from .markers import EVENTS
from .stage import Stage, note_owner

Implementations = dict[str, tuple[Implementation, ...]]


class HooksAfterHead:
    """The stages of the events after a head: on_headers, and post_request if nothing went wrong. None: nothing to call."""

    __slots__ = ("on_headers", "post_request")

    def __init__(self, on_headers: Stage | None, post_request: Stage | None) -> None:
        self.on_headers = on_headers
        self.post_request = post_request


class DispatchTable:
    """The implementations and handlers that run at each event: one table for all exchanges of one kind.

    Exchanges are of one kind if they have the same set of plugins and handlers, the same URL scheme, and if all or none of
    them are sub-requests of plugins. The table is flat: where pluggy goes through all plugins at each event, an exchange
    finds a tuple of functions here, which contains only those that have something to do, and calls them one by one.

    Computed once, when the table is made:

    - for each event, the implementations of this scheme in their order, with the user's handlers before or after them;
    - for pre_request, a stage for all requests, and one for those in which no precondition holds: None if every
      implementation has preconditions, and those that observe alone if all others have;
    - for on_headers and post_request, a bit for each `statuses=` and each `headers=`, a dict from each status to the bits of
      those that hold for it, and one regular expression that finds a field of any name in `headers=`.

    Looked up for each response head: the bits of its status, and whether the expression finds a field. If it does, the bits
    of the fields that are there are added. The bits are the key to the two stages that follow, `HooksAfterHead`, which are
    made when a key occurs first. A head that comes again on a connection keeps its stages, and is not looked up again.

    So the time hardly grows with the number of plugins. Measured with eight plugins and a small GET: 0.6 us;
    calling each of their 14 implementations takes 1.9 us, and calling them through pluggy 11.

    events: for each event, all its implementations, in order.
    pre_request, pre_request_when_skipping: the stage of that event for all requests, and for those in which no precondition
        holds: of the implementations that only observe. None: nothing to call.
    asked: the implementations of pre_request whose `when` decides for each request that otherwise skips. None: there are none.
    data_received, data_processed: the implementations of the data events.
    interim_stage: the stage of on_headers for interim heads, whatever their status; None: nothing to call.
    hooks_after_other_heads: the stages after heads for which no `statuses=` and no `headers=` holds.
    leaves_fast_path: do all exchanges leave the fast path? They do if there are implementations of the data events, or if
        the argument of this name says so.
    """

    __slots__ = (
        "__weakref__", "_bits", "_bits_of_status", "_fields", "_find_all_fields", "_find_any_field", "_hooks_by_bits",
        "_options", "asked", "data_processed", "data_received", "events", "hooks_after_other_heads", "interim_stage",
        "leaves_fast_path", "pre_request", "pre_request_when_skipping",
    )  # fmt: skip

    def __init__(
        self,
        plugins: Implementations,
        handlers: Implementations,
        scheme: str | None,
        options: Container[str] = (),
        fields: Set[str] = frozenset(),
        *,
        leaves_fast_path: bool = False,
    ) -> None:
        """Make the table.

        plugins, handlers: implementations of plugins and handlers of the user, by event, each in order. The handlers run
            before the plugins on pre_request, and after them on the other events.
        scheme: of the URLs; None: of any scheme. options, fields: those that the client was given.
        """

        def is_for_scheme(implementation: Implementation) -> bool:
            schemes = implementation.conditions.schemes
            return schemes is None or scheme is None or scheme in schemes

        self.events: Implementations = {}
        for event in EVENTS:
            of_plugins = tuple(filter(is_for_scheme, plugins.get(event, ())))
            of_user = handlers.get(event, ())
            self.events[event] = (*of_user, *of_plugins) if event == "pre_request" else (*of_plugins, *of_user)
        self.pre_request = stage_or_none("pre_request", self.events["pre_request"])
        self._options, self._fields = options, fields
        self._decide_skipping()
        for implementation in chain.from_iterable(self.events.values()):
            if implementation.is_switched_off:
                implementation.switch._subscribe(self)  # type: ignore[union-attr]  # there is one
        self.data_received = self.events["data_received"]
        self.data_processed = self.events["data_processed"]
        self.leaves_fast_path = bool(self.data_received or self.data_processed or leaves_fast_path)
        self.interim_stage = stage_or_none("on_headers", [i for i in self.events["on_headers"] if i.wants_interim])
        self._index_conditions([*self.events["on_headers"], *self.events["post_request"]])
        self._hooks_by_bits: dict[int, HooksAfterHead] = {}
        self.hooks_after_other_heads = self._make_hooks(0)

    def stop_skipping(self) -> None:
        """Call the implementations whose switch was turned on, and with one of pre_request all others of that event."""
        self._decide_skipping()
        # in place: heads that connections remember refer to these objects
        for bits, hooks in [(0, self.hooks_after_other_heads), *self._hooks_by_bits.items()]:
            hooks.on_headers, hooks.post_request = self._stages_after_head(bits)

    def _decide_skipping(self) -> None:
        """Find what runs for requests in which no precondition holds: what observes all requests, or everything."""
        every, options, fields = self.events["pre_request"], self._options, self._fields
        self.pre_request_when_skipping, self.asked = self.pre_request, None
        if all(each.conditions.observes or each.is_skippable(options, fields) for each in every):
            self.pre_request_when_skipping = stage_or_none("pre_request", [i for i in every if i.runs_alone])
            self.asked = tuple(i for i in every if i.is_asked(options, fields)) or None

    def is_wanted(self, request: object) -> bool:
        """Ask those that are `asked` whether one has anything to do for a request: then all implementations run.

        Raises: what one of them raises, with a note that names its plugin.
        """
        for implementation in self.asked or ():
            try:
                if implementation.when(request):  # type: ignore[misc]  # it has one
                    return True
            except BaseException as error:
                note_owner(error, implementation)
                raise
        return False

    def _index_conditions(self, implementations: Iterable[Implementation]) -> None:
        """Give each `statuses=` and each `headers=` a bit, and make what finds those that hold for a head."""
        self._bits: dict[frozenset[int] | frozenset[bytes], int] = {}
        self._bits_of_status: dict[int, int] = {}
        names: set[bytes] = set()
        for implementation in implementations:
            conditions = implementation.conditions
            if conditions.statuses is not None:
                bit = self._bits.setdefault(conditions.statuses, 1 << len(self._bits))
                for status in conditions.statuses:
                    self._bits_of_status[status] = self._bits_of_status.get(status, 0) | bit
            if conditions.headers is not None:
                self._bits.setdefault(conditions.headers, 1 << len(self._bits))
                names |= conditions.headers
        alternatives = b"|".join(re.escape(name) for name in sorted(names))
        # no capturing group, and one character before the names: 0.4 us; b"\r\n(...):" takes 1.0
        self._find_any_field: Callable[[bytes], object] | None = (
            re.compile(b"\n(?:" + alternatives + b"):").search if names else None
        )
        self._find_all_fields = re.compile(b"\n(" + alternatives + b"):").findall

    def hooks_after(self, status: int, lowered_head: bytes) -> HooksAfterHead:
        """Return the stages after a head. lowered_head: all its lines, in lower case."""
        bits = self._bits_of_status.get(status, 0)
        if self._find_any_field is not None and self._find_any_field(lowered_head) is not None:
            bits = self._bits_of_head(status, lowered_head)
        if not bits:
            return self.hooks_after_other_heads
        return self._hooks_by_bits.get(bits) or self._hooks_by_bits.setdefault(bits, self._make_hooks(bits))

    def interim_stage_for(self, status: int, lowered_head: bytes) -> Stage | None:
        """Return the stage of on_headers for an interim head. lowered_head: all its lines, in lower case."""
        if self.interim_stage is None:
            return None
        bits = self._bits_of_head(status, lowered_head)
        return stage_or_none(
            "on_headers", [i for i in self.events["on_headers"] if i.wants_interim and self._holds(i, bits)]
        )

    def _bits_of_head(self, status: int, lowered_head: bytes) -> int:
        """Return the bits of all conditions that hold for a head."""
        bits = self._bits_of_status.get(status, 0)
        found = set(self._find_all_fields(lowered_head))
        for condition, bit in self._bits.items():
            if not bits & bit and not found.isdisjoint(condition):
                bits |= bit
        return bits

    def _holds(self, implementation: Implementation, bits: int) -> bool:
        """Do the preconditions of an implementation hold for a head with these bits?"""
        conditions = implementation.conditions
        return not implementation.is_switched_off and all(
            condition is None or bits & self._bits[condition] for condition in (conditions.statuses, conditions.headers)
        )

    def _make_hooks(self, bits: int) -> HooksAfterHead:
        return HooksAfterHead(*self._stages_after_head(bits))

    def _stages_after_head(self, bits: int) -> tuple[Stage | None, Stage | None]:
        """Return the stages of on_headers and of post_request after a head with these bits."""
        on_headers, post_request = (
            stage_or_none(event, [i for i in self.events[event] if self._holds(i, bits)])
            for event in ("on_headers", "post_request")
        )
        return on_headers, post_request


def stage_or_none(event: str, implementations: Sequence[Implementation]) -> Stage | None:
    """Return a stage, or None if there is nothing to call."""
    return Stage(event, implementations) if implementations else None


def with_handlers(stage: Stage | None, event: str, handlers: Sequence[Implementation]) -> Stage | None:
    """Return a stage of a table with the handlers of one call or exchange added.

    On pre_request all handlers of users run before the plugins, on other events after them, those of the client first.
    Implementations that plugins bound to the exchange run after the other plugins.
    """
    if not handlers:
        return stage
    if stage is None:
        if len(handlers) == 1:
            return Stage(event, handlers)
        implementations = list(handlers)
    else:
        implementations = [*stage.wrappers, *stage.implementations, *handlers]
    return Stage(event, sorted(implementations, key=lambda i: (i.plugin is None) != (event == "pre_request")))
