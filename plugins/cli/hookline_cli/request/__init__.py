"""One request from the command line: what is sent, how it is sent, and where its response goes."""
