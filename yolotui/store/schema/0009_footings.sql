-- What each training rested on when it was submitted, or when the run was started that it repeats: what has changed until
-- its start is said. What can be told only by a check comes in with the first one.
CREATE TABLE footings (
    job   INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked TEXT NOT NULL,      -- stands for what the job asked for then
    basis TEXT NOT NULL,
    since TEXT NOT NULL       -- what was done then, as the end of a sentence: "it was submitted"
) STRICT;
