-- Why cards were idle, as the planner saw it at the time: a row when that changes, without a cause when the card is in use
-- again.
CREATE TABLE idling (
    gpu   TEXT NOT NULL,
    since REAL NOT NULL,
    cause TEXT,                -- null: in use again
    job   INTEGER,             -- who would have come next
    why   TEXT NOT NULL,
    PRIMARY KEY (gpu, since)
) STRICT, WITHOUT ROWID;
