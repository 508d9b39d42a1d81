-- helpers.sql -- what the SQL tests share; all of it in pg_temp, all of a test in one transaction that is rolled back.
\set ON_ERROR_STOP 1
set client_min_messages = warning;
begin;

create function pg_temp.check_that(name text, holds boolean) returns void language plpgsql as $$
begin
	if holds is not true then
		raise exception 'failed: %', name;
	end if;
end $$;

create function pg_temp.check_equal(name text, got anyelement, wanted anyelement) returns void language plpgsql as $$
begin
	if got is distinct from wanted then
		raise exception 'failed: %: got %, wanted %', name, got, wanted;
	end if;
end $$;

create function pg_temp.event(key text, more jsonb default '{}') returns jsonb language sql as $$
	select jsonb_build_object('body', 0, 'what', 'created', 'name', 'ObjectCreated:Put', 'id', gen_random_uuid(), 'store', 's3',
		'bucket', 'b', 'key', key, 'etag', 'e', 'size', 10, 'event_time', '2026-01-01T00:00:00Z', 'origin', 'aws',
		'sequencer', '0055', 'request_id', 'r-' || key) || more
$$;

create function pg_temp.accept(variadic events jsonb[]) returns table (n integer, outcome text, upload_id uuid) language sql as $$
	select * from millrace.accept_uploads(array['src'], array['\x7b7d'::bytea], to_jsonb(events))
$$;

-- A pipeline with the jobs of one rule; answers its number.
create function pg_temp.pipeline(jobs jsonb, kinds jsonb default '{}') returns integer language sql as $$
	select millrace.register_pipeline(md5(jobs::text || kinds::text), jsonb_build_object('version', 1, 'kinds', kinds, 'rules',
		jsonb_build_array(jsonb_build_object('name', 'all', 'match', '{}'::jsonb, 'jobs', jobs))))
$$;

create function pg_temp.session(variadic kinds text[]) returns bigint language sql as $$
	select session from millrace.open_session('w' || random(), 'host', '1', kinds, 8)
$$;

-- Claims all that is to be routed and routes it by rule 0 (or with another outcome).
create function pg_temp.route(session bigint, pipeline integer, outcome text default 'expand', detail jsonb default null)
returns integer language sql as $$
	select count(x.n)::integer
	from (select array_agg(c.class) as classes, array_agg(c.pos) as positions, array_agg(c.upload_id) as ids,
			array_agg(outcome) as outcomes, array_agg(case when outcome = 'expand' then 0 else -1 end::smallint) as rules,
			array_agg(detail) as details
		from millrace.claim_routes(session, 1000, '{}', '{}') c) a
	cross join lateral millrace.expand_uploads(session, pipeline, a.classes, a.positions, a.ids, a.outcomes, a.rules, a.details, '{}') x
	where a.ids is not null
$$;

-- Claims all of a kind and finishes each with this outcome; answers the verdicts, sorted.
create function pg_temp.finish(session bigint, kind text, outcome text, detail jsonb default null, delay bigint default null)
returns text[] language sql as $$
	with claimed as (
		select k.kind_no, c.*
		from millrace.kind k cross join lateral millrace.claim_jobs(session, k.kind_no, 1000, '{}', '{}') c
		where k.name = finish.kind),
	a as (
		select array_agg(c.kind_no) as kinds, array_agg(c.class) as classes, array_agg(c.pos) as positions,
			array_agg(c.upload_id) as ids, array_agg(c.step_no) as steps, array_agg(finish.outcome) as outcomes,
			array_agg(5::bigint) as ran, array_agg(delay) as delays, array_agg(detail) as details
		from claimed c)
	select coalesce(array_agg(f.verdict order by f.verdict), '{}')
	from a cross join lateral millrace.finish_jobs(session, a.kinds, a.classes, a.positions, a.ids, a.steps, a.outcomes, a.ran,
		a.delays, a.details, '{}') f
	where a.ids is not null
$$;

create function pg_temp.state(wanted text) returns text language sql as $$
	select u.state::text from millrace.upload u where u.key = wanted order by u.received_at desc, u.id desc limit 1
$$;
create function pg_temp.job_state(wanted text, step_name text) returns text language sql as $$
	select j.state from millrace.jobs j where j.key = wanted and j.job_id like '%/' || step_name
$$;

-- What is kept of how much waits, runs and is retried, and the same counted.
create function pg_temp.kept(wanted text) returns text language sql as $$
	select row(t.waiting, t.queued, t.running, t.retrying)::text from millrace.tallies() t join millrace.kind k using (kind_no)
	where k.name = wanted
$$;
create function pg_temp.counted(wanted text) returns text language sql as $$
	select row(count(*) filter (where state = 'waiting'), count(*) filter (where state = 'queued'),
		count(*) filter (where state = 'running'), count(*) filter (where state = 'retrying'))::text
	from (
		select j.state from millrace.jobs j where j.kind = wanted
		union all
		select case when t.session = 0 then 'queued' else 'running' end from millrace.ticket t where t.kind_no = 1 and wanted = 'route'
		union all
		select 'retrying' from millrace.delayed d where d.step_no = 0 and wanted = 'route') s
$$;
-- As it stands, and again once it is folded.
create function pg_temp.recount(after text) returns void language plpgsql as $$
declare
	k text;
begin
	for k in select name from millrace.kind order by kind_no loop
		perform pg_temp.check_equal(after || ': ' || k, pg_temp.kept(k), pg_temp.counted(k));
	end loop;
	perform from millrace.fold_tallies();
	for k in select name from millrace.kind order by kind_no loop
		perform pg_temp.check_equal(after || ', folded: ' || k, pg_temp.kept(k), pg_temp.counted(k));
	end loop;
end $$;
-- What is kept of groups agrees with what is there.
create function pg_temp.books_balance() returns boolean language sql as $$
	select not exists (
		select from millrace.job_group g
		left join millrace.group_live l on l.group_no = g.group_no
		where coalesce(l.parked, 0) + (select coalesce(sum(d.parked), 0) from millrace.group_delta d where d.group_no = g.group_no)
				<> (select count(*) from millrace.parked p where p.group_no = g.group_no)
			or coalesce(l.admitted, 0) + (select coalesce(sum(d.admitted), 0) from millrace.group_delta d where d.group_no = g.group_no)
				<> (select count(*) from millrace.ticket t where t.group_no = g.group_no))
	and not exists (
		select from millrace.turn t
		where t.admitted <> (select coalesce(sum(l.admitted), 0) from millrace.group_live l where l.kind_no = t.kind_no))
$$;
