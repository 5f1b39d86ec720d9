"""The shop on this machine: the emulator and its guard, the storefront's server, and containers."""
