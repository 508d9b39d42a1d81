-- Function:   millrace.judge(list millrace.finish_row[])
-- Returns:    the tries with the state that each job goes to and when it is due: the queue's whole retry policy
-- Changes:    nothing
-- Locks:      none; the caller holds the uploads
-- For:        finish_jobs
create or replace function millrace.judge(list millrace.finish_row[]) returns millrace.finish_row[]
language sql
set search_path = millrace, pg_temp set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
	select coalesce(array_agg(row(f.n, f.kind_no, f.class, f.position, f.upload_id, f.step_no, f.attempt, f.claimed_at, f.outcome,
		f.ran_ms, f.delay_ms, f.detail, v.next,
		case when v.next = 'retrying' then clock_timestamp() + make_interval(secs => coalesce(f.delay_ms,
			case f.outcome when 'snoozed' then 30000
				-- 1 s, 2 s, 4 s … up to 5 minutes, each with up to half of it taken off at random.
				else least(300000, 1000 * power(2, least(j.errors + j.crashes, 20))) * (0.5 + random() / 2) end) / 1000.0) end,
		j.generation)::millrace.finish_row order by f.upload_id, f.step_no), '{}')
	from unnest(list) f
	join millrace.job j on j.upload_id = f.upload_id and j.step_no = f.step_no
	join millrace.upload u on u.id = f.upload_id
	join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = f.step_no
	cross join lateral (
		select case
			when f.outcome = 'done' then 'done'
			when f.outcome in ('source_gone', 'superseded') then 'skipped'
			when f.outcome = 'permanent' then 'failed'
			when f.outcome in ('error', 'timeout') and j.errors + 1 >= s.attempts then 'failed'
			when f.outcome = 'crash' and j.crashes + 1 >= 3 then 'failed'
			when f.outcome = 'interrupted' then 'queued'
			else 'retrying' end::millrace.job_state as next
	) v
$$;
comment on function millrace.judge(millrace.finish_row[]) is 'What becomes of a job after a try.';
