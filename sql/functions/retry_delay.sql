-- Function:   millrace.retry_delay(outcome text, failures int, asked_ms bigint)
-- Parameters: failures: errors and crashes before this try; asked_ms: what the handler asked for, or null
-- Returns:    how long the job waits before its next try: 1 s, 2 s, 4 s … up to 5 minutes, each with up to half of it taken off at random
-- Changes:    nothing
-- Locks:      none
-- For:        finish_jobs, where it is inlined: no settings here
create or replace function millrace.retry_delay(outcome text, failures integer, asked_ms bigint) returns interval
language sql volatile as $$
	select coalesce(asked_ms::double precision, case outcome when 'snoozed' then 30000
		else least(300000, 1000 * power(2, least(failures, 20))) * (0.5 + random() / 2) end) * interval '1 ms'
$$;
comment on function millrace.retry_delay(text, integer, bigint) is 'How long a job waits before it is tried again.';
