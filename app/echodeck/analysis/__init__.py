"""What the history says: rows to tidy DataFrames (`frames`), figures from them (`stats`), one file for people
(`report`)."""
