"""What the tests share: invocations, fakes behind the ports, and a shop on the emulator."""
