-- Function:   millrace.move_jobs(list millrace.finish_row[])
-- Changes:    job (state and counts), dead_job, delayed, ticket
-- Locks:      jobs, in order; the caller holds their uploads
-- For:        finish_jobs
create or replace function millrace.move_jobs(list millrace.finish_row[]) returns void
language plpgsql
set search_path = millrace, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
	update millrace.job j set
		state = f.next_state,
		due_at = coalesce(f.due_at, j.due_at),
		finished_at = case when f.next_state in ('done', 'failed', 'skipped') then clock_timestamp() else 'infinity' end,
		tries = case when f.outcome <> 'interrupted' or f.ran_ms is not null then f.attempt else j.tries end,
		errors = j.errors + (f.outcome in ('error', 'timeout', 'permanent'))::integer,
		crashes = j.crashes + (f.outcome = 'crash')::integer,
		interrupts = j.interrupts + (f.outcome = 'interrupted')::integer,
		snoozes = j.snoozes + (f.outcome = 'snoozed')::integer,
		reason = case when f.next_state = 'skipped' then f.outcome end,
		result = case when f.next_state = 'done' then f.detail->'result' else j.result end,
		position = case when f.next_state = 'queued' then nextval('millrace.ticket_position') else j.position end
	from unnest(list) f
	where j.upload_id = f.upload_id and j.step_no = f.step_no;

	insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
	select f.upload_id, f.step_no, f.kind_no, f.attempt, f.detail->>'error_class', f.detail->>'error'
	from unnest(list) f where f.next_state = 'failed'
	on conflict (upload_id, step_no) do update set died_at = now(), attempt = excluded.attempt,
		error_class = excluded.error_class, error = excluded.error;

	insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
	select f.due_at, f.upload_id, f.step_no, f.kind_no, f.class, j.tries + 1
	from unnest(list) f join millrace.job j on j.upload_id = f.upload_id and j.step_no = f.step_no
	where f.next_state = 'retrying';

	insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
	select j.kind_no, j.class, j.tries + 1, j.step_no, j.position, j.upload_id
	from unnest(list) f join millrace.job j on j.upload_id = f.upload_id and j.step_no = f.step_no
	where f.next_state = 'queued';
end
$$;
comment on function millrace.move_jobs(millrace.finish_row[]) is 'Moves jobs to the state that their try led to.';
