-- A store with every table filled, as the version before accounts came first in each key wrote it.
PRAGMA application_id = 1668050030;
BEGIN TRANSACTION;
CREATE TABLE accounts (
    account TEXT PRIMARY KEY, last_client_id INTEGER NOT NULL DEFAULT 0,
    last_inbound_ms INTEGER, last_outbound_ms INTEGER
, kept_from_ms INTEGER NOT NULL DEFAULT 0);
INSERT INTO "accounts" VALUES('zalouser/work',0,1700000000000,NULL,0);
INSERT INTO "accounts" VALUES('zalouser/default',1700003619001,1700003621000,1700000001000,0);
CREATE TABLE approved (
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL,
    code TEXT NOT NULL, approved_ms INTEGER NOT NULL,
    PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;
INSERT INTO "approved" VALUES('zalouser/default','22','name 22','8TA4NTPM',1700003612000);
CREATE TABLE counters (
    account TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account, reason)
) WITHOUT ROWID;
INSERT INTO "counters" VALUES('zalouser/default','dm_disabled',1);
INSERT INTO "counters" VALUES('zalouser/default','dm_open',14);
INSERT INTO "counters" VALUES('zalouser/default','dm_pairing_required',2);
INSERT INTO "counters" VALUES('zalouser/default','group_admitted',1);
INSERT INTO "counters" VALUES('zalouser/default','mention_required',3);
INSERT INTO "counters" VALUES('zalouser/default','revoked_before_run',1);
INSERT INTO "counters" VALUES('zalouser/work','dm_open',1);
CREATE TABLE cursors ( -- while an account catches up: how far it had read before
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT NULL,
    PRIMARY KEY (account, thread_kind)
) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('zalouser/default','dm',1700003621000,'125');
CREATE TABLE decisions (
    message INTEGER NOT NULL REFERENCES messages (seq), account TEXT NOT NULL, stage TEXT NOT NULL,
    at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    rule_path TEXT NOT NULL, rule_origin TEXT NOT NULL, trail TEXT NOT NULL, rule_line INTEGER, command TEXT NOT NULL DEFAULT '', keep_as_history INTEGER NOT NULL DEFAULT FALSE,
    PRIMARY KEY (message, stage)
) WITHOUT ROWID;
INSERT INTO "decisions" VALUES(1,'zalouser/work','admission',1700000000000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(2,'zalouser/default','admission',1700000000000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(3,'zalouser/default','admission',1700000001000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(4,'zalouser/default','admission',1700000002000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(5,'zalouser/default','admission',1700000003000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(6,'zalouser/default','admission',1700000004000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(6,'zalouser/default','run',1700000005000,'drop','revoked_before_run','channels.zalouser.dmPolicy','channel','[]',4,'',0);
INSERT INTO "decisions" VALUES(7,'zalouser/default','admission',1700000005000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(8,'zalouser/default','admission',1700000006000,'admit','dm_open','channels.zalouser.dmPolicy','channel','[]',4,'/stop',0);
INSERT INTO "decisions" VALUES(9,'zalouser/default','admission',1700000007000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(10,'zalouser/default','admission',1700000008000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(11,'zalouser/default','admission',1700003609000,'drop','dm_disabled','channels.zalouser.dmPolicy','channel','[]',4,'',0);
INSERT INTO "decisions" VALUES(12,'zalouser/default','admission',1700003610000,'challenge','dm_pairing_required','channels.zalouser.dmPolicy','channel','["pairing_store"]',4,'',0);
INSERT INTO "decisions" VALUES(13,'zalouser/default','admission',1700003611000,'challenge','dm_pairing_required','channels.zalouser.dmPolicy','channel','["pairing_store"]',4,'',0);
INSERT INTO "decisions" VALUES(14,'zalouser/default','admission',1700003612000,'pend','mention_required','channels.zalouser.dmPolicy','channel','[]',4,'',1);
INSERT INTO "decisions" VALUES(15,'zalouser/default','admission',1700003613000,'pend','mention_required','channels.zalouser.dmPolicy','channel','[]',4,'',1);
INSERT INTO "decisions" VALUES(16,'zalouser/default','admission',1700003614000,'admit','group_admitted','channels.zalouser.dmPolicy','channel','["mention:explicit"]',4,'',0);
INSERT INTO "decisions" VALUES(17,'zalouser/default','admission',1700003615000,'pend','mention_required','channels.zalouser.dmPolicy','channel','[]',4,'',1);
INSERT INTO "decisions" VALUES(18,'zalouser/default','admission',1700003616000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(19,'zalouser/default','admission',1700003617000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(20,'zalouser/default','admission',1700003618000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(21,'zalouser/default','admission',1700003619000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
INSERT INTO "decisions" VALUES(22,'zalouser/default','admission',1700003620000,'admit','dm_open','channels.zalouser.dmPolicy','channel','["not_self"]',4,'',0);
CREATE TABLE gaps ( -- what the platform did not give out any more
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    noted_ms INTEGER NOT NULL, PRIMARY KEY (account, thread_kind, from_ms)
) WITHOUT ROWID;
INSERT INTO "gaps" VALUES('zalouser/default','group',1700003615000,1700003622500,1700003622000);
CREATE TABLE given ( -- which of it went with which turn
    turn INTEGER NOT NULL REFERENCES turns (message), message INTEGER NOT NULL,
    PRIMARY KEY (turn, message)
) WITHOUT ROWID;
INSERT INTO "given" VALUES(16,14);
INSERT INTO "given" VALUES(16,15);
CREATE TABLE history ( -- what a group said that was not for the account
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL, thread_id TEXT NOT NULL
);
INSERT INTO "history" VALUES(14,'zalouser/default','900');
INSERT INTO "history" VALUES(15,'zalouser/default','900');
INSERT INTO "history" VALUES(17,'zalouser/default','900');
CREATE TABLE known_groups (
    account TEXT NOT NULL, group_id TEXT NOT NULL, name TEXT NOT NULL, member_count INTEGER,
    PRIMARY KEY (account, group_id)
);
INSERT INTO "known_groups" VALUES('zalouser/default','900','Nhóm',3);
CREATE TABLE known_people (
    account TEXT NOT NULL, group_id TEXT NOT NULL, -- empty for a friend, else the group they are in
    user_id TEXT NOT NULL, name TEXT NOT NULL, aliases TEXT NOT NULL, is_friend INTEGER,
    PRIMARY KEY (account, group_id, user_id)
);
INSERT INTO "known_people" VALUES('zalouser/default','','11','An','["A"]',1);
INSERT INTO "known_people" VALUES('zalouser/default','','12','Bình','[]',1);
INSERT INTO "known_people" VALUES('zalouser/default','900','31','Chi','[]',NULL);
CREATE TABLE lookups (account TEXT NOT NULL, listing TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, listing)
);
INSERT INTO "lookups" VALUES('zalouser/default','peers',1700003622000);
INSERT INTO "lookups" VALUES('zalouser/default','groups',1700003622000);
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message_id TEXT NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, sender_id TEXT NOT NULL,
    sent_ms INTEGER NOT NULL, admitted_ms INTEGER NOT NULL,
    body TEXT, -- JSON; null for what was dropped
    UNIQUE (account, message_id)
);
INSERT INTO "messages" VALUES(1,'zalouser/work','w1','dm','77','77',1700000000000,1700000000000,'{"name": "name 77", "text": "on another account", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(2,'zalouser/default','100','dm','11','11',1700000000000,1700000000000,'{"name": "name 11", "text": "answered", "mentions": [["5", 0, 1, false]], "quote": ["99", "5", "quoted"], "attachments": [["photo", "t", "https://x/1"]], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(3,'zalouser/default','101','dm','12','12',1700000001000,1700000001000,'{"name": "name 12", "text": "silent", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(4,'zalouser/default','102','dm','13','13',1700000002000,1700000002000,'{"name": "name 13", "text": "refused", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(5,'zalouser/default','103','dm','14','14',1700000003000,1700000003000,'{"name": "name 14", "text": "a dead letter", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(6,'zalouser/default','104','dm','15','15',1700000004000,1700000004000,NULL);
INSERT INTO "messages" VALUES(7,'zalouser/default','105','dm','16','16',1700000005000,1700000005000,'{"name": "name 16", "text": "stopped", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(8,'zalouser/default','106','dm','16','16',1700000006000,1700000006000,'{"name": "name 16", "text": "/stop", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(9,'zalouser/default','107','dm','17','17',1700000007000,1700000007000,NULL);
INSERT INTO "messages" VALUES(10,'zalouser/default','108','dm','18','18',1700000008000,1700000008000,'{"name": "name 18", "text": "expired", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(11,'zalouser/default','110','dm','20','20',1700003609000,1700003609000,NULL);
INSERT INTO "messages" VALUES(12,'zalouser/default','111','dm','21','21',1700003610000,1700003610000,NULL);
INSERT INTO "messages" VALUES(13,'zalouser/default','112','dm','22','22',1700003611000,1700003611000,NULL);
INSERT INTO "messages" VALUES(14,'zalouser/default','113','group','900','31',1700003612000,1700003612000,'{"name": "name 31", "text": "pended one", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(15,'zalouser/default','114','group','900','32',1700003613000,1700003613000,'{"name": "name 32", "text": "pended two", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(16,'zalouser/default','115','group','900','33',1700003614000,1700003614000,'{"name": "name 33", "text": "@bot go on", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(17,'zalouser/default','116','group','900','34',1700003615000,1700003615000,'{"name": "name 34", "text": "pended three", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(18,'zalouser/default','120','dm','41','41',1700003616000,1700003616000,'{"name": "name 41", "text": "unknown", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(19,'zalouser/default','121','dm','42','42',1700003617000,1700003617000,'{"name": "name 42", "text": "being sent", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(20,'zalouser/default','122','dm','43','43',1700003618000,1700003618000,'{"name": "name 43", "text": "a queued reply", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(21,'zalouser/default','123','dm','44','44',1700003619000,1700003619000,'{"name": "name 44", "text": "waiting \ud83d", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(22,'zalouser/default','124','dm','45','45',1700003620000,1700003620000,'{"name": "name 45", "text": "tried once", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
INSERT INTO "messages" VALUES(23,'zalouser/default','125','dm','46','46',1700003621000,1700003621000,'{"name": "name 46", "text": "undecided", "mentions": [], "quote": null, "attachments": [], "friend": null, "live": true, "token": "t"}');
CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL);
INSERT INTO "migrations" VALUES(1,1700000000000);
INSERT INTO "migrations" VALUES(2,1700000000000);
INSERT INTO "migrations" VALUES(3,1700000000000);
INSERT INTO "migrations" VALUES(4,1700000000000);
INSERT INTO "migrations" VALUES(5,1700000000000);
INSERT INTO "migrations" VALUES(6,1700000000000);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    turn INTEGER REFERENCES turns (message), -- null for a challenge
    recipient TEXT NOT NULL DEFAULT '', -- of a challenge
    client_id TEXT NOT NULL, body TEXT NOT NULL, -- JSON
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER, settled_ms INTEGER,
    receipt TEXT, -- JSON: the ids under which others see it
    echo TEXT, sent_ms INTEGER, looked_up_ms INTEGER, -- the id under which the account saw it itself
    UNIQUE (account, client_id)
);
INSERT INTO "outbox" VALUES(1,'zalouser/default','dm','11',2,'','1700000001000','{"text": "answer one", "styles": []}','sent',1,'',1700000001000,1700000001000,NULL,1700000001000,'["r1"]',NULL,1700000001000,NULL);
INSERT INTO "outbox" VALUES(2,'zalouser/default','dm','11',2,'','1700000001001','{"text": "answer two", "styles": []}','sent',1,'',1700000001000,1700000001000,NULL,1700000001000,'["r2"]',NULL,1700000001000,NULL);
INSERT INTO "outbox" VALUES(3,'zalouser/default','dm','13',4,'','1700000003000','{"text": "no", "styles": []}','refused',1,'blocked',1700000003000,1700000003000,NULL,1700000003000,NULL,NULL,1700000003000,NULL);
INSERT INTO "outbox" VALUES(4,'zalouser/default','dm','16',7,'','1700000006000','{"text": "never sent", "styles": []}','cancelled',0,'stopped',1700000006000,1700000006000,NULL,1700000007000,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(5,'zalouser/default','dm','21',NULL,'21','1700003610000','{"text": "This account answers only people its owner has approved.\nYour id: 21\nYour pairing code: Y39WWEG2\nAsk the owner to run:\nopenclaw pairing approve zalouser Y39WWEG2", "styles": []}','queued',1,'the line is down',1700003610000,1700003622000,1700007210000,NULL,NULL,NULL,1700003617000,NULL);
INSERT INTO "outbox" VALUES(6,'zalouser/default','dm','22',NULL,'22','1700003611000','{"text": "This account answers only people its owner has approved.\nYour id: 22\nYour pairing code: 8TA4NTPM\nAsk the owner to run:\nopenclaw pairing approve zalouser 8TA4NTPM", "styles": []}','cancelled',0,'approved meanwhile',1700003611000,1700003611000,1700007211000,1700003612000,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(7,'zalouser/default','dm','22',NULL,'','1700003612000','{"text": "welcome", "styles": []}','queued',1,'the line is down',1700003612000,1700003622000,NULL,NULL,NULL,NULL,1700003617000,NULL);
INSERT INTO "outbox" VALUES(8,'zalouser/default','dm','41',18,'','1700003617000','{"text": "part one", "styles": []}','unknown',1,'no answer',1700003617000,1700003617000,NULL,NULL,NULL,NULL,1700003617000,NULL);
INSERT INTO "outbox" VALUES(9,'zalouser/default','dm','41',18,'','1700003617001','{"text": "part two", "styles": []}','held',0,'',1700003617000,1700003617000,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(10,'zalouser/default','dm','41',18,'','1700003617002','{"text": "part three", "styles": []}','held',0,'',1700003617000,1700003617000,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(11,'zalouser/default','dm','42',19,'','1700003618000','{"text": "on its way", "styles": []}','sending',1,'',1700003618000,1700003618000,NULL,NULL,NULL,NULL,1700003618000,NULL);
INSERT INTO "outbox" VALUES(12,'zalouser/default','dm','43',20,'','1700003619000','{"text": "queued one", "styles": []}','queued',0,'',1700003619000,1700003619000,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(13,'zalouser/default','dm','43',20,'','1700003619001','{"text": "queued two", "styles": []}','queued',0,'',1700003619000,1700003619000,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE owners (
    account TEXT PRIMARY KEY, epoch INTEGER NOT NULL, pid INTEGER NOT NULL, since_ms INTEGER NOT NULL
);
INSERT INTO "owners" VALUES('zalouser/work',1,1,1700000000000);
INSERT INTO "owners" VALUES('zalouser/default',1,1,1700000000000);
CREATE TABLE pairing (
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL, code TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, texted_ms INTEGER,
    PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;
INSERT INTO "pairing" VALUES('zalouser/default','21','name 21','Y39WWEG2','dm_pairing_required',1700003610000,1700007210000,1700003610000);
CREATE TABLE pauses (
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, -- both empty: all of it
    level TEXT NOT NULL, since_ms INTEGER NOT NULL, until_ms INTEGER, ended_ms INTEGER,
    PRIMARY KEY (account, thread_kind, thread_id)
) WITHOUT ROWID;
INSERT INTO "pauses" VALUES('zalouser/default','dm','18','mute',1700000009000,NULL,1700003609000);
INSERT INTO "pauses" VALUES('zalouser/default','dm','47','mute',1700003622000,1700090022000,NULL);
CREATE TABLE pins (
    account TEXT NOT NULL, list TEXT NOT NULL, entry TEXT NOT NULL, found TEXT NOT NULL,
    candidates TEXT NOT NULL, -- JSON: ids and names
    found_by TEXT, at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, list, entry)
);
INSERT INTO "pins" VALUES('zalouser/default','allowFrom','An','pinned','[["11", "An"]]','exact',1700003622000);
INSERT INTO "pins" VALUES('zalouser/default','groups','Nhóm','pinned','[["900", "Nh\u00f3m"]]','slug',1700003622000);
CREATE TABLE receipts ( -- the ids under which others see what the account sent
    account TEXT NOT NULL, message_id TEXT NOT NULL, at_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, message_id)
) WITHOUT ROWID;
INSERT INTO "receipts" VALUES('zalouser/default','r1',1700000001000);
INSERT INTO "receipts" VALUES('zalouser/default','r2',1700000001000);
CREATE TABLE sends ( -- what left, for pacing
    chunk INTEGER PRIMARY KEY, account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL, digest TEXT NOT NULL, stranger INTEGER NOT NULL, gap_ms INTEGER NOT NULL
);
INSERT INTO "sends" VALUES(1,'zalouser/default','dm','11',1700000001000,'digest',1,1500);
INSERT INTO "sends" VALUES(2,'zalouser/default','dm','11',1700000001000,'digest',1,1500);
INSERT INTO "sends" VALUES(99,'zalouser/default','dm','42',1700003618000,'other',0,1000);
CREATE TABLE turns (
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER
);
INSERT INTO "turns" VALUES(1,'zalouser/work','waiting',0,'',NULL);
INSERT INTO "turns" VALUES(2,'zalouser/default','done',1,'',1700000001000);
INSERT INTO "turns" VALUES(3,'zalouser/default','done',1,'no reply',1700000002000);
INSERT INTO "turns" VALUES(4,'zalouser/default','failed',1,'refused (blocked)',1700000003000);
INSERT INTO "turns" VALUES(5,'zalouser/default','dead',4,'RuntimeError: no',1700000004000);
INSERT INTO "turns" VALUES(6,'zalouser/default','revoked',0,'revoked_before_run',1700000005000);
INSERT INTO "turns" VALUES(7,'zalouser/default','stopped',1,'stopped: not sent',1700000007000);
INSERT INTO "turns" VALUES(8,'zalouser/default','done',1,'no reply',1700000007000);
INSERT INTO "turns" VALUES(9,'zalouser/default','recalled',0,'recalled by its author',1700000008000);
INSERT INTO "turns" VALUES(10,'zalouser/default','expired',0,'a pause made it older than backlogMaxAge',1700003609000);
INSERT INTO "turns" VALUES(16,'zalouser/default','running',1,'',NULL);
INSERT INTO "turns" VALUES(18,'zalouser/default','needs_decision',1,'of 3 parts, 1 of unknown fate (no answer), 2–3 held back',NULL);
INSERT INTO "turns" VALUES(19,'zalouser/default','replied',1,'',NULL);
INSERT INTO "turns" VALUES(20,'zalouser/default','replied',1,'',NULL);
INSERT INTO "turns" VALUES(21,'zalouser/default','waiting',0,'',NULL);
INSERT INTO "turns" VALUES(22,'zalouser/default','waiting',1,'TimeoutError: slow',NULL);
CREATE TABLE undecided ( -- waits until the account knows itself and its groups
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL
);
INSERT INTO "undecided" VALUES(23,'zalouser/default');
CREATE INDEX open_turns ON turns (account, message) WHERE settled_ms IS NULL;
CREATE INDEX open_chunks ON outbox (account, thread_kind, thread_id, id) WHERE settled_ms IS NULL;
CREATE INDEX chunks_of_turn ON outbox (turn, id);
CREATE INDEX challenges ON outbox (account, created_ms) WHERE turn IS NULL;
CREATE INDEX history_of_group ON history (account, thread_id, message);
CREATE INDEX sends_of_account ON sends (account, at_ms);
CREATE INDEX messages_by_age ON messages (account, admitted_ms);
CREATE INDEX settled_turns ON turns (account, message) WHERE settled_ms IS NOT NULL;
CREATE INDEX dead_letters ON turns (account, message) WHERE state = 'dead';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('messages',23);
INSERT INTO "sqlite_sequence" VALUES('outbox',13);
COMMIT;
