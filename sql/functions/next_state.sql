-- Function:   millrace.next_state(outcome text, errors int, crashes int, attempts int)
-- Parameters: errors, crashes: of the job before this try; attempts: how many tries its step has
-- Returns:    the state that the job goes to
-- Changes:    nothing
-- Locks:      none
-- For:        finish_jobs, where it is inlined: no settings here
create or replace function millrace.next_state(outcome text, errors integer, crashes integer, attempts integer)
returns millrace.job_state
language sql immutable as $$
	select case
		when outcome = 'done' then 'done'::millrace.job_state
		when outcome in ('source_gone', 'superseded') then 'skipped'
		when outcome = 'permanent' then 'failed'
		when outcome in ('error', 'timeout') and errors + 1 >= attempts then 'failed'
		when outcome = 'crash' and crashes + 1 >= 3 then 'failed'
		when outcome = 'interrupted' then 'queued'
		else 'retrying' end
$$;
comment on function millrace.next_state(text, integer, integer, integer) is 'What becomes of a job after a try.';
