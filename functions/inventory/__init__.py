"""Inventory: stock is received, reserved, sold and released. Overselling is impossible."""
