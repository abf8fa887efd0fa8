-- Cards that jobs share, windows that are booked, and deadlines.

-- A lease without `promised_bytes` has the card alone; with it, it shares the card and is promised so much of its memory.
ALTER TABLE leases RENAME TO old_leases;
DROP INDEX leases_by_job;
CREATE TABLE leases (
    gpu            TEXT    NOT NULL,
    job            INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    leased_at      REAL    NOT NULL,
    promised_bytes INTEGER CHECK (promised_bytes > 0),
    PRIMARY KEY (gpu, job),
    FOREIGN KEY (job, attempt) REFERENCES attempts (job, number)
) STRICT;
INSERT INTO leases (gpu, job, attempt, leased_at) SELECT gpu, job, attempt, leased_at FROM old_leases;
DROP TABLE old_leases;
CREATE INDEX leases_by_job ON leases (job);
-- No GPU is given twice: whoever has it alone has it alone. The database itself refuses.
CREATE TRIGGER leases_are_exclusive BEFORE INSERT ON leases
WHEN EXISTS (SELECT 1 FROM leases WHERE gpu = NEW.gpu AND (promised_bytes IS NULL OR NEW.promised_bytes IS NULL))
BEGIN SELECT RAISE(ABORT, 'the GPU is leased to another job'); END;

-- When a job must be done; null: whenever.
ALTER TABLE jobs ADD COLUMN deadline_at REAL;

CREATE TABLE bookings (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    owner     TEXT    NOT NULL,
    owner_uid INTEGER NOT NULL,
    starts_at REAL    NOT NULL,
    ends_at   REAL    NOT NULL CHECK (ends_at > starts_at),
    count     INTEGER NOT NULL CHECK (count > 0),
    gpus      TEXT    NOT NULL DEFAULT '[]',      -- the UUIDs of its cards; none while it is waitlisted
    gpu_model TEXT    NOT NULL DEFAULT '',
    pinned    INTEGER NOT NULL DEFAULT 0,         -- a person named the cards
    job       INTEGER REFERENCES jobs (id),       -- the one that it is for; null: whatever its owner runs
    note      TEXT    NOT NULL DEFAULT '',
    made_at   REAL    NOT NULL,
    status    TEXT    NOT NULL,
    state     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(status, '$.state')) STORED
              CHECK (state IN ('waitlisted', 'booked', 'open', 'over')),
    revision  INTEGER NOT NULL
) STRICT;
CREATE INDEX bookings_by_state ON bookings (state);
