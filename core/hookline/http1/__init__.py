"""HTTP/1.1 on one connection. The only place that imports httptools."""
