"""`python -m hookline`: run the command line that an installed distribution has. Core has none.

A distribution offers its command line as an entry point of the group `hookline.main`: a function without arguments that
reads `sys.argv` and returns the exit status.
"""

import sys

from .plugins.distributions import entry_points

GROUP = "hookline.main"
NOT_INSTALLED = """\
hookline: no command line is installed
To install it: pip install hookline-cli
"""
WRONG_USE = 2  # exit status


def main() -> int:
    """Run the command line, and return its exit status. If several are installed, the first distribution by name counts.

    If none is installed, write to standard error how to install it, and return 2.
    """
    points = sorted(entry_points(GROUP), key=lambda point: point.distribution)
    if not points:
        sys.stderr.write(NOT_INSTALLED)
        return WRONG_USE
    status: int = points[0].load()()
    return status


if __name__ == "__main__":
    sys.exit(main())
