"""Operations: what failed and why, replaying it, an order's story, and whether the books are right."""
