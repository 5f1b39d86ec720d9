"""The catalogue: what is for sale, at what price, and how it looks."""
