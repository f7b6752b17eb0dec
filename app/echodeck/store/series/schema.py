"""The tables of the series' file, and the statements on them.

What just came is in `tail`: a row a moment of a host, with all its figures in one BLOB, so that a commit touches one
page and not one a figure. Upkeep makes `blocks` of it, one a figure and span of time (see `blocks.py`), and of these
those of the next resolution. A series' frontier is up to where its blocks of that level are made; what is later is
found a level finer. The host's moments are the series whose metric is "".
"""

from __future__ import annotations

MIGRATIONS: list[tuple[str, ...]] = [
    (
        """CREATE TABLE series (
            id INTEGER PRIMARY KEY, host TEXT NOT NULL, metric TEXT NOT NULL, place INTEGER NOT NULL,
            UNIQUE (host, metric))""",
        """CREATE TABLE tail (
            moments INTEGER, at_ms INTEGER, body BLOB NOT NULL, PRIMARY KEY (moments, at_ms)) WITHOUT ROWID""",
        # Rowids: a table without them keeps no more than a quarter of a page of a row in its place.
        "CREATE TABLE blocks (series INTEGER NOT NULL, level INTEGER NOT NULL, start_s INTEGER NOT NULL, "
        "body BLOB NOT NULL)",
        "CREATE UNIQUE INDEX blocks_of ON blocks (series, level, start_s)",
        "CREATE INDEX blocks_at ON blocks (level, start_s)",
        """CREATE TABLE frontiers (
            series INTEGER, level INTEGER, until_s INTEGER NOT NULL, PRIMARY KEY (series, level)) WITHOUT ROWID""",
        "CREATE INDEX frontiers_until ON frontiers (level, until_s)",
    ),
]

SERIES_OF = "SELECT metric, id, place FROM series WHERE host = ?"
SERIES_BY_ID = "SELECT host, metric FROM series WHERE id = ?"
NAMES = "SELECT host, metric FROM series WHERE metric != '' ORDER BY host, metric"
INSERT_SERIES = "INSERT INTO series (host, metric, place) VALUES (?, ?, ?)"
INSERT_TAIL = "INSERT INTO tail (moments, at_ms, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
TAIL = "SELECT at_ms, body FROM tail WHERE moments = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms"
TAIL_FIRST = "SELECT min(at_ms) FROM tail WHERE moments = ?"
COUNT_TAIL = "SELECT count(*) FROM tail WHERE moments = ? AND at_ms < ?"
DELETE_TAIL = "DELETE FROM tail WHERE moments = ? AND at_ms < ?"
INSERT_BLOCK = "INSERT INTO blocks (series, level, start_s, body) VALUES (?, ?, ?, ?)"
BLOCKS = ("SELECT start_s, body FROM blocks WHERE series = ? AND level = ? AND start_s >= ? AND start_s < ? "
          "ORDER BY start_s")
# A figure's samples with the moments they were taken at.
BLOCKS_OF_SAMPLES = (
    "SELECT one.start_s, one.body, moments.body FROM blocks one JOIN blocks moments "
    "ON moments.series = ? AND moments.level = 0 AND moments.start_s = one.start_s "
    "WHERE one.series = ? AND one.level = 0 AND one.start_s >= ? AND one.start_s < ? ORDER BY one.start_s"
)
BLOCK_FIRST = "SELECT min(start_s) FROM blocks WHERE series = ? AND level = ? AND start_s >= ?"
FRONTIER = "SELECT until_s FROM frontiers WHERE series = ? AND level = ?"
SET_FRONTIER = ("INSERT INTO frontiers (series, level, until_s) VALUES (?, ?, ?) "
                "ON CONFLICT (series, level) DO UPDATE SET until_s = excluded.until_s")
BEHIND = ("SELECT series, frontiers.until_s, host, metric FROM frontiers JOIN series ON series.id = frontiers.series "
          "WHERE level = ? AND frontiers.until_s < ? ORDER BY frontiers.until_s LIMIT 1")
OLD_BLOCKS = "SELECT rowid, series FROM blocks WHERE level = ? AND start_s <= ? ORDER BY start_s LIMIT ?"
DELETE_BLOCK = "DELETE FROM blocks WHERE rowid = ?"
FORGET_SERIES = ("DELETE FROM series WHERE id = ?", "DELETE FROM frontiers WHERE series = ?")
FOLD = "PRAGMA wal_checkpoint(PASSIVE)"
HAS_BLOCKS = "SELECT 1 FROM blocks WHERE series = ? LIMIT 1"
