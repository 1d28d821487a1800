"""The arguments of the command line: their parser, the options of plugins, request items, the configuration file."""
