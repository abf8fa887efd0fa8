-- What a job asks of one that it comes after: that it succeeds ("all" of these, or "any" one), that it has ended, that it
-- has failed.
ALTER TABLE dependencies ADD COLUMN mode TEXT NOT NULL DEFAULT 'all' CHECK (mode IN ('all', 'any', 'finished', 'failed'));
