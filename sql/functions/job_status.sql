-- Function:   millrace.job_status(state millrace.job_state, session bigint)
-- Parameters: session: of the job's ticket; null when it has none
-- Returns:    the state that people know: a queued job whose ticket is held is running
-- Changes:    nothing
-- Locks:      none
-- For:        the views and the functions that make JSON
create or replace function millrace.job_status(state millrace.job_state, session bigint) returns text
language sql immutable parallel safe as $$
	select case when state = 'queued' and session <> 0 then 'running' else state::text end
$$;
comment on function millrace.job_status(millrace.job_state, bigint) is 'A job''s state as people know it.';
