"""HTTP/1.1 on one connection: heads, framings and the protocol object. Knows nothing of clients, pools or events."""
