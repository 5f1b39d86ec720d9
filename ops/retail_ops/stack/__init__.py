"""A deployed shop, on AWS or on this machine: its resources, its contents, and operations on it."""
