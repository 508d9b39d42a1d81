-- breaking: no
-- 0001_first.sql -- the records of design and queue: uploads, jobs, tickets, sessions, counters.
-- Hot tables have no foreign keys, no nullable column that changes, and no index over anything that changes: every
-- change of state is a HOT update, or an insert and a delete.

create type millrace.upload_state as enum
	('expected', 'accepted', 'routed', 'ready', 'review', 'failed', 'rejected', 'ignored', 'skipped', 'cancelled', 'expired');
create type millrace.job_state as enum
	('waiting', 'queued', 'retrying', 'done', 'failed', 'cancelled', 'skipped');

-- Configuration ----------------------------------------------------------------------------------------------------------

create table millrace.kind (
	kind_no smallint primary key generated always as identity,
	name text not null unique,
	run_limit integer not null default 0,
	group_limit integer not null default 0,
	group_by text not null default '',
	limited boolean not null generated always as (run_limit > 0 or group_by <> '') stored,
	parking boolean not null default false,
	paused_at timestamptz,
	paused_by text,
	created_at timestamptz not null default now()
);
comment on table millrace.kind is 'The kinds of job; number 1 is the routing of uploads.';
comment on column millrace.kind.run_limit is 'Jobs that run at once, over all workers; 0: as many as there are slots.';
comment on column millrace.kind.group_limit is 'Jobs of one group that run at once; 0: its turn is all that limits it.';
comment on column millrace.kind.group_by is 'Template of the group''s name, such as {bucket}; empty: no groups.';
comment on column millrace.kind.parking is 'Its limits have changed, and what was free to be claimed goes back to wait for its turn: nothing is claimed until then.';
insert into millrace.kind (name) values ('route');

create table millrace.kind_class (
	kind_no smallint not null,
	class smallint not null,
	primary key (kind_no, class)
);
comment on table millrace.kind_class is 'Which classes (lane * 4 + priority; for a suspect 16 more) a kind has ever used; a claim walks these in order.';
insert into millrace.kind_class values (1, 0), (1, 4);

create table millrace.pipeline (
	pipeline_no integer primary key generated always as identity,
	sha256 text not null unique,
	body jsonb not null,
	loaded_at timestamptz not null default now()
);
comment on table millrace.pipeline is 'Every version of the pipeline file that routed something, by its hash.';

create table millrace.pipeline_rule (
	pipeline_no integer not null,
	rule_no smallint not null,
	name text not null,
	deciding integer not null default 0,
	primary key (pipeline_no, rule_no)
);
comment on table millrace.pipeline_rule is 'The rules of a pipeline version, in order from 0.';
comment on column millrace.pipeline_rule.deciding is 'How many of its steps decide.';

create table millrace.pipeline_step (
	pipeline_no integer not null,
	step_no smallint not null,
	rule_no smallint not null,
	step text not null,
	kind_no smallint not null,
	class smallint not null,
	required boolean not null,
	on_failure text not null check (on_failure in ('fail', 'review', 'note')),
	decides boolean not null,
	after smallint[] not null,
	dependents smallint[] not null,
	params jsonb not null,
	timeout_ms bigint not null,
	attempts integer not null,
	primary key (pipeline_no, step_no)
);
create index pipeline_step_rule on millrace.pipeline_step (pipeline_no, rule_no, step_no);
comment on table millrace.pipeline_step is 'The steps of a pipeline version; a job is an upload and a step.';
comment on column millrace.pipeline_step.decides is 'The upload is not final before this job has ended.';

-- Uploads ----------------------------------------------------------------------------------------------------------------

