"""`hookline demo`: a tour of what a client and its plugins do, with a built-in server."""
