"""The relay: publishes the events of the rows' outboxes on the bus."""