create table millrace.upload (
	id uuid primary key,
	received_at timestamptz not null default now(),
	object_hash uuid not null,
	parent_id uuid,
	size bigint not null default -1,
	event_time timestamptz,
	routed_at timestamptz,
	finished_at timestamptz,
	pipeline_no integer,
	rule_no smallint,
	open_jobs integer not null default 0,
	failed_jobs integer not null default 0,
	review_jobs integer not null default 0,
	generation smallint not null default 0,
	lane smallint not null default 0,
	many boolean not null default false,
	route_attempts smallint not null default 0,
	route_errors smallint not null default 0,
	route_crashes smallint not null default 0,
	state millrace.upload_state not null,
	source text,
	store text,
	bucket text,
	key text,
	version_id text,
	etag text,
	request_id text,
	origin text,
	sequencer text,
	content_type text,
	sniffed_type text,
	client_trace_id text,
	reason text,
	detail text,
	metadata jsonb
) with (fillfactor = 33);
create index upload_object on millrace.upload (object_hash);
create index upload_client_trace on millrace.upload (client_trace_id) where client_trace_id is not null;
comment on table millrace.upload is 'The parent: one row per upload, which is one write of one object.';
comment on column millrace.upload.id is 'A ULID; trace_text(id) is what people see, its 32 hex digits are the W3C trace ID.';
comment on column millrace.upload.object_hash is '16 bytes of sha-256 over bucket and key: all writes of one object, in whatever store.';
comment on column millrace.upload.open_jobs is 'Jobs that decide and have not ended.';
comment on column millrace.upload.many is 'More than 100 jobs decide: each that ends leaves a row in upload_delta; what upload counts is without those.';

create table millrace.upload_delta (
	delta_no bigint primary key generated always as identity,
	upload_id uuid not null,
	decided integer not null,
	failed integer not null,
	review integer not null,
	gone text
);
create index upload_delta_upload on millrace.upload_delta (upload_id, delta_no);
comment on table millrace.upload_delta is 'What finishes changed in the counts of uploads with many jobs.';

create table millrace.upload_sum (
	upload_id uuid not null,
	gen bigint not null,
	decided integer not null,
	failed integer not null,
	review integer not null,
	gone text,
	primary key (upload_id, gen)
);
comment on table millrace.upload_sum is 'The deltas of an upload that are folded (the newest gen counts), until it is final.';

create table millrace.upload_fold (
	gen bigint primary key,
	low bigint not null,
	high bigint not null,
	closes xid8 not null
);
comment on table millrace.upload_fold is 'Every delta of uploads up to low is folded; up to high, once every transaction before closes has ended.';
insert into millrace.upload_fold values (1, 0, 0, '0');

create table millrace.upload_key (
	hash uuid primary key,
	upload_id uuid not null
);
comment on table millrace.upload_key is 'Identity of each write as 16 bytes of sha-256: what makes a duplicate impossible.';

create table millrace.event_log (
	event_no bigint primary key generated always as identity,
	received_at timestamptz not null default now(),
	source text not null,
	body bytea not null,
	outcomes jsonb not null
);
comment on table millrace.event_log is 'Each notification that was not a mere duplicate, as received, with what became of its records.';

create table millrace.rejected (
	upload_id uuid primary key,
	rejected_at timestamptz not null default now(),
	reason text not null
);
comment on table millrace.rejected is 'The refused uploads; small, so that listing them reads nothing else.';

-- Jobs -------------------------------------------------------------------------------------------------------------------

create table millrace.job (
	upload_id uuid not null,
	step_no smallint not null,
	kind_no smallint not null,
	class smallint not null,
	pipeline_no integer not null,
	group_no integer not null default 0,
	position bigint not null,
	created_at timestamptz not null default now(),
	due_at timestamptz not null default '-infinity',
	finished_at timestamptz not null default 'infinity',
	state millrace.job_state not null,
	blocked_by smallint not null default 0,
	tries smallint not null default 0,
	errors smallint not null default 0,
	crashes smallint not null default 0,
	losses smallint not null default 0,
	interrupts smallint not null default 0,
	snoozes smallint not null default 0,
	generation smallint not null default 0,
	reason text,
	result jsonb,
	primary key (upload_id, step_no)
) with (fillfactor = 50);
comment on table millrace.job is 'One child job. Its identity is upload and step; position says where its ticket is.';
comment on column millrace.job.pipeline_no is 'That of its upload: with step_no it says what the job is, without a look at the upload.';
comment on column millrace.job.position is 'Of its ticket, or, if it has a group, of its row in parked; the ticket of one that was admitted is found by upload and step.';
comment on column millrace.job.group_no is 'Whose share of the kind it uses; 0: the kind had no limit when it was queued.';
comment on column millrace.job.tries is 'Attempts that have a row, counted or not.';
comment on column millrace.job.crashes is 'Handlers that crashed, and workers that were lost while this was all they held.';
comment on column millrace.job.errors is 'Attempts that count against the limit, in this generation.';

