"""What became of an order, which orders are stuck, and whether the tables agree."""
