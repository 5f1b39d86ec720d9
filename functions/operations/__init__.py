"""Operations: what failed and why, replaying it, an order's time-line, and whether the tables agree."""
