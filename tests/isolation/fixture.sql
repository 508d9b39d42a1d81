-- fixture.sql -- what the specs share, in a schema of its own: a spec's text may not hold a brace.
create schema iso;

-- An empty queue with fixed numbers, so that the expected output is the same each time, and sessions 1 and 2.
create function iso.reset() returns void language plpgsql as $$
begin
	truncate millrace.upload, millrace.upload_key, millrace.job, millrace.attempt, millrace.output, millrace.ticket,
		millrace.delayed, millrace.dead_job, millrace.worker, millrace.lease_grant, millrace.pipeline, millrace.pipeline_rule,
		millrace.pipeline_step, millrace.upload_delta, millrace.upload_sum, millrace.tally_delta, millrace.tally, millrace.event_log,
		millrace.parked, millrace.group_delta, millrace.group_live, millrace.group_line, millrace.turn;
	alter sequence millrace.ticket_position restart;
	alter sequence millrace.grant_no restart;
	alter table millrace.pipeline alter pipeline_no restart;
	update millrace.mark set position = 0, noted = 0, swept = 0;
	update millrace.kind set paused_at = null, paused_by = null, run_limit = 0, group_by = '', group_limit = 0, parking = false;
	insert into millrace.worker (session, gen, slots, seen_at, kind_nos, worker, host, version)
	select n, 1, 8, now(), '{1}', 'w' || n, 'h', '1' from generate_series(1, 2) n;
end $$;

create function iso.upload() returns uuid language sql immutable as $$ select '00000000-0000-0000-0000-000000000001'::uuid $$;
create function iso.kind() returns smallint language sql stable as $$ select kind_no from millrace.kind where name = 'ka' $$;

create function iso.accept(id integer, key text default 'k') returns text language sql as $$
	select outcome from millrace.accept_uploads('{s}', array['\x00'::bytea], jsonb_build_array(jsonb_build_object('body', 0,
		'what', 'created', 'id', lpad(id::text, 32, '0')::uuid, 'store', 's3', 'bucket', 'b', 'key', key, 'request_id', '1')))
$$;

create function iso.pipeline() returns integer language sql as $$
	select millrace.register_pipeline('x', '{"version": 1, "rules": [{"name": "r", "match": {}, "jobs": [
		{"step": "a", "kind": "ka"}, {"step": "b", "kind": "ka"}]}]}')
$$;

-- One upload, held by session 1's router at position 1.
create function iso.held_upload() returns void language plpgsql as $$
begin
	perform iso.pipeline();
	perform iso.accept(1);
	perform millrace.claim_routes(1, 1, '{}', '{}');
end $$;

create function iso.expand(session bigint) returns boolean language sql as $$
	select count(*) = 1 from millrace.expand_uploads(session, 1, '{0}', '{1}', array[iso.upload()], '{expand}', '{0}',
		array[null]::jsonb[], '{1}')
$$;

-- Its two jobs a and b, free at positions 2 and 3.
create function iso.tree() returns void language plpgsql as $$
begin
	perform iso.held_upload();
	perform iso.expand(1);
end $$;

create function iso.claim(session bigint, max integer) returns bigint[] language sql as $$
	select array_agg(pos order by pos) from millrace.claim_jobs(session, iso.kind(), max, '{}', '{}')
$$;

create function iso.finish(session bigint, pos bigint, step integer, outcome text default 'done') returns text language sql as $$
	select coalesce(max(verdict), 'stale')
	from millrace.finish_jobs(session, array[iso.kind()], '{0}', array[pos], array[iso.upload()],
		array[step]::smallint[], array[outcome], '{1}', array[null]::bigint[], array[null]::jsonb[], '{}')
$$;

create function iso.beat(session bigint) returns boolean language sql as $$
	select millrace.heartbeat(session, '{}', '{}', '{}', '{}')
$$;

