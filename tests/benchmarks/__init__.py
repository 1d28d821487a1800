"""Client CPU per request: Hookline beside aiohttp and beside the least that a client can do."""
