"""Orders: checkout writes an order, and the answers of the others move it to its end."""
