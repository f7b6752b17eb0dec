"""Watching over: what is wrong just now, and why, from samples, facts of jobs and the time. No clock, no I/O."""
