-- What was foreseen of each start, against what came true: intervals are calibrated on it, reports show it.
CREATE TABLE forecasts (
    job        INTEGER NOT NULL REFERENCES jobs (id),
    attempt    INTEGER NOT NULL,
    made_at    REAL    NOT NULL,             -- when this start was first planned
    start_at   REAL    NOT NULL,             -- what was foreseen then: four starts out of five lie between low and high
    low_at     REAL    NOT NULL,
    high_at    REAL    NOT NULL,
    finish_at  REAL    NOT NULL,
    estimate_s REAL    NOT NULL,             -- at the start: how long it would take, and from where that was known
    source     TEXT    NOT NULL,
    started_at REAL    NOT NULL,             -- what came true
    ended_at   REAL,
    outcome    TEXT,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX forecasts_by_start ON forecasts (started_at);

-- What people and the leader have said about GPUs. Most GPUs have no row.
CREATE TABLE gpus (
    uuid       TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('drained', 'quarantined', 'trusted')),
    since      REAL    NOT NULL,
    reason     TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    cause      TEXT    NOT NULL CHECK (cause IN ('person', 'errors', 'ecc', 'lost')),
    ecc_errors INTEGER NOT NULL DEFAULT 0    -- the uncorrected ones that were known then
) STRICT;
