-- What the check before the start of a training has found. `asked` stands for what the job asked for when it was checked.
CREATE TABLE preflights (
    job     INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked   TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
