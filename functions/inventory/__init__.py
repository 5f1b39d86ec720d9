"""Inventory: stock is received, reserved, sold and given back; overselling is impossible."""
