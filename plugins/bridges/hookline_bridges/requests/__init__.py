"""requests over Hookline."""

from .adapter import HooklineAdapter

__all__ = ["HooklineAdapter"]