create function iso.replay(step text) returns text language sql as $$
	select outcome from millrace.replay_job(iso.upload() || '/' || step, 'me', null)
$$;

create view iso.tickets as select array_agg(position || ':' || session order by position) as tickets from millrace.ticket;
create view iso.parent as
select state, open_jobs, failed_jobs, finished_at is not null as final,
	(select array_agg(state || ' ' || losses order by step_no) from millrace.job) as jobs,
	(select array_agg(outcome order by step_no, attempt) from millrace.attempt) as attempts
from millrace.upload;

-- One upload with n jobs of a kind of which this many may run.
create function iso.limited(n integer, most integer) returns void language plpgsql as $$
begin
	perform millrace.register_pipeline('limited', jsonb_build_object('version', 1,
		'kinds', jsonb_build_object('ka', jsonb_build_object('limit', most)),
		'rules', jsonb_build_array(jsonb_build_object('name', 'r', 'match', '{}'::jsonb, 'jobs',
			(select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', 'ka')) from generate_series(1, n) i)))));
	perform iso.accept(1);
	perform millrace.claim_routes(1, 1, '{}', '{}');
	perform iso.expand(1);
	perform iso.wake();
end $$;

-- Without the answer: who still holds what as another looks is a matter of luck.
create function iso.wake() returns boolean language sql as $$ select millrace.wake(array[iso.kind()]) >= 0 $$;

-- Finishes all that a session holds; how many were accepted.
create function iso.finish_held(session bigint) returns bigint language sql as $$
	select count(*)
	from (select array_agg(t.kind_no) as kinds, array_agg(t.class) as classes, array_agg(t.position) as positions,
			array_agg(t.upload_id) as ids, array_agg(t.step_no) as steps, array_agg('done'::text) as outcomes,
			array_agg(1::bigint) as ran, array_agg(null::bigint) as delays, array_agg(null::jsonb) as details
		from millrace.ticket t where t.session = finish_held.session) a,
		lateral millrace.finish_jobs(session, a.kinds, a.classes, a.positions, a.ids, a.steps, a.outcomes, a.ran, a.delays, a.details, '{}')
	where a.ids is not null
$$;

create view iso.places as
select count(*) filter (where session = 0) as free, count(*) filter (where session <> 0) as held,
	(select count(*) from millrace.parked) as parked
from millrace.ticket where kind_no = iso.kind();

-- One upload with 101 jobs, 99 of them done; s100 is with session 1, s101 with session 2.
create function iso.many() returns void language plpgsql as $$
begin
	perform millrace.register_pipeline('many', jsonb_build_object('version', 1, 'rules', jsonb_build_array(jsonb_build_object(
		'name', 'r', 'match', '{}'::jsonb, 'jobs',
		(select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', 'ka')) from generate_series(1, 101) i)))));
	perform iso.accept(1);
	perform millrace.claim_routes(1, 1, '{}', '{}');
	perform iso.expand(1);
	perform iso.claim(1, 99);
	perform iso.finish_held(1);
	perform iso.claim(1, 1);
	perform iso.claim(2, 1);
end $$;

create view iso.many_parent as
select state, state in ('ready', 'failed', 'cancelled') and open_jobs = 0 as final, failed_jobs as failed,
	(select coalesce(sum(decided), 0) from millrace.upload_delta) as left_to_fold
from millrace.upload;

-- One upload with many jobs: x is with session 1, y with session 2. p (105) needs both; q (106) needs p and y.
create function iso.many_joins() returns void language plpgsql as $$
begin
	perform millrace.register_pipeline('joins', jsonb_build_object('version', 1, 'rules', jsonb_build_array(jsonb_build_object(
		'name', 'r', 'match', '{}'::jsonb, 'jobs',
		'[{"step": "x", "kind": "ka"}, {"step": "y", "kind": "ka"}]'::jsonb ||
		(select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', 'kb')) from generate_series(1, 102) i) ||
		'[{"step": "p", "kind": "ka", "after": ["x", "y"]}, {"step": "q", "kind": "ka", "after": ["p", "y"]}]'))));
	perform iso.accept(1);
	perform millrace.claim_routes(1, 1, '{}', '{}');
	perform iso.expand(1);
	perform iso.claim(1, 1);
	perform iso.claim(2, 1);
end $$;

-- The same with knots: j1 (106) needs x, u and l; j2 (107) needs y, u and k; k (108) needs x, l (109) needs y, m (110) needs j1. From x one comes
-- to j1 before j2, from y to j2 before j1. x is with session 1; u and y are with session 2.
create function iso.many_knots() returns void language plpgsql as $$
begin
	perform millrace.register_pipeline('knots', jsonb_build_object('version', 1, 'rules', jsonb_build_array(jsonb_build_object(
		'name', 'r', 'match', '{}'::jsonb, 'jobs',
		'[{"step": "x", "kind": "ka"}, {"step": "u", "kind": "ka"}, {"step": "y", "kind": "ka"}]'::jsonb ||
		(select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', 'kb')) from generate_series(1, 102) i) ||
		'[{"step": "j1", "kind": "ka", "after": ["x", "u", "l"]}, {"step": "j2", "kind": "ka", "after": ["y", "u", "k"]},
		{"step": "k", "kind": "ka", "after": ["x"]}, {"step": "l", "kind": "ka", "after": ["y"]}, {"step": "m", "kind": "ka", "after": ["j1"]}]'))));
	perform iso.accept(1);
	perform millrace.claim_routes(1, 1, '{}', '{}');
	perform iso.expand(1);
	perform iso.claim(1, 1);
	perform iso.claim(2, 2);
end $$;

create view iso.joins as
select array_agg(step_no || ' ' || state || ' ' || blocked_by order by step_no) as joins from millrace.job where step_no > 104;

-- How many jobs it cancelled, and how many of those ran.
create function iso.cancel() returns text language sql as $$
	select concat_ws(' ', outcome, reply->>'jobs', reply->>'running') from millrace.cancel_upload(iso.upload()::text, 'me', null)
$$;

-- A try that failed; the next is due at once.
create function iso.put_off(session bigint, pos bigint, step integer) returns text language sql as $$
	select max(verdict) from millrace.finish_jobs(session, array[iso.kind()], '{0}', array[pos], array[iso.upload()],
		array[step]::smallint[], '{error}', '{1}', '{0}', array[null]::jsonb[], '{}')
$$;

-- An announced upload, and the event that brings it.
create function iso.announce() returns void language sql as $$
	select millrace.expect_upload(iso.upload(), 's3', 'b', 'k')
$$;
create function iso.arrive() returns text language sql as $$
	select outcome from millrace.accept_uploads('{s}', array['\x00'::bytea], jsonb_build_array(jsonb_build_object('body', 0, 'what', 'created',
		'id', lpad('2', 32, '0')::uuid, 'store', 's3', 'bucket', 'b', 'key', 'k', 'request_id', '1', 'trace_uuid', iso.upload(), 'trace_text', 't')))
$$;

-- What is left in the queue of all uploads; the counts that are kept of it.
create view iso.left_over as
select (select count(*) from millrace.ticket) as tickets, (select count(*) from millrace.parked) as parked, (select count(*) from millrace.delayed) as delayed,
	(select string_agg(concat_ws(' ', sum_w, sum_q, sum_r, sum_y), ', ' order by kind_no) from (select d.kind_no, sum(waiting) as sum_w, sum(queued) as sum_q,
		sum(running) as sum_r, sum(retrying) as sum_y from millrace.tally_delta d group by 1) s) as counts,
	(select coalesce(sum(parked), 0) || ' ' || coalesce(sum(admitted), 0) from (select d.parked, d.admitted from millrace.group_delta d
		union all select l.parked, l.admitted from millrace.group_live l) s) as groups;
