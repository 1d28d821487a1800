"""Real servers on loopback that the tests talk to; independent of hookline."""
