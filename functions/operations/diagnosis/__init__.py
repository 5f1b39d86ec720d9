"""An order's time-line, and the stuck orders."""