create table millrace.attempt (
	upload_id uuid not null,
	step_no smallint not null,
	attempt smallint not null,
	generation smallint not null default 0,
	session bigint not null,
	worker text not null,
	claimed_at timestamptz not null,
	started_at timestamptz,
	finished_at timestamptz not null,
	outcome text not null,
	error_class text,
	error text,
	stage text,
	tail text,
	input_version text,
	handler_digest text,
	cpu_ms bigint,
	rss_kb bigint,
	bytes_in bigint,
	bytes_out bigint,
	primary key (upload_id, step_no, attempt)
);
comment on table millrace.attempt is 'One row per try that ended; insert only.';

create table millrace.output (
	upload_id uuid not null,
	step_no smallint not null,
	attempt smallint not null,
	name text not null,
	uri text not null,
	size bigint not null,
	sha256 text not null,
	content_type text,
	primary key (upload_id, step_no, attempt, name)
);
comment on table millrace.output is 'The manifest: written by the finishing transaction, it names the attempt whose files are the result.';

create table millrace.dead_job (
	upload_id uuid not null,
	step_no smallint not null,
	kind_no smallint not null,
	died_at timestamptz not null default now(),
	attempt smallint not null,
	error_class text,
	error text,
	primary key (upload_id, step_no)
);
create index dead_job_newest on millrace.dead_job (kind_no, died_at);
comment on table millrace.dead_job is 'The dead letters: jobs that ended failed and can be replayed; step 0 is the routing.';

-- The queue --------------------------------------------------------------------------------------------------------------

create sequence millrace.ticket_position;
create table millrace.ticket (
	kind_no smallint not null,
	class smallint not null,
	attempt smallint not null,
	step_no smallint not null,
	group_no integer not null default 0,
	session integer not null default 0,
	position bigint not null default nextval('millrace.ticket_position'),
	claimed_at timestamptz not null default '-infinity',
	upload_id uuid not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1,
	autovacuum_analyze_scale_factor = 0.5);
create unique index ticket_order on millrace.ticket (kind_no, class, position);
create unique index ticket_grouped on millrace.ticket (upload_id, step_no) where group_no <> 0;
comment on table millrace.ticket is 'The queue: only what is due or running. session 0 is free; else it is who holds it.';

create table millrace.job_group (
	group_no integer primary key generated always as identity,
	kind_no smallint not null,
	weight smallint not null default 1,
	hash uuid not null,
	name text not null,
	unique (kind_no, hash)
);
comment on table millrace.job_group is 'The groups of limited kinds; a kind without groups has one, named by the empty text.';
comment on column millrace.job_group.weight is 'How many times as much as others it gets in a round.';

create table millrace.parked (
	kind_no smallint not null,
	class smallint not null,
	attempt smallint not null,
	step_no smallint not null,
	group_no integer not null,
	position bigint not null,
	upload_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);
create unique index parked_order on millrace.parked (kind_no, group_no, class, position);
comment on table millrace.parked is 'Due jobs of limited kinds that wait for their group''s turn; admit turns them into tickets.';

