BEGIN TRANSACTION;
CREATE TABLE attempts (
    job    INTEGER NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    record TEXT    NOT NULL,
    ended  INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.outcome') IS NOT NULL) STORED,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES(1,1,'{"number":1,"uuid":"d9bbdb01-dcfe-464f-90a6-3d8a13c650d4","gpus":["SIM-0"],"gpu_model":"Simulated 24 GiB","promised_bytes":null,"started_at":1795292707.737067,"ended_at":1795292707.7611034,"process":{"pid":15439,"start_ticks":2755466,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(2,1,'{"number":1,"uuid":"136bdf55-91e8-4a1d-a4de-b6d32a586b2a","gpus":[],"gpu_model":"","promised_bytes":null,"started_at":1795292707.8867881,"ended_at":1795292707.9232612,"process":{"pid":15445,"start_ticks":2755481,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"failed","cause":"exit_code","explanation":"It ended with exit code 3. Its last words: “no such luck”","exit_code":3,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(3,1,'{"number":1,"uuid":"3f3e4bde-8591-436d-ac6c-1260effcd366","gpus":["SIM-0","SIM-1"],"gpu_model":"Simulated 24 GiB","promised_bytes":null,"started_at":1795292709.0667117,"ended_at":1795292709.3631775,"process":{"pid":15461,"start_ticks":2755599,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{"epochs_done":3,"epochs_total":3,"epoch_s":0.5,"best":{"metrics/mAP50(B)":0.6},"last":{"metrics/mAP50(B)":0.6},"best_epoch":3,"first":{"train/box_loss":1.0}}}');
INSERT INTO "attempts" VALUES(4,1,'{"number":1,"uuid":"34ead6bd-f579-42ed-8009-4a017d44e863","gpus":["SIM-0"],"gpu_model":"Simulated 24 GiB","promised_bytes":8589934592,"started_at":1795292709.8307436,"ended_at":1795292709.8834739,"process":{"pid":15480,"start_ticks":2755675,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{}}');
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
INSERT INTO "audit" VALUES(1,1.79529270522794461243e+09,'anna',0,'submit',1,'{"name": "ok", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(2,1.79529270523721551896e+09,'anna',0,'submit',2,'{"name": "bad", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(3,1.79529270711934137343e+09,'scheduler',0,'lead',NULL,'{"pid": 15368}','');
INSERT INTO "audit" VALUES(4,1.79529270717920684812e+09,'scheduler',0,'start',1,'{"attempt": 1, "gpus": ["SIM-0"], "how": []}','');
INSERT INTO "audit" VALUES(5,1.79529270764038872713e+09,'scheduler',0,'start',2,'{"attempt": 1, "gpus": [], "how": []}','');
INSERT INTO "audit" VALUES(6,1.7952927077646245956e+09,'scheduler',0,'run',1,'{"attempt": 1, "pid": 15439}','');
INSERT INTO "audit" VALUES(7,1.79529270779122614859e+09,'scheduler',0,'end',1,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(8,1.79529270788903856279e+09,'scheduler',0,'run',2,'{"attempt": 1, "pid": 15445}','');
INSERT INTO "audit" VALUES(9,1.7952927079339590072e+09,'scheduler',0,'end',2,'{"attempt": 1, "outcome": "failed", "cause": "exit_code", "why": "It ended with exit code 3. Its last words: “no such luck”", "then": "failed"}','');
INSERT INTO "audit" VALUES(10,1.79529270796676611895e+09,'anna',0,'submit',3,'{"name": "night-n", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(11,1.79529270867316269877e+09,'scheduler',0,'preflight',3,'{"verdict": "errors", "why": ["@HOME@/shapes.yaml does not say where `train` is."]}','');
INSERT INTO "audit" VALUES(12,1.79529270871960401536e+09,'scheduler',0,'start',3,'{"attempt": 1, "gpus": ["SIM-0", "SIM-1"], "how": []}','');
INSERT INTO "audit" VALUES(13,1.79529270907539463043e+09,'scheduler',0,'run',3,'{"attempt": 1, "pid": 15461}','');
INSERT INTO "audit" VALUES(14,1.7952927093882675171e+09,'scheduler',0,'end',3,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(15,1.79529270947082233425e+09,'anna',0,'submit',4,'{"name": "shares", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(16,1.79529270952038979528e+09,'scheduler',0,'start',4,'{"attempt": 1, "gpus": ["SIM-0"], "how": []}','');
INSERT INTO "audit" VALUES(17,1.79529270983947515484e+09,'scheduler',0,'run',4,'{"attempt": 1, "pid": 15480}','');
INSERT INTO "audit" VALUES(18,1.79529270989967799183e+09,'scheduler',0,'end',4,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(19,1.79529270994868183136e+09,'anna',0,'submit',5,'{"name": "deploy", "priority": "P1", "file": null}','');
INSERT INTO "audit" VALUES(20,1.79529270995493292809e+09,'anna',0,'deadline',5,'{"before": null, "after": 1821212705.1709044}','');
INSERT INTO "audit" VALUES(21,1.79529270998455739026e+09,'anna',0,'submit',6,'{"name": "behind", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(22,1.79529271001119589807e+09,'anna',0,'submit',7,'{"name": "gone", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(23,1.79529271002314782146e+09,'anna',0,'cancel',7,'{"was": "waiting", "status": {"state": "waiting", "since": 1795292710.011196, "not_before": null}}','');
INSERT INTO "audit" VALUES(24,1.79529271003959226609e+09,'anna',0,'hold-group',NULL,'{"group": "night", "why": "until Monday"}','until Monday');
INSERT INTO "audit" VALUES(25,1.79529271004463529589e+09,'ben',0,'drain',NULL,'{"gpu": "SIM-1", "was": null, "closes_at": null}','new fan');
INSERT INTO "audit" VALUES(26,1.79529271005813813215e+09,'ben',0,'drain',NULL,'{"gpu": "SIM-0", "was": null, "closes_at": 1821212705.1709044}','new fan');
INSERT INTO "audit" VALUES(27,1.79529271007497239114e+09,'anna',0,'reserve',NULL,'{"booking": 1, "owner": "anna", "owner_uid": 0, "starts_at": 1821205505.1709044, "ends_at": 1821212705.1709044, "gpus": ["SIM-0"], "state": "booked"}','');
INSERT INTO "audit" VALUES(28,1.79529271011392188074e+09,'scheduler',0,'deadline-in-danger',5,'{"deadline_at": 1821212705.1709044, "expected_finish": null, "why": "Job 5 (deploy) is due in 300 d 0 h, and nobody knows when it will be done.", "change": "No other class would save it."}','');
INSERT INTO "audit" VALUES(29,1.79529271012497353555e+09,'scheduler',0,'leave',NULL,'{"why": "asked to leave"}','');
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
INSERT INTO "bookings" VALUES(1,'anna',0,1.82120550517090439793e+09,1.82121270517090439802e+09,1,'["SIM-0"]','',0,NULL,'',1.79529271007497239114e+09,'{"state":"booked","since":1795292710.0749724,"warned_at":null}',35);
CREATE TABLE channels (
    address TEXT    PRIMARY KEY,
    told_to INTEGER NOT NULL              -- the last row of the audit log that was looked at for this address
) STRICT;
INSERT INTO "channels" VALUES('json://127.0.0.1:9',27);
CREATE TABLE dependencies (
    job   INTEGER NOT NULL REFERENCES jobs (id),
    needs INTEGER NOT NULL REFERENCES jobs (id), mode TEXT NOT NULL DEFAULT 'all' CHECK (mode IN ('all', 'any', 'finished', 'failed')),
    PRIMARY KEY (job, needs),
    CHECK (job <> needs)
) STRICT, WITHOUT ROWID;
INSERT INTO "dependencies" VALUES(5,3,'all');
INSERT INTO "dependencies" VALUES(6,5,'all');
INSERT INTO "dependencies" VALUES(7,5,'all');
CREATE TABLE environments (
    digest    TEXT PRIMARY KEY,
    variables TEXT NOT NULL
) STRICT;
INSERT INTO "environments" VALUES('9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a','{"PATH": "/usr/bin:/bin"}');
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
INSERT INTO "forecasts" VALUES(1,1,1795292707.14448,1795292707.14448,1795292707.14448,1795292707.14448,1795293307.14448,600.0,'a guess: nothing like it ran before',1.79529270717920684812e+09,1.79529270776110339165e+09,'succeeded');
INSERT INTO "forecasts" VALUES(2,1,1795292707.14448,1795292707.14448,1795292707.14448,1795292707.14448,1795293307.14448,600.0,'a guess: nothing like it ran before',1.79529270764038872713e+09,1.79529270792326116562e+09,'failed');
INSERT INTO "forecasts" VALUES(3,1,1.79529270802830123905e+09,1.79529270802830123905e+09,1.79529270802830123905e+09,1.79529270802830123905e+09,1.79529630802830123901e+09,3600.0,'a guess: nothing like it ran before',1.79529270871960401536e+09,1.79529270936317753796e+09,'succeeded');
INSERT INTO "forecasts" VALUES(4,1,1.79529270948372340205e+09,1.79529270948372340205e+09,1.79529270948372340205e+09,1.79529270948372340205e+09,1.79529330948372340204e+09,600.0,'a guess: nothing like it ran before',1.79529270952038979528e+09,1.79529270988347387314e+09,'succeeded');
CREATE TABLE gpus (
    uuid       TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('drained', 'quarantined', 'trusted')),
    since      REAL    NOT NULL,
    reason     TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    cause      TEXT    NOT NULL CHECK (cause IN ('person', 'errors', 'ecc', 'lost')),
    ecc_errors INTEGER NOT NULL DEFAULT 0    -- the uncorrected ones that were known then
, closes_at REAL) STRICT;
INSERT INTO "gpus" VALUES('SIM-1','drained',1.79529271004463529589e+09,'new fan','ben','person',0,NULL);
INSERT INTO "gpus" VALUES('SIM-0','drained',1.79529271005813813215e+09,'new fan','ben','person',0,1.82121270517090439802e+09);
CREATE TABLE held_groups (
    name   TEXT PRIMARY KEY,
    since  REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
INSERT INTO "held_groups" VALUES('night',1.79529271003959226609e+09,'until Monday');
CREATE TABLE idling (
    gpu   TEXT NOT NULL,
    since REAL NOT NULL,
    cause TEXT,                -- null: in use again
    job   INTEGER,             -- who would have come next
    why   TEXT NOT NULL,
    PRIMARY KEY (gpu, since)
) STRICT, WITHOUT ROWID;
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
, deadline_at REAL) STRICT;
INSERT INTO "jobs" VALUES(1,'anna',0,'ok','default',2,1.79529270522794461243e+09,'{"name":"ok","kind":"command","command":["sh","-c","echo the server said yes"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"succeeded","since":1795292707.7908015}',0,'@HOME@/runs/000001-ok','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,8,NULL);
INSERT INTO "jobs" VALUES(2,'anna',0,'bad','default',2,1.79529270523721551896e+09,'{"name":"bad","kind":"command","command":["sh","-c","echo no such luck; exit 3"],"gpus":0,"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"failed","since":1795292707.9309077,"cause":"exit_code","reason":"It ended with exit code 3. Its last words: “no such luck”"}',1,'@HOME@/runs/000002-bad','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,11,NULL);
INSERT INTO "jobs" VALUES(3,'anna',0,'night-n','night',2,1.79529270796676611895e+09,'{"name":"night-n","kind":"train","group":"night","model":"yolo11n.yaml","data":"@HOME@/shapes.yaml","arguments":{"epochs":3,"imgsz":64,"seed":0},"gpus":2,"prefer":["0"],"retries":5,"python":"@HOME@/double.py"}','{"state":"succeeded","since":1795292709.3865213}',0,'@HOME@/runs/000003-night-n','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,19,NULL);
INSERT INTO "jobs" VALUES(4,'anna',0,'shares','default',2,1.79529270947082233425e+09,'{"name":"shares","kind":"command","command":["true"],"vram_bytes":8589934592,"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"succeeded","since":1795292709.89889}',0,'@HOME@/runs/000004-shares','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,25,NULL);
INSERT INTO "jobs" VALUES(5,'anna',0,'deploy','default',1,1.79529270994868183136e+09,'{"name":"deploy","kind":"command","command":["sh","-c","echo deployed"],"gpus":0,"after":["night-n"],"when":[{"job":"night-n","metric":"metrics/mAP50(B)","comparison":">=","threshold":0.5}],"cwd":"@HOME@"}','{"state":"held","since":1795292709.9486818,"reason":"held at submit"}',0,'@HOME@/runs/000005-deploy','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,28,1.82121270517090439802e+09);
INSERT INTO "jobs" VALUES(6,'anna',0,'behind','night',2,1.79529270998455739026e+09,'{"name":"behind","kind":"command","group":"night","command":["true"],"gpus":0,"after":["5"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"waiting","since":1795292709.9845574,"not_before":null}',0,'@HOME@/runs/000006-behind','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,29,NULL);
INSERT INTO "jobs" VALUES(7,'anna',0,'gone','default',2,1.79529271001119589807e+09,'{"name":"gone","kind":"command","command":["true"],"gpus":0,"after":["5"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"cancelled","since":1795292710.0231478,"by":"anna"}',0,'@HOME@/runs/000007-gone','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,31,NULL);
CREATE TABLE leader (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id     TEXT    NOT NULL,
    since       REAL    NOT NULL
) STRICT;
CREATE TABLE leases (
    gpu            TEXT    NOT NULL,
    job            INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    leased_at      REAL    NOT NULL,
    promised_bytes INTEGER CHECK (promised_bytes > 0),
    PRIMARY KEY (gpu, job),
    FOREIGN KEY (job, attempt) REFERENCES attempts (job, number)
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
INSERT INTO "outbox" VALUES(27,'json://127.0.0.1:9','failed','error','bad failed','no such luck',1.79529271007497239114e+09,1.82121270517090439802e+09,'waiting',0,0,NULL,'');
CREATE TABLE preflights (
    job     INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked   TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
INSERT INTO "preflights" VALUES(3,'8c4d2df8fad2a86098c8e6077359ab92','{"at":1795292708.6436424,"took_s":0.0008278750028694049,"remarks":[{"rule":"data","severity":"error","text":"@HOME@/shapes.yaml does not say where `train` is.","advice":"Write `train: images/train`."}],"data":null,"basis":{}}');
CREATE TABLE published (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    at       REAL    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;
INSERT INTO "published" VALUES(1,26,1795292709.89889,'{"revision":26,"at":1795292709.89889,"leader_pid":15368,"host":{"at":1795292709.3587382,"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776}],"cpu_percent":100.0,"memory_total_bytes":25276502016,"memory_available_bytes":22524112896},"world":{"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776}],"demands":[],"side_slots":2,"bookings":[],"quotas":[],"previous":null,"calibration":{}},"timetable":{"made_at":1795292709.9142246,"entries":[],"skips":[],"order":[],"resting":[],"evictions":[],"bindings":[],"hindrances":[]}}');
CREATE TABLE queue (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    machine    TEXT    NOT NULL,              -- the machine that this queue lives on
    created_at REAL    NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0     -- counts the transactions that changed anything
) STRICT;
INSERT INTO "queue" VALUES(1,'@MACHINE@',1.79529270518696451187e+09,39);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE UNIQUE INDEX jobs_by_file ON jobs (file, group_name, name, round) WHERE file IS NOT NULL;
CREATE INDEX dependencies_by_need ON dependencies (needs);
CREATE INDEX audit_by_job ON audit (job);
CREATE INDEX audit_of_releases ON audit (at) WHERE verb = 'release-group';
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
CREATE INDEX forecasts_by_start ON forecasts (started_at);
CREATE INDEX leases_by_job ON leases (job);
CREATE TRIGGER leases_are_exclusive BEFORE INSERT ON leases
WHEN EXISTS (SELECT 1 FROM leases WHERE gpu = NEW.gpu AND (promised_bytes IS NULL OR NEW.promised_bytes IS NULL))
BEGIN SELECT RAISE(ABORT, 'the GPU is leased to another job'); END;
CREATE INDEX bookings_by_state ON bookings (state);
CREATE INDEX outbox_to_send ON outbox (address, due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_sent ON outbox (address, sent_at) WHERE state = 'sent';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',7);
INSERT INTO "sqlite_sequence" VALUES('audit',29);
INSERT INTO "sqlite_sequence" VALUES('bookings',1);
COMMIT;
PRAGMA user_version = 8;
