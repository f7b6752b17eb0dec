-- A database as the first version of the schema left it. Never to be changed.
BEGIN TRANSACTION;
CREATE TABLE estimates (
            job_id TEXT, attempt INTEGER, at_s REAL, progress REAL NOT NULL, eta_s REAL NOT NULL, low_s REAL NOT NULL,
            high_s REAL NOT NULL, PRIMARY KEY (job_id, attempt, at_s)) WITHOUT ROWID;
INSERT INTO "estimates" VALUES('a',1,12.0,50.0,0.6,0.4,0.9);
CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
            key TEXT NOT NULL, payload TEXT NOT NULL);
INSERT INTO "events" VALUES(2,10.0,'generation_queued','job','a','{"jobId":"a"}');
INSERT INTO "events" VALUES(3,10.0,'generation_queued','job','b','{"jobId":"b","title":"Ω"}');
CREATE TABLE jobs (
            id TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL, engine TEXT NOT NULL, model TEXT NOT NULL,
            user TEXT NOT NULL, created_s REAL NOT NULL, started_s REAL, finished_s REAL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, steps INTEGER NOT NULL, rank REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "jobs" VALUES('a',2,'completed','sketch','sketch-s','ann',10.0,11.0,12.5,256,256,2,0.0,'{"id":"a","spec":{"engine":"sketch","model":"sketch-s","title":"hills","type":"image","prompt":"hills at dusk","width":256,"height":256,"steps":2,"seed":7,"batch":1,"frames":1,"sampler":"euler","options":{"tiled":true}},"state":"completed","request":"","priority":0,"rank":0.0,"user":"ann","origin":"echodeck","created_s":10.0,"started_s":11.0,"finished_s":12.5,"attempt":1,"worker_id":"w1","host":"h","stages":[{"name":"load model","status":"completed","step":0,"steps":0,"started_s":11.0,"duration_s":0.5,"expected_s":0.6},{"name":"sample","status":"completed","step":2,"steps":2,"started_s":11.5,"duration_s":1.0,"expected_s":1.1}],"stage_index":1,"progress":100.0,"error":null,"outputs":[{"path":"a/00.png","kind":"image/png","width":256,"height":256,"size_bytes":9,"frames":1,"host":"h"}],"paused_by":"","paused_s":null,"paused_total_s":0.0,"cancelled_by":"","moved_by":"","seq":2}');
INSERT INTO "jobs" VALUES('b',3,'running','sketch','sketch-s','ann',13.0,14.0,NULL,256,256,2,0.0,'{"id":"b","spec":{"engine":"sketch","model":"sketch-s","title":"hills","type":"image","prompt":"hills at dusk","width":256,"height":256,"steps":2,"seed":7,"batch":1,"frames":1,"sampler":"euler","options":{"tiled":true}},"state":"running","request":"","priority":0,"rank":0.0,"user":"ann","origin":"echodeck","created_s":13.0,"started_s":14.0,"finished_s":null,"attempt":1,"worker_id":"w1","host":"h","stages":[{"name":"load model","status":"completed","step":0,"steps":0,"started_s":11.0,"duration_s":0.5,"expected_s":0.6}],"stage_index":0,"progress":0.0,"error":null,"outputs":[],"paused_by":"","paused_s":null,"paused_total_s":0.0,"cancelled_by":"","moved_by":"","seq":3}');
CREATE TABLE records (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
INSERT INTO "records" VALUES('alert','x','{"level":"error"}');
CREATE TABLE replies (key TEXT PRIMARY KEY, at_s REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "replies" VALUES('c1:1',100.0,'{"jobId":"a"}');
CREATE TABLE runs (
            job_id TEXT, attempt INTEGER, engine TEXT NOT NULL, model TEXT NOT NULL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, steps INTEGER NOT NULL, frames INTEGER NOT NULL, batch INTEGER NOT NULL,
            stage TEXT, at_s REAL NOT NULL, duration_s REAL NOT NULL, first_s REAL NOT NULL, step_s REAL NOT NULL,
            PRIMARY KEY (job_id, attempt, stage)) WITHOUT ROWID;
INSERT INTO "runs" VALUES('a',1,'sketch','sketch-s',256,256,2,1,1,'sample',12.5,1.0,0.6,0.4);
CREATE TABLE steps (
            job_id TEXT, attempt INTEGER, stage INTEGER, step INTEGER, at_s REAL NOT NULL, duration_s REAL NOT NULL,
            PRIMARY KEY (job_id, attempt, stage, step)) WITHOUT ROWID;
INSERT INTO "steps" VALUES('a',1,1,1,12.0,0.6);
INSERT INTO "steps" VALUES('a',1,1,2,12.4,0.4);
CREATE INDEX events_at ON events (at_s);
CREATE INDEX jobs_state ON jobs (state, created_s);
CREATE INDEX jobs_created ON jobs (created_s);
CREATE INDEX steps_at ON steps (at_s);
CREATE INDEX runs_at ON runs (at_s);
CREATE INDEX estimates_at ON estimates (at_s);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',3);
COMMIT;
PRAGMA user_version = 1;
