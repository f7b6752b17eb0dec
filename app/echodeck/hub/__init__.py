"""The hub: the only writer. Commands and reports come in, become durable events, and everybody is shown the outcome."""
