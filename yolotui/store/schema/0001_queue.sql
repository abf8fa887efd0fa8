-- The queue. Times are UTC seconds. A job's and an attempt's variant states are JSON with their tag as a generated column,
-- so that what is written is always one whole state, and what is asked for is an indexed word.

CREATE TABLE queue (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    machine    TEXT    NOT NULL,              -- the machine that this queue lives on
    created_at REAL    NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0     -- counts the transactions that changed anything
) STRICT;

-- The variables that jobs were submitted with: many jobs share one set.
CREATE TABLE environments (
    digest    TEXT PRIMARY KEY,
    variables TEXT NOT NULL
) STRICT;

CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,   -- an id is never given twice
    owner        TEXT    NOT NULL,
    owner_uid    INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    group_name   TEXT    NOT NULL,
    priority     INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    submitted_at REAL    NOT NULL,
    spec         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    state        TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(status, '$.state')) STORED
                 CHECK (state IN ('held', 'waiting', 'starting', 'running', 'pausing', 'paused', 'stopping',
                                  'succeeded', 'failed', 'cancelled', 'skipped', 'unknown')),
    failures     INTEGER NOT NULL DEFAULT 0,
    run_dir      TEXT    NOT NULL,
    environment  TEXT    NOT NULL REFERENCES environments (digest),
    file         TEXT,                                 -- the file of jobs that it came from
    file_digest  TEXT,                                 -- of its content there, to see that it was changed
    round        INTEGER NOT NULL DEFAULT 1,
    revision     INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_name ON jobs (name);
-- A job of a file is known by file, group, name and round: taking the file twice adds nothing twice.
CREATE UNIQUE INDEX jobs_by_file ON jobs (file, group_name, name, round) WHERE file IS NOT NULL;

CREATE TABLE dependencies (
    job   INTEGER NOT NULL REFERENCES jobs (id),
    needs INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs),
    CHECK (job <> needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_by_need ON dependencies (needs);

CREATE TABLE attempts (
    job    INTEGER NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    record TEXT    NOT NULL,
    ended  INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.outcome') IS NOT NULL) STORED,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- No GPU is booked twice: the database itself refuses.
CREATE TABLE leases (
    gpu       TEXT    NOT NULL PRIMARY KEY,
    job       INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    leased_at REAL    NOT NULL,
    FOREIGN KEY (job, attempt) REFERENCES attempts (job, number)
) STRICT;
CREATE INDEX leases_by_job ON leases (job);

CREATE TABLE held_groups (
    name   TEXT PRIMARY KEY,
    since  REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- What the leader last decided: one row.
CREATE TABLE published (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    at       REAL    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;

CREATE TABLE leader (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id     TEXT    NOT NULL,
    since       REAL    NOT NULL
) STRICT;

-- Who did what, when and why. Never rewritten.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     REAL    NOT NULL,
    actor  TEXT    NOT NULL,
    uid    INTEGER NOT NULL,
    verb   TEXT    NOT NULL,
    job    INTEGER,
    detail TEXT    NOT NULL DEFAULT '{}',
    reason TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_by_job ON audit (job);
CREATE INDEX audit_of_releases ON audit (at) WHERE verb = 'release-group';
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