create table millrace.group_delta (
	kind_no smallint not null,
	delta_no bigint not null generated always as identity,
	group_no integer not null,
	parked integer not null default 0,
	admitted integer not null default 0,
	primary key (kind_no, delta_no)
);
comment on table millrace.group_delta is 'What each call changed in the groups; folded by the next admission.';

create table millrace.group_live (
	kind_no smallint not null,
	group_no integer not null,
	gen bigint not null,
	parked integer not null, admitted integer not null,
	weight smallint not null,
	in_line boolean not null,
	marks bigint[] not null default '{}',
	primary key (kind_no, group_no, gen)
);
comment on table millrace.group_live is 'How many of each group are parked and admitted (the newest gen counts); admitted ones have a ticket, claimed or not.';
comment on column millrace.group_live.marks is 'By class, from 0: nothing parked is left up to here, and nothing can come any more.';

create table millrace.group_line (
	kind_no smallint not null,
	place bigint not null,
	group_no integer not null,
	primary key (kind_no, place)
);
comment on table millrace.group_line is 'The groups that wait for their turn, in order: who has had it and has more parked goes to the end.';

create table millrace.turn (
	kind_no smallint not null,
	gen bigint not null,
	admitted integer not null, group_limit integer not null,
	first_place bigint not null, last_place bigint not null,
	low_delta bigint not null, high_delta bigint not null,
	low_position bigint not null, high_position bigint not null, closes xid8 not null,
	primary key (kind_no, gen)
);
comment on table millrace.turn is 'How many of a kind are admitted, and how far its admissions have come (the newest gen counts).';
comment on column millrace.turn.first_place is 'Up to here nobody is left in line; up to last_place somebody has been.';
comment on column millrace.turn.low_delta is 'Up to here each delta is folded, and up to low_position nothing can be parked any more; they go to high_delta and high_position once every transaction before closes has ended.';

create table millrace.delayed (
	due_at timestamptz not null,
	delayed_no bigint not null generated always as identity,
	upload_id uuid not null,
	step_no smallint not null,
	kind_no smallint not null,
	class smallint not null,
	attempt smallint not null,
	primary key (due_at, delayed_no)
);
comment on table millrace.delayed is 'What is due later; the keeper turns it into tickets when its time has come.';

create table millrace.due_mark (
	gen bigint primary key,
	low_at timestamptz not null,
	low_no bigint not null,
	closing_at timestamptz not null,
	closing_no bigint not null,
	closes xid8 not null,
	next_at timestamptz not null,
	next_no bigint not null
);
comment on table millrace.due_mark is 'How far promotions have come (the newest gen counts): they start there and never walk what is promoted.';
comment on column millrace.due_mark.low_at is 'With low_no: nothing up to here is left, and nothing can come any more.';
comment on column millrace.due_mark.closing_at is 'With closing_no: where low goes, once every transaction before closes has ended.';
comment on column millrace.due_mark.next_at is 'With next_no: the last that was promoted; what is delayed is due after it, whatever its clock says.';
insert into millrace.due_mark values (1, '-infinity', 0, '-infinity', 0, '0', '-infinity', 0);

create table millrace.mark (
	kind_no smallint not null,
	class smallint not null,
	gen bigint not null,
	position bigint not null,
	noted bigint not null,
	swept bigint not null default 0,
	closes xid8 not null default '0',
	primary key (kind_no, class, gen)
) with (fillfactor = 50);
comment on table millrace.mark is 'How far claims have come in each class (the newest gen counts): a claim starts there and never walks the dead region.';
comment on column millrace.mark.swept is 'Up to here the sweep has found what the mark had passed by.';
comment on column millrace.mark.noted is 'Up to here it walks next, once, when every transaction before closes has ended.';
insert into millrace.mark select kind_no, class, 1, 0, 0 from millrace.kind_class;

create table millrace.worker (
	session bigint not null,
	gen integer not null,
	beats integer not null default 0,
	slots integer not null,
	seen_at timestamptz not null,
	started_at timestamptz not null default now(),
	kind_nos smallint[] not null,
	worker text not null,
	host text not null,
	version text not null,
	primary key (session, gen)
) with (fillfactor = 50);
comment on table millrace.worker is 'The leases: one per worker session (the newest gen counts); silent for 10 s, its tickets go to others.';

