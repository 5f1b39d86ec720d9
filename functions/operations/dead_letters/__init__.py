"""Dead letters, and their causes."""
