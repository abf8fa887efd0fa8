BEGIN TRANSACTION;
CREATE TABLE attempts (
    job    INTEGER NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    record TEXT    NOT NULL,
    ended  INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.outcome') IS NOT NULL) STORED,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES(1,1,'{"number":1,"uuid":"c539789a-1cf8-4d24-8ded-7252737e54ca","gpus":["SIM-0"],"gpu_model":"Simulated 24 GiB","started_at":1795277052.109812,"ended_at":1795277052.1189156,"process":{"pid":6965,"start_ticks":1189903,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(2,1,'{"number":1,"uuid":"d53c39b5-3c40-421d-96de-bf7620511d2a","gpus":[],"gpu_model":"","started_at":1795277052.1267378,"ended_at":1795277052.13923,"process":{"pid":6966,"start_ticks":1189905,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"failed","cause":"exit_code","explanation":"It ended with exit code 3. Its last words: “no such luck”","exit_code":3,"signal":null,"resumed_from_epoch":null,"progress":{}}');
INSERT INTO "attempts" VALUES(3,1,'{"number":1,"uuid":"a81f97b5-1288-4673-ab56-7efae69e67ac","gpus":["SIM-0","SIM-1"],"gpu_model":"Simulated 24 GiB","started_at":1795277052.1935117,"ended_at":1795277052.234108,"process":{"pid":6968,"start_ticks":1189911,"boot_id":"1bfd91c3-eb4c-4174-b30b-5d60a896e9ef"},"outcome":"succeeded","cause":null,"explanation":"","exit_code":0,"signal":null,"resumed_from_epoch":null,"progress":{"epochs_done":3,"epochs_total":3,"epoch_s":0.5,"best":{"metrics/mAP50(B)":0.6000000000000001},"last":{"metrics/mAP50(B)":0.6000000000000001},"best_epoch":3}}');
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
INSERT INTO "audit" VALUES(1,1.79527705192102026939e+09,'anna',0,'submit',1,'{"name": "ok", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(2,1.79527705192216968533e+09,'anna',0,'submit',2,'{"name": "bad", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(3,1.79527705205814409254e+09,'scheduler',0,'lead',NULL,'{"pid": 6960}','');
INSERT INTO "audit" VALUES(4,1.79527705206903672222e+09,'scheduler',0,'start',1,'{"attempt": 1, "gpus": ["SIM-0"], "how": []}','');
INSERT INTO "audit" VALUES(5,1.79527705207825684545e+09,'scheduler',0,'start',2,'{"attempt": 1, "gpus": [], "how": []}','');
INSERT INTO "audit" VALUES(6,1.79527705211988782884e+09,'scheduler',0,'run',1,'{"attempt": 1, "pid": 6965}','');
INSERT INTO "audit" VALUES(7,1.79527705212191271777e+09,'scheduler',0,'end',1,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(8,1.79527705213904905322e+09,'scheduler',0,'run',2,'{"attempt": 1, "pid": 6966}','');
INSERT INTO "audit" VALUES(9,1.79527705214072942738e+09,'scheduler',0,'end',2,'{"attempt": 1, "outcome": "failed", "cause": "exit_code", "why": "It ended with exit code 3. Its last words: “no such luck”", "then": "failed"}','');
INSERT INTO "audit" VALUES(10,1.79527705215576386449e+09,'anna',0,'submit',3,'{"name": "night-n", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(11,1.7952770521594722271e+09,'scheduler',0,'start',3,'{"attempt": 1, "gpus": ["SIM-0", "SIM-1"], "how": []}','');
INSERT INTO "audit" VALUES(12,1.79527705220340609549e+09,'scheduler',0,'run',3,'{"attempt": 1, "pid": 6968}','');
INSERT INTO "audit" VALUES(13,1.7952770522376251221e+09,'scheduler',0,'end',3,'{"attempt": 1, "outcome": "succeeded", "cause": null, "why": "", "then": "succeeded"}','');
INSERT INTO "audit" VALUES(14,1.7952770522460291386e+09,'anna',0,'submit',4,'{"name": "deploy", "priority": "P1", "file": null}','');
INSERT INTO "audit" VALUES(15,1.79527705225831246379e+09,'anna',0,'submit',5,'{"name": "behind", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(16,1.79527705226154255871e+09,'anna',0,'submit',6,'{"name": "gone", "priority": "P2", "file": null}','');
INSERT INTO "audit" VALUES(17,1.79527705226359653471e+09,'anna',0,'cancel',6,'{"was": "waiting", "status": {"state": "waiting", "since": 1795277052.2615426, "not_before": null}}','');
INSERT INTO "audit" VALUES(18,1.79527705226453971861e+09,'anna',0,'hold-group',NULL,'{"group": "night", "why": "until Monday"}','');
INSERT INTO "audit" VALUES(19,1.79527705226619410522e+09,'ben',0,'drain',NULL,'{"gpu": "SIM-1", "was": null}','new fan');
INSERT INTO "audit" VALUES(20,1.79527705526806879042e+09,'scheduler',0,'leave',NULL,'{"why": "asked to leave"}','');
CREATE TABLE dependencies (
    job   INTEGER NOT NULL REFERENCES jobs (id),
    needs INTEGER NOT NULL REFERENCES jobs (id), mode TEXT NOT NULL DEFAULT 'all' CHECK (mode IN ('all', 'any', 'finished', 'failed')),
    PRIMARY KEY (job, needs),
    CHECK (job <> needs)
) STRICT, WITHOUT ROWID;
INSERT INTO "dependencies" VALUES(4,3,'all');
INSERT INTO "dependencies" VALUES(5,4,'all');
INSERT INTO "dependencies" VALUES(6,4,'all');
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
INSERT INTO "forecasts" VALUES(1,1,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527765206106162078e+09,600.0,'a guess: nothing like it ran before',1.79527705206903672222e+09,1.79527705211891555787e+09,'succeeded');
INSERT INTO "forecasts" VALUES(2,1,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527705206106162074e+09,1.79527765206106162078e+09,600.0,'a guess: nothing like it ran before',1.79527705207825684545e+09,1795277052.13923,'failed');
INSERT INTO "forecasts" VALUES(3,1,1.79527705215734100343e+09,1.79527705215734100343e+09,1.79527705215734100343e+09,1.79527705215734100343e+09,1.79528065215734100338e+09,3600.0,'a guess: nothing like it ran before',1.7952770521594722271e+09,1.79527705223410797121e+09,'succeeded');
CREATE TABLE gpus (
    uuid       TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('drained', 'quarantined', 'trusted')),
    since      REAL    NOT NULL,
    reason     TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    cause      TEXT    NOT NULL CHECK (cause IN ('person', 'errors', 'ecc', 'lost')),
    ecc_errors INTEGER NOT NULL DEFAULT 0    -- the uncorrected ones that were known then
) STRICT;
INSERT INTO "gpus" VALUES('SIM-1','drained',1.79527705226619410522e+09,'new fan','ben','person',0);
CREATE TABLE held_groups (
    name   TEXT PRIMARY KEY,
    since  REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
INSERT INTO "held_groups" VALUES('night',1.79527705226453971861e+09,'until Monday');
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
INSERT INTO "jobs" VALUES(1,'anna',0,'ok','default',2,1.79527705192102026939e+09,'{"name":"ok","kind":"command","command":["sh","-c","echo the server said yes"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"succeeded","since":1795277052.1215165}',0,'@HOME@/runs/000001-ok','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,8);
INSERT INTO "jobs" VALUES(2,'anna',0,'bad','default',2,1.79527705192216968533e+09,'{"name":"bad","kind":"command","command":["sh","-c","echo no such luck; exit 3"],"gpus":0,"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"failed","since":1795277052.1402376,"cause":"exit_code","reason":"It ended with exit code 3. Its last words: “no such luck”"}',1,'@HOME@/runs/000002-bad','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,11);
INSERT INTO "jobs" VALUES(3,'anna',0,'night-n','night',2,1.79527705215576386449e+09,'{"name":"night-n","kind":"train","group":"night","model":"yolo11n.yaml","data":"@HOME@/shapes.yaml","arguments":{"epochs":3,"imgsz":64,"seed":0},"gpus":2,"prefer":["0"],"retries":5,"deadline":"08:00","python":"@HOME@/double.py"}','{"state":"succeeded","since":1795277052.2361708}',0,'@HOME@/runs/000003-night-n','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,16);
INSERT INTO "jobs" VALUES(4,'anna',0,'deploy','default',1,1.7952770522460291386e+09,'{"name":"deploy","kind":"command","command":["sh","-c","echo deployed"],"gpus":0,"after":["night-n"],"when":[{"job":"night-n","metric":"metrics/mAP50(B)","comparison":">=","threshold":0.5}],"cwd":"@HOME@"}','{"state":"held","since":1795277052.2460291,"reason":"held at submit"}',0,'@HOME@/runs/000004-deploy','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,18);
INSERT INTO "jobs" VALUES(5,'anna',0,'behind','night',2,1.79527705225831246379e+09,'{"name":"behind","kind":"command","group":"night","command":["true"],"gpus":0,"after":["4"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"waiting","since":1795277052.2583125,"not_before":null}',0,'@HOME@/runs/000005-behind','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,19);
INSERT INTO "jobs" VALUES(6,'anna',0,'gone','default',2,1.79527705226154255871e+09,'{"name":"gone","kind":"command","command":["true"],"gpus":0,"after":["4"],"retry_delay_s":0.05,"cwd":"@HOME@"}','{"state":"cancelled","since":1795277052.2635965,"by":"anna"}',0,'@HOME@/runs/000006-gone','9689588afd7211ca843e1673a828374ea3b2188320039affb12012d5fb7c330a',NULL,NULL,1,21);
CREATE TABLE leader (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id     TEXT    NOT NULL,
    since       REAL    NOT NULL
) STRICT;
CREATE TABLE leases (
    gpu       TEXT    NOT NULL PRIMARY KEY,
    job       INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    leased_at REAL    NOT NULL,
    FOREIGN KEY (job, attempt) REFERENCES attempts (job, number)
) STRICT;
CREATE TABLE published (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    at       REAL    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;
INSERT INTO "published" VALUES(1,25,1.79527705426364922523e+09,'{"revision":25,"at":1795277054.2636492,"leader_pid":6960,"host":{"at":1795277054.075665,"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776,"availability":{"state":"excluded","reason":"drained by ben (new fan); `yolotui undrain 1` brings it back"}}],"cpu_percent":50.1,"memory_total_bytes":25276502016,"memory_available_bytes":24513650688},"world":{"gpus":[{"uuid":"SIM-0","index":0,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776},{"uuid":"SIM-1","index":1,"name":"Simulated 24 GiB","kind":"sim","memory_total_bytes":25769803776,"availability":{"state":"excluded","reason":"drained by ben (new fan); `yolotui undrain 1` brings it back"}}],"demands":[{"job_id":4,"name":"deploy","priority":1,"submitted_at":1795277052.2460291,"gpus":0,"estimate":{"remaining_s":600.0,"source":"a guess: nothing like it ran before","low":0.1,"high":5.0,"early_stop":0.0,"early_stop_at":1.0},"state":"held","needs":[{"job_id":3,"name":"night-n","state":"succeeded"}],"blocked":"It is held (held at submit): `yolotui release 4` lets it go."},{"job_id":5,"name":"behind","priority":2,"submitted_at":1795277052.2583125,"gpus":0,"estimate":{"remaining_s":600.0,"source":"a guess: nothing like it ran before","low":0.1,"high":5.0,"early_stop":0.0,"early_stop_at":1.0},"needs":[{"job_id":4,"name":"deploy","state":"held"}],"blocked":"Its group night is held (until Monday): `yolotui release @night` lets it go."}],"side_slots":2,"previous":null,"calibration":{}},"timetable":{"made_at":1795277052.2731364,"entries":[{"job_id":4,"why":{"sentence":"It is held (held at submit): `yolotui release 4` lets it go."}},{"job_id":5,"why":{"sentence":"Its group night is held (until Monday): `yolotui release @night` lets it go."}}],"skips":[],"order":[],"resting":[]}}');
CREATE TABLE queue (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    machine    TEXT    NOT NULL,              -- the machine that this queue lives on
    created_at REAL    NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0     -- counts the transactions that changed anything
) STRICT;
INSERT INTO "queue" VALUES(1,'@MACHINE@',1.7952770519172067642e+09,26);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE UNIQUE INDEX jobs_by_file ON jobs (file, group_name, name, round) WHERE file IS NOT NULL;
CREATE INDEX dependencies_by_need ON dependencies (needs);
CREATE INDEX leases_by_job ON leases (job);
CREATE INDEX audit_by_job ON audit (job);
CREATE INDEX audit_of_releases ON audit (at) WHERE verb = 'release-group';
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never rewritten'); END;
CREATE INDEX forecasts_by_start ON forecasts (started_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
INSERT INTO "sqlite_sequence" VALUES('audit',20);
COMMIT;
PRAGMA user_version = 3;
