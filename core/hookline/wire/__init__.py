"""What the connections of all protocols have in common."""
