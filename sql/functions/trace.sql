-- Function:   millrace.trace(id text)
-- Parameters: id: a trace ID in any form
-- Returns:    the upload on top, then a row per attempt (or per job that has none yet): what, in which state, at which worker, when, for how long, how it went,
--             where the results are
-- Changes:    nothing
-- Locks:      none
-- For:        psql: when did it arrive, what jobs were made, which worker took each, how often was each retried, where did each result land
create or replace function millrace.trace(id text)
returns table (what text, state text, attempt integer, worker text, started_at timestamptz, took interval, outcome text, results text)
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	with t as (select millrace.trace_json(trace.id) as doc),
	rows as (
		select 0 as job_order, 0::bigint as attempt_order, 'upload ' || coalesce(t.doc->'upload'->>'bucket', '?') || '/' ||
				coalesce(t.doc->'upload'->>'key', '?') as what,
			t.doc->'upload'->>'state' as state, null::integer as attempt, null as worker,
			(t.doc->'upload'->>'received_at')::timestamptz as started_at,
			(t.doc->'upload'->>'finished_at')::timestamptz - (t.doc->'upload'->>'received_at')::timestamptz as took,
			nullif(concat_ws(': ', t.doc->'upload'->>'reason', t.doc->'upload'->>'detail'), '') as outcome,
			null as results
		from t where t.doc is not null
		union all
		select j.ord::integer, coalesce(a.ord, 0), j.job->>'step', j.job->>'state', (a.try->>'attempt')::integer, a.try->>'worker',
			(a.try->>'started_at')::timestamptz,
			(a.try->>'finished_at')::timestamptz - (a.try->>'started_at')::timestamptz,
			nullif(concat_ws(': ', a.try->>'outcome', a.try->>'error_class', a.try->>'error'), ''),
			case when a.try->>'outcome' = 'done' then (select string_agg(o->>'uri', E'\n')
				from jsonb_array_elements(j.job->'outputs') o where o->'attempt' = a.try->'attempt') end
		from t
		cross join jsonb_array_elements(t.doc->'jobs') with ordinality j (job, ord)
		left join jsonb_array_elements(j.job->'attempts') with ordinality a (try, ord) on true)
	select r.what, r.state, r.attempt, r.worker, r.started_at, r.took, r.outcome, r.results
	from rows r order by r.job_order, r.attempt_order
$$;
comment on function millrace.trace(text) is 'What happened to an upload: select * from millrace.trace(''trace_…'').';
