"""Settings that are compared by their values and cannot be changed, such as those of TLS: they are part of the keys of pools."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self


class Settings:
    """Base class. A subclass sets its values in `__init__`, with `vars(self).update(...)`, by the names of the parameters.

    It is no dataclass, because importing these and making two of them takes 3 ms, a tenth of `import hookline`.
    """

    _apart: ClassVar[frozenset[str]] = frozenset()  # the values that do not count when two are compared
    _hidden: ClassVar[frozenset[str]] = frozenset()  # those that `repr` leaves out, since they may be secrets

    def _key(self) -> tuple[Any, ...]:
        apart = self._apart
        return tuple([value for name, value in self.__dict__.items() if name not in apart])

    def __eq__(self, other: object) -> bool:
        return (
            self._key() == other._key() if isinstance(other, Settings) and type(other) is type(self) else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        hidden = self._apart | self._hidden
        values = (f"{name}={value!r}" for name, value in self.__dict__.items() if name not in hidden)
        return f"{type(self).__name__}({', '.join(values)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"cannot set {name!r}: a {type(self).__name__} does not change; replace() returns another one"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete {name!r}: a {type(self).__name__} does not change")

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values. changes: by the names of the parameters of the class.

        Raises: TypeError, for an unknown name; what the class raises for a wrong value.
        """
        return type(self)(**{**self.__dict__, **changes})
