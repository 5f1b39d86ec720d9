"""The contract as documents: schemas of the events, descriptions of the bus and the HTTP API, the choreography."""
