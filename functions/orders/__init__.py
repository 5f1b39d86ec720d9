"""Orders: checkout writes an order, and the events of the other services move it to its end."""
