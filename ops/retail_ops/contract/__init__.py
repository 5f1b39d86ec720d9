"""The contract as generated documents: schemas of events, descriptions of bus and HTTP API, and the choreography."""
