BEGIN TRANSACTION;
CREATE TABLE attempts (
    job    INTEGER NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    record TEXT    NOT NULL,
    ended  INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.outcome') IS NOT NULL) STORED,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES(1,1,'{"number":1,"uuid":"a9aa66f3-6c61-4a05-bbc3-2a0d8e899ee2","gpus":["SIM-0"],"gpu_model":"Simulated 24 GiB","promised_bytes":null,"started_at":1795293365.1228437,"ended_at":1795293365.161673,"process":{"pid":1537,"start_ticks":2821204,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(2,1,'{"number":1,"uuid":"17064839-a1c7-4cd1-9e3a-c5e6ecca1db1","gpus":[],"gpu_model":"","promised_bytes":null,"started_at":1795293365.1238275,"ended_at":1795293365.1476367,"process":null,"outcome":"failed","cause":"exit_code","explanation":"It ended with exit code 3. Its last words: “no such luck”","exit_code":3,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(3,1,'{"number":1,"uuid":"157ab098-78d6-4843-9a49-09a91f4f5941","gpus":["SIM-0","SIM-1"],"gpu_model":"Simulated 24 GiB","promised_bytes":null,"started_at":1795293366.5518148,"ended_at":1795293366.7696207,"process":{"pid":1587,"start_ticks":2821347,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{"epochs_done":3,"epochs_total":3,"epoch_s":0.5,"best":{"metrics/mAP50(B)":0.6},"last":{"metrics/mAP50(B)":0.6},"best_epoch":3,"first":{"train/box_loss":1.0}}}');
INSERT INTO "attempts" VALUES(4,1,'{"number":1,"uuid":"82695b07-8b9d-4e5d-bc74-e3ef64fa190e","gpus":["SIM-0"],"gpu_model":"Simulated 24 GiB","promised_bytes":8589934592,"started_at":1795293367.1520777,"ended_at":1795293367.2080648,"process":{"pid":1601,"start_ticks":2821407,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{}}');
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
INSERT INTO "audit" VALUES(1,1.79529336200372719766e+09,'anna',0,'submit',1,'{"name": "ok", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(2,1.79529336203495097157e+09,'anna',0,'submit',2,'{"name": "bad", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(3,1.79529336468050193789e+09,'scheduler',0,'lead',NULL,'{"pid": 1485}','');
INSERT INTO "audit" VALUES(4,1.79529336485945773121e+09,'scheduler',0,'start',1,'{"attempt": 1, "gpus": ["SIM-0"], "how": []}','');
INSERT INTO "audit" VALUES(5,1.7952933649301593303e+09,'scheduler',0,'start',2,'{"attempt": 1, "gpus": [], "how": []}','');
INSERT INTO "audit" VALUES(6,1795293365.14556,'scheduler',0,'run',1,'{"attempt": 1, "pid": 1537}','');
INSERT INTO "audit" VALUES(7,1.79529336519764566417e+09,'scheduler',0,'end',2,'{"attempt": 1, "outcome": "failed", "cause": "exit_code", "why": "It ended with exit code 3. Its last words: “no such luck”", "then": "failed"}','');
INSERT INTO "audit" VALUES(8,1.79529336528839635845e+09,'scheduler',0,'end',1,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(9,1.79529336534388089178e+09,'anna',0,'submit',3,'{"name": "night-n", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(10,1.7952933662431464195e+09,'scheduler',0,'preflight',3,'{"verdict": "errors", "why": ["@HOME@/shapes.yaml does not say where `train` is."]}','');
INSERT INTO "audit" VALUES(11,1795293366.27557,'scheduler',0,'start',3,'{"attempt": 1, "gpus": ["SIM-0", "SIM-1"], "how": []}','');
INSERT INTO "audit" VALUES(12,1.79529336657852768904e+09,'scheduler',0,'run',3,'{"attempt": 1, "pid": 1587}','');
INSERT INTO "audit" VALUES(13,1.79529336682163667684e+09,'scheduler',0,'end',3,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(14,1.79529336687479829787e+09,'anna',0,'submit',4,'{"name": "shares", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(15,1.79529336691485023498e+09,'scheduler',0,'start',4,'{"attempt": 1, "gpus": ["SIM-0"], "how": []}','');
INSERT INTO "audit" VALUES(16,1.79529336716668605801e+09,'scheduler',0,'run',4,'{"attempt": 1, "pid": 1601}','');
INSERT INTO "audit" VALUES(17,1.7952933672754130363e+09,'scheduler',0,'end',4,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(18,1.79529336731147766111e+09,'anna',0,'submit',5,'{"name": "deploy", "priority": "P1", "file": null}','');
INSERT INTO "audit" VALUES(19,1.79529336734419679645e+09,'anna',0,'deadline',5,'{"before": null, "after": 1821213361.3715184}','');
INSERT INTO "audit" VALUES(20,1.79529336735812926296e+09,'anna',0,'submit',6,'{"name": "behind", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(21,1.79529336736333823207e+09,'anna',0,'submit',7,'{"name": "gone", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(22,1.79529336738586354259e+09,'anna',0,'cancel',7,'{"was": "waiting", "status": {"state": "waiting", "since": 1795293367.3633382, "not_before": null}}','');
INSERT INTO "audit" VALUES(23,1.79529336741613078113e+09,'anna',0,'hold-group',NULL,'{"group": "night", "why": "until Monday"}','until Monday');
INSERT INTO "audit" VALUES(24,1.79529336743638205523e+09,'ben',0,'drain',NULL,'{"gpu": "SIM-1", "was": null, "closes_at": null}','new fan');
INSERT INTO "audit" VALUES(25,1.79529336747489047052e+09,'ben',0,'drain',NULL,'{"gpu": "SIM-0", "was": null, "closes_at": 1821213361.3715184}','new fan');
INSERT INTO "audit" VALUES(26,1.79529336748206162451e+09,'anna',0,'reserve',NULL,'{"booking": 1, "owner": "anna", "owner_uid": 0, "starts_at": 1821206161.3715184, "ends_at": 1821213361.3715184, "gpus": ["SIM-0"], "state": "booked"}','');
INSERT INTO "audit" VALUES(27,1.7952933676868231297e+09,'scheduler',0,'leave',NULL,'{"why": "asked to leave"}','');
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
INSERT INTO "bookings" VALUES(1,'anna',0,1.82120616137151837346e+09,1.82121336137151837346e+09,1,'["SIM-0"]','',0,NULL,'',1.79529336748206162451e+09,'{"state":"booked","since":1795293367.4820616,"warned_at":null}',32);
CREATE TABLE channels (
    address TEXT    PRIMARY KEY,
    told_to INTEGER NOT NULL              -- the last row of the audit log that was looked at for this address
) STRICT;
INSERT INTO "channels" VALUES('json://127.0.0.1:9',26);
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
CREATE TABLE footings (
    job   INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked TEXT NOT NULL,      -- stands for what the job asked for then
    basis TEXT NOT NULL,
    since TEXT NOT NULL       -- what was done then, as the end of a sentence: "it was submitted"
) STRICT;
INSERT INTO "footings" VALUES(3,'78fcb89053674bd11f419edc086150e8','{"data.yaml": "16 bytes of 1795293365343750382"}','it was checked first');
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
INSERT INTO "forecasts" VALUES(1,1,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529396479213619228e+09,600.0,'a guess: nothing like it ran before',1.79529336485945773121e+09,1.79529336516167306895e+09,'succeeded');
INSERT INTO "forecasts" VALUES(2,1,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529336479213619225e+09,1.79529396479213619228e+09,600.0,'a guess: nothing like it ran before',1.7952933649301593303e+09,1.79529336514763665196e+09,'failed');
INSERT INTO "forecasts" VALUES(3,1,1.79529336537203145027e+09,1.79529336537203145027e+09,1.79529336537203145027e+09,1.79529336537203145027e+09,1.79529696537203145023e+09,3600.0,'a guess: nothing like it ran before',1795293366.27557,1.79529336676962065696e+09,'succeeded');
INSERT INTO "forecasts" VALUES(4,1,1.79529336688358139993e+09,1.79529336688358139993e+09,1.79529336688358139993e+09,1.79529336688358139993e+09,1.79529396688358139997e+09,600.0,'a guess: nothing like it ran before',1.79529336691485023498e+09,1.79529336720806479451e+09,'succeeded');
CREATE TABLE gpus (
    uuid       TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('drained', 'quarantined', 'trusted')),
    since      REAL    NOT NULL,
    reason     TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    cause      TEXT    NOT NULL CHECK (cause IN ('person', 'errors', 'ecc', 'lost')),
    ecc_errors INTEGER NOT NULL DEFAULT 0    -- the uncorrected ones that were known then
, closes_at REAL) STRICT;
INSERT INTO "gpus" VALUES('SIM-1','drained',1.79529336743638205523e+09,'new fan','ben','person',0,NULL);
INSERT INTO "gpus" VALUES('SIM-0','drained',1.79529336747489047052e+09,'new fan','ben','person',0,1.82121336137151837346e+09);
CREATE TABLE held_groups (
    name   TEXT PRIMARY KEY,
    since  REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
INSERT INTO "held_groups" VALUES('night',1.79529336741613078113e+09,'until Monday');
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
INSERT INTO "jobs" VALUES(1,'anna',0,'ok','default',2,1.79529336200372719766e+09,'{"name":"ok","kind":"command","command":["sh","-c","echo the server said yes"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"succeeded","since":1795293365.2879167}',0,'@HOME@/runs/000001-ok','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,10,NULL);
INSERT INTO "jobs" VALUES(2,'anna',0,'bad','default',2,1.79529336203495097157e+09,'{"name":"bad","kind":"command","command":["sh","-c","echo no such luck; exit 3"],"gpus":0,"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"failed","since":1795293365.1314912,"cause":"exit_code","reason":"It ended with exit code 3. Its last words: “no such luck”"}',1,'@HOME@/runs/000002-bad','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,8,NULL);
INSERT INTO "jobs" VALUES(3,'anna',0,'night-n','night',2,1.79529336534388089178e+09,'{"name":"night-n","kind":"train","group":"night","model":"yolo11n.yaml","data":"@HOME@/shapes.yaml","arguments":{"epochs":3,"imgsz":64,"seed":0},"gpus":2,"prefer":["0"],"retries":5,"python":"@HOME@/double.py"}','{"state":"succeeded","since":1795293366.8198154}',0,'@HOME@/runs/000003-night-n','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,17,NULL);
INSERT INTO "jobs" VALUES(4,'anna',0,'shares','default',2,1.79529336687479829787e+09,'{"name":"shares","kind":"command","command":["true"],"vram_bytes":8589934592,"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"succeeded","since":1795293367.2748115}',0,'@HOME@/runs/000004-shares','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,23,NULL);
INSERT INTO "jobs" VALUES(5,'anna',0,'deploy','default',1,1.79529336731147766111e+09,'{"name":"deploy","kind":"command","command":["sh","-c","echo deployed"],"gpus":0,"after":["night-n"],"when":[{"job":"night-n","metric":"metrics/mAP50(B)","comparison":">=","threshold":0.5}],"cwd":"@HOME@"}','{"state":"held","since":1795293367.3114777,"reason":"held at submit"}',0,'@HOME@/runs/000005-deploy','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,25,1.82121336137151837346e+09);
INSERT INTO "jobs" VALUES(6,'anna',0,'behind','night',2,1.79529336735812926296e+09,'{"name":"behind","kind":"command","group":"night","command":["true"],"gpus":0,"after":["5"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"waiting","since":1795293367.3581293,"not_before":null}',0,'@HOME@/runs/000006-behind','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,26,NULL);
INSERT INTO "jobs" VALUES(7,'anna',0,'gone','default',2,1.79529336736333823207e+09,'{"name":"gone","kind":"command","command":["true"],"gpus":0,"after":["5"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"cancelled","since":1795293367.3858635,"by":"anna"}',0,'@HOME@/runs/000007-gone','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,28,NULL);
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
INSERT INTO "outbox" VALUES(26,'json://127.0.0.1:9','failed','error','bad failed','no such luck',1.79529336748206162451e+09,1.82121336137151837346e+09,'waiting',0,0,NULL,'');
CREATE TABLE preflights (
    job     INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked   TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
INSERT INTO "preflights" VALUES(3,'78fcb89053674bd11f419edc086150e8','{"at":1795293366.2077584,"took_s":0.0008508890023222193,"remarks":[{"rule":"data","severity":"error","text":"@HOME@/shapes.yaml does not say where `train` is.","advice":"Write `train: images/train`."}],"data":null,"basis":{"data.yaml":"16 bytes of 1795293365343750382"}}');
CREATE TABLE published (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    at       REAL    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;
INSERT INTO "published" VALUES(1,35,1.79529336731878423694e+09,'{"revision":35,"at":1795293367.3187842,"leader_pid":1485,"host":{"at":1795293366.8388293,"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776}],"cpu_percent":100.0,"memory_total_bytes":25276502016,"memory_available_bytes":23652442112},"world":{"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776}],"demands":[],"side_slots":2,"bookings":[],"quotas":[],"previous":null,"calibration":{}},"timetable":{"made_at":1795293367.2946377,"entries":[],"skips":[],"order":[],"resting":[],"evictions":[],"bindings":[],"hindrances":[]}}');
CREATE TABLE queue (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    machine    TEXT    NOT NULL,              -- the machine that this queue lives on
    created_at REAL    NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0     -- counts the transactions that changed anything
) STRICT;
INSERT INTO "queue" VALUES(1,'@MACHINE@',1.79529336150499296189e+09,36);
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
INSERT INTO "sqlite_sequence" VALUES('audit',27);
INSERT INTO "sqlite_sequence" VALUES('bookings',1);
COMMIT;
PRAGMA user_version = 9;
