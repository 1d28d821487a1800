"""What the command line writes: heads, bodies, events, times, files."""
