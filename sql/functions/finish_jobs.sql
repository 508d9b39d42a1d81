-- Function:   millrace.finish_jobs(session bigint, kind_nos smallint[], classes smallint[], positions bigint[], upload_ids uuid[],
--             step_nos smallint[], outcomes text[], ran_ms bigint[], delay_ms bigint[], details jsonb[], grants bigint[])
-- Parameters: parallel arrays, one element per job; grants: those wholly finished with this call
-- Returns:    (n, verdict, wake) for each job that the session still held: accepted, retry or dead. Of one that is missing the lease was
--             lost, and nothing was changed for it
-- Changes:    ticket, job, attempt, output, delayed, dead_job, upload, upload_delta, lease_grant, tally_delta
-- Locks:      as lock_uploads, then tickets, then jobs
-- For:        C, the worker
create or replace function millrace.finish_jobs(session bigint, kind_nos smallint[], classes smallint[], positions bigint[],
	upload_ids uuid[], step_nos smallint[], outcomes text[], ran_ms bigint[], delay_ms bigint[], details jsonb[], grants bigint[])
returns table (n integer, verdict text, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	list millrace.finish_row[];
	not_done boolean;
	detailed boolean;
	grouped boolean;
	many boolean;
	ended boolean;
	waited_for boolean;
	kinds smallint[] := '{}';
	name constant text := coalesce((select w.worker from millrace.worker w where w.session = finish_jobs.session
		order by w.gen desc limit 1), '?');
	now_at timestamptz;
begin
	many := millrace.lock_uploads(upload_ids, true);
	now_at := clock_timestamp();

	-- The fence: only a ticket that this session still holds is finished. Everything is found by ctid or by its whole key: no plan
	-- depends on how fresh the statistics are.
	with gone as (
		delete from millrace.ticket t
		using (
			select g.*, (select k.ctid from millrace.ticket k
				where k.kind_no = g.kind_no and k.class = g.class and k.position = g.position) as place
			from unnest(kind_nos, classes, positions, upload_ids, step_nos, outcomes, ran_ms, delay_ms, details) with ordinality
				g (kind_no, class, position, upload_id, step_no, outcome, ran_ms, delay_ms, detail, n)
			offset 0) g
		where t.ctid = g.place and t.session = finish_jobs.session and t.upload_id = g.upload_id and t.step_no = g.step_no
		returning g.*, t.attempt, t.claimed_at, t.group_no),
	judged as (
		select g.*, j.ctid as row_at, j.generation, j.pipeline_no, s.decides, s.on_failure, s.dependents, v.next,
			case when v.next = 'retrying' then now_at + millrace.retry_delay(g.outcome, j.errors + j.crashes, g.delay_ms) end as due_at
		from gone g
		join millrace.job j on j.upload_id = g.upload_id and j.step_no = g.step_no
		join millrace.pipeline_step s on s.pipeline_no = j.pipeline_no and s.step_no = j.step_no
		cross join lateral (select millrace.next_state(g.outcome, j.errors, j.crashes, s.attempts) as next) v),
	moved as (
		update millrace.job j set
			state = f.next,
			due_at = coalesce(f.due_at, j.due_at),
			finished_at = case when f.next in ('done', 'failed', 'skipped') then now_at else 'infinity' end,
			tries = case when f.outcome <> 'interrupted' or f.ran_ms is not null then f.attempt else j.tries end,
			errors = j.errors + (f.outcome in ('error', 'timeout', 'permanent'))::integer,
			crashes = j.crashes + (f.outcome = 'crash')::integer,
			interrupts = j.interrupts + (f.outcome = 'interrupted')::integer,
			snoozes = j.snoozes + (f.outcome = 'snoozed')::integer,
			reason = case when f.next = 'skipped' then f.outcome end,
			result = case when f.next = 'done' then f.detail->'result' else j.result end
		from judged f
		where j.ctid = f.row_at),
	-- A try whose handler never started and that is handed back has no row.
	tried as (
		insert into millrace.attempt (upload_id, step_no, attempt, generation, session, worker, claimed_at, started_at,
			finished_at, outcome, error_class, error, stage, tail, input_version, handler_digest, cpu_ms, rss_kb, bytes_in, bytes_out)
		select f.upload_id, f.step_no, f.attempt, f.generation, finish_jobs.session, name, f.claimed_at,
			greatest(f.claimed_at, now_at - f.ran_ms * interval '1 ms'), now_at, f.outcome, f.detail->>'error_class',
			f.detail->>'error', f.detail->>'stage', f.detail->>'tail', f.detail->>'input_version', f.detail->>'handler_digest',
			(f.detail->>'cpu_ms')::bigint, (f.detail->>'rss_kb')::bigint, (f.detail->>'bytes_in')::bigint,
			(f.detail->>'bytes_out')::bigint
		from judged f
		where f.outcome <> 'interrupted' or f.ran_ms is not null)
	select coalesce(array_agg(row(f.n, f.kind_no, f.class, f.position, f.upload_id, f.step_no, f.attempt, f.claimed_at, f.outcome, f.detail,
			f.next, f.due_at, f.pipeline_no, f.decides, f.on_failure, f.dependents, f.group_no)::millrace.finish_row), '{}'),
		bool_or(f.next <> 'done'), bool_or(f.detail ? 'outputs'), bool_or(f.group_no <> 0),
		bool_or(f.next in ('done', 'failed', 'skipped')), bool_or(cardinality(f.dependents) > 0)
	into list, not_done, detailed, grouped, ended, waited_for
	from judged f;

	if detailed then
		perform millrace.record_outputs(list);
	end if;
	if not_done then
		kinds := millrace.requeue(list);
	end if;
	if ended and waited_for then
		kinds := kinds || millrace.settle_dependents(list, many);
	end if;
	if ended then
		perform millrace.settle(list, many);
	end if;
	if grouped then
		kinds := kinds || millrace.leave_groups(list);
	end if;
	delete from millrace.lease_grant g where g.session = finish_jobs.session and g.grant_no = any (grants);

	insert into millrace.tally_delta (kind_no, running, queued, retrying, done)
	select f.kind_no, -count(*), count(*) filter (where f.next_state = 'queued'),
		count(*) filter (where f.next_state = 'retrying'), count(*) filter (where f.next_state = 'done')
	from unnest(list) f group by f.kind_no;

	return query
	select f.n - 1,
		case when f.next_state in ('queued', 'retrying') then 'retry' when f.next_state = 'failed' then 'dead' else 'accepted' end,
		kinds
	from unnest(list) f;
end
$$;
comment on function millrace.finish_jobs(bigint, smallint[], smallint[], bigint[], uuid[], smallint[], text[], bigint[], bigint[], jsonb[], bigint[])
	is 'Finishes tries: results, retries, deaths, and what follows from them, in one transaction.';
