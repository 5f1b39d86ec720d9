"""Operations: failures and their causes, replays, an order's time-line, and the comparison of the tables."""
