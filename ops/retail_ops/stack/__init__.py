"""A deployed shop, on AWS or on this machine: what it is made of, what is in it, and what operators do with it."""
