"""`python -m hookline URL`: the command line of core, without the plugin `cli`."""

import sys

from .cli.console import main

if __name__ == "__main__":
    sys.exit(main())
