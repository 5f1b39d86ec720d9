"""The `cloudretail` command: the shop on one laptop for developers, and its tools for operators."""
