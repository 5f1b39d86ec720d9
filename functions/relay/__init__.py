"""The relay: hands the events in the rows' outboxes to the bus."""
