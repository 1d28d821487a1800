"""`Guard`: where requests may lead. Plain decisions, without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .addresses import forms_of, parse_address, special_block, text_of
from .rule import Rule, Target, parse_rule

MAX_PERMITTED = 1024  # pairs that a Guard remembers


class Denial(NamedTuple):
    """Why something is denied. rule: see `EgressBlocked`. advice: what would permit it, as a clause."""

    rule: str
    advice: str


@dataclass(frozen=True)
class Guard:
    """Where requests may lead: the value of `guard=`. Without parameters, to all addresses of the public internet.

    An entry of the first three is `[scheme://]where[:port]`. where: `*`, a host, `*.host` for the names below it, an IP
    address, or a block of them in CIDR form; an IPv6 address before a port stands in brackets.

    allow: exceptions from the addresses that are denied by default: private, loopback, link-local and other special ones. A
    host stands for all addresses that it has.
    deny: what is denied in any case.
    only: everything else is denied; addresses that are denied by default still need `allow`. None = no such limit.
    unix_sockets: paths of the unix sockets that may be used.
    routes: names of the classes of routes that plugins may set, besides those to a host and through a proxy.
    trust_proxy: True = a proxy looks up names and decides about addresses, since it has a guard of its own. False = names are
    looked up here, and the proxy gets the address; what it would look up itself is denied.

    Raises: TypeError, ValueError.

    Example: docs/guard.md#guard
    """

    allow: Iterable[str] = ()
    deny: Iterable[str] = ()
    only: Iterable[str] | None = None
    unix_sockets: Iterable[str] = ()
    routes: Iterable[str] = ()
    trust_proxy: bool = False
    _allow: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    _deny: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    _only: tuple[Rule, ...] | None = field(init=False, repr=False, compare=False)
    # Origins with the addresses of their connections, since a request on a warm connection asks for the same again.
    _permitted: set[Any] = field(init=False, repr=False, compare=False, default_factory=set)

    def __post_init__(self) -> None:
        for name in ("allow", "deny", "only", "unix_sockets", "routes"):
            value = getattr(self, name)
            if value is not None or name != "only":
                object.__setattr__(self, name, as_texts(name, value))
        if not isinstance(self.trust_proxy, bool):
            raise TypeError(f"trust_proxy= takes True or False, not {type(self.trust_proxy).__name__}")
        object.__setattr__(self, "_allow", parse_rules("allow", self.allow))
        object.__setattr__(self, "_deny", parse_rules("deny", self.deny))
        object.__setattr__(self, "_only", None if self.only is None else parse_rules("only", self.only))

    def find_denial(
        self, scheme: str, host: str, port: int, address: str | None = None, *, is_last: bool = False
    ) -> Denial | None:
        """Return why a target is denied; None if it is not.

        address: the IP address that is connected to, as text; None = not known yet, or with is_last=True never, because a
        proxy looks the host up.

        Example::

            from hookline_guard import Guard

            print(Guard().find_denial("http", "internal.example", 80, "10.0.0.1"))
            print(Guard(allow=["internal.example"]).find_denial("http", "internal.example", 80, "10.0.0.1"))
        """
        host = host.removesuffix(".")
        if address is None:
            address = host if parse_address(host) is not None else None
        if address is None:
            return self._find_denial(Target(scheme, host, port, None), is_last)
        parsed = parse_address(address)
        if parsed is None:
            return Denial("no IP address", "the address of a connection is expected here")
        targets = [Target(scheme, host, port, form) for form in forms_of(parsed)]
        denials = (self._find_denial(target, True, is_carried=target is not targets[0]) for target in targets)
        return next(filter(None, denials), None)

    def _remember(self, permitted: Any) -> None:
        """Remember an origin with the address of a connection, which were permitted."""
        if len(self._permitted) >= MAX_PERMITTED:
            self._permitted.clear()
        self._permitted.add(permitted)

    def _find_denial(self, target: Target, is_last: bool, is_carried: bool = False) -> Denial | None:
        for rule in self._deny:
            if rule.matches(target):
                return Denial(f"deny={rule.text!r}", "")
        if self._only is not None and not is_carried:
            matching = (rule.matches(target) if is_last else rule.may_match(target) for rule in self._only)
            if not any(matching):
                return Denial("only=", f"it lists {', '.join(rule.text for rule in self._only) or 'nothing'}")
        if any(rule.matches(target) for rule in self._allow):
            return None
        if target.address is not None:
            block = special_block(target.address)
            if block is not None:
                where = f"{text_of(target.address)}:{target.port}"
                return Denial(f"{block.text} ({block.name})", f"Guard(allow=[{where!r}]) permits it")
        elif is_last and (target.host == "localhost" or target.host.endswith(".localhost")):  # RFC 6761, section 6.3
            return Denial("localhost (loopback)", f"Guard(allow=['{target.host}:{target.port}']) permits it")
        return None


def as_texts(name: str, value: Any) -> tuple[str, ...]:
    """Return the values of a parameter as a tuple. name: of the parameter, for messages.

    Raises: TypeError, also for a single text, whose characters would be taken for entries.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{name}= takes several texts, as in [{value!r}]")
    found = tuple(value)
    for each in found:
        if not isinstance(each, str):
            raise TypeError(f"{name}= takes texts, not {type(each).__name__}")
    return found


def parse_rules(name: str, texts: Iterable[str]) -> tuple[Rule, ...]:
    """Parse entries. name: of the parameter, for messages.

    Raises: ValueError.
    """
    try:
        return tuple(map(parse_rule, texts))
    except ValueError as error:
        raise ValueError(
            f"{name}= takes entries as '10.0.0.0/8', 'https://*.example.com' or '*:443': {error}"
        ) from None


def as_guard(value: Any) -> Guard | bool | None:
    """Convert the value of `guard=`: a Guard; True = `Guard()`, False = none.

    Raises: TypeError.
    """
    if value is True:
        return Guard()
    if value is False or isinstance(value, Guard):
        return value
    raise TypeError(f"guard= takes a Guard, True or False, not {type(value).__name__}")
