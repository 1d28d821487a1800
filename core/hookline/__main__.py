"""`python -m hookline URL`: the command line of core alone."""

import sys

from .cli.console import main

if __name__ == "__main__":
    sys.exit(main())
