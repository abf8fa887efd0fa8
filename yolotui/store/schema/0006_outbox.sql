-- What is to be told to whom. It is derived from the audit log, by a cursor for each address.

CREATE TABLE channels (
    address TEXT    PRIMARY KEY,
    told_to INTEGER NOT NULL              -- the last row of the audit log that was looked at for this address
) STRICT;

CREATE TABLE outbox (
    audit    INTEGER NOT NULL REFERENCES audit (id),
    address  TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    severity TEXT    NOT NULL,
    title    TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    made_at  REAL    NOT NULL,
    due_at   REAL    NOT NULL,            -- not before: quiet hours, a digest, a retry
    state    TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'given_up')),
    tries    INTEGER NOT NULL DEFAULT 0,
    doubtful INTEGER NOT NULL DEFAULT 0,  -- a sender died while it sent this: it may have arrived
    sent_at  REAL,
    trouble  TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (audit, address)          -- nothing is told twice
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_to_send ON outbox (address, due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_sent ON outbox (address, sent_at) WHERE state = 'sent';
