"""The catalogue: products, their prices and their pictures."""