create table millrace.suspect_turn (
	kind_no smallint primary key,
	session bigint not null
);
comment on table millrace.suspect_turn is 'Who is busy and takes nothing more until it holds nothing, because a suspect of the kind waits to be run alone.';

create sequence millrace.grant_no;
create table millrace.lease_grant (
	session bigint not null,
	grant_no bigint not null default nextval('millrace.grant_no'),
	kind_nos smallint[] not null,
	classes smallint[] not null,
	positions bigint[] not null,
	primary key (session, grant_no)
);
comment on table millrace.lease_grant is 'Which tickets each claim handed out: a dead session''s tickets are found here, without a scan.';

-- Counters ---------------------------------------------------------------------------------------------------------------

create table millrace.tally_delta (
	delta_no bigint primary key generated always as identity,
	kind_no smallint not null,
	waiting integer not null default 0,
	queued integer not null default 0,
	running integer not null default 0,
	retrying integer not null default 0,
	done integer not null default 0
);
comment on table millrace.tally_delta is 'What each call changed in the counts; folded every second.';

create table millrace.tally (
	kind_no smallint not null,
	gen bigint not null,
	waiting bigint not null,
	queued bigint not null,
	running bigint not null,
	retrying bigint not null,
	done bigint not null,
	primary key (kind_no, gen)
);
comment on table millrace.tally is 'The folded counts by kind; the newest gen counts.';

create table millrace.tally_minute (
	minute timestamptz not null,
	kind_no smallint not null,
	done bigint not null,
	primary key (minute, kind_no)
) with (fillfactor = 50);
comment on table millrace.tally_minute is 'How many jobs of each kind were done in each minute of the last day.';

create table millrace.tally_fold (
	gen bigint primary key,
	low bigint not null,
	high bigint not null,
	closes xid8 not null
);
comment on table millrace.tally_fold is 'How far the folding has come: every delta up to low is folded.';
insert into millrace.tally_fold values (1, 0, 0, '0');

-- Records of people ------------------------------------------------------------------------------------------------------

create table millrace.audit (
	audit_no bigint primary key generated always as identity,
	at timestamptz not null default now(),
	who text not null,
	login name not null default session_user,
	action text not null,
	subject text not null,
	why text
);
comment on table millrace.audit is 'Who did what by hand, and why.';

-- Rows that pass between functions ----------------------------------------------------------------------------------------

create type millrace.intake_event as (
	n integer, body integer, what text, name text, reason text, id uuid, source text, store text, bucket text, key text,
	version_id text, etag text, size bigint, event_time timestamptz, origin text, sequencer text, request_id text,
	content_type text, trace_uuid uuid, client_trace_id text, trace_text text, metadata jsonb, object_hash uuid, hash uuid);
comment on type millrace.intake_event is 'One record of a notification, as accept_uploads works on it.';

create type millrace.claim_row as (class smallint, pos bigint, upload_id uuid, step_no smallint, attempt smallint);
comment on type millrace.claim_row is 'One claimed ticket.';

create type millrace.finish_row as (
	n integer, kind_no smallint, class smallint, position bigint, upload_id uuid, step_no smallint, attempt smallint,
	claimed_at timestamptz, outcome text, detail jsonb, next_state millrace.job_state, due_at timestamptz, pipeline_no integer, decides boolean,
	on_failure text, dependents smallint[], group_no integer);
comment on type millrace.finish_row is 'One finished try, and what becomes of its job.';

create type millrace.route_row as (
	n integer, class smallint, position bigint, upload_id uuid, attempt smallint, lane smallint, outcome text, rule_no smallint,
	detail jsonb);
comment on type millrace.route_row is 'One routed upload, as expand_uploads works on it.';
