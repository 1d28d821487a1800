"""The outcome of the checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check. problems: what was wrong, in words; none where it passed. note: a figure to print beside it."""

    name: str
    problems: tuple[str, ...] = ()
    note: str = ""

    @property
    def passed(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        first = f"{'ok    ' if self.passed else 'FAILED'}  {self.name}{f': {self.note}' if self.note else ''}"
        return "\n".join([first, *(f"          {line}" for text in self.problems for line in text.splitlines())])


@dataclass(frozen=True)
class Report:
    """All checks of one plugin. cost: microseconds that it adds to a request; None where that could not be measured."""

    plugin: str
    checks: tuple[Check, ...]
    cost: float | None = None

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    def __getitem__(self, name: str) -> Check:
        """Raises: KeyError, for a check that was not made: without a client there are no others."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(
            f"no check {name!r} was made of {self.plugin}; there are {[check.name for check in self.checks]}"
        )

    def __str__(self) -> str:
        count = len(self.failed)
        verdict = "conforms" if self.passed else f"fails {count} of {len(self.checks)} checks"
        return "\n".join([f"{self.plugin} {verdict}", *map(str, self.checks)])
