"""`python -m hookline_cli`: the command `hookline` where its script is not on the PATH."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
