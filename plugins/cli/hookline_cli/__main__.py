"""Run the command `hookline` as `python -m hookline_cli`, for when its script is not on the PATH."""

from . import program

if __name__ == "__main__":
    program()
