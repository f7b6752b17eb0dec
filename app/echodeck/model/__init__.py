"""The pure part: records, the job's transition table, the board, the estimate. No I/O, no clock, no third party."""
