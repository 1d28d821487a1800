"""Helpers that several folders of tests share: plugins, distributions and environments made for one test."""
