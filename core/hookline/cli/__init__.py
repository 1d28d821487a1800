"""One exchange from a command line: `python -m hookline URL`."""
