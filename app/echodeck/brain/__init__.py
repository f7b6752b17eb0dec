"""Pure decisions: a board, records and the time in, decisions with their reasons out."""
