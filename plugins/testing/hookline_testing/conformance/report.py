"""The results of the checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """The result of one check. problems: in words, empty if it passed. note: a figure to print beside it.

    Example::

        from hookline_testing.conformance import Check

        print(Check("tasks", ("a task is left running",)))
    """

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
    """The results of all checks of one plugin.

    cost: how many times as long a small request takes as with core alone, in CPU time; None = not measured.

    Example::

        from hookline_testing.conformance import Check, Report

        report = Report("mine", (Check("alone"), Check("tasks", ("a task is left running",))))
        print(report.passed, [check.name for check in report.failed])
    """

    plugin: str
    checks: tuple[Check, ...]
    cost: float | None = None

    @property
    def passed(self) -> bool:
        """True if all checks passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def __getitem__(self, name: str) -> Check:
        """Return the result of a check.

        Raises: KeyError, for an unknown check, and for one that did not run, since no client could be made.
        """
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no check {name!r} was run for {self.plugin}, only {[check.name for check in self.checks]}")

    def __str__(self) -> str:
        count = len(self.failed)
        result = "conforms" if self.passed else f"fails {count} of {len(self.checks)} checks"
        return "\n".join([f"{self.plugin} {result}", *map(str, self.checks)])
