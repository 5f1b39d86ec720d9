"""The synchronous design, to compare with: a template of its own, deployed into the same emulator."""
