"""Values: URLs, fields, bodies, timeouts. No connection, no plugin."""
