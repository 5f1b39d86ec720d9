"""What the shop costs in time, measured on this machine: `make bench`."""
