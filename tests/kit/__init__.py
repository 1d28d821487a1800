"""What tests of plugins share: throw-away plugins, and throw-away distributions that bring them."""
