"""Run the command `hookline` as `python -m hookline_cli`, for when its script is not on the PATH."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
