"""The shopper's cart: what they want, at the prices they accepted."""
