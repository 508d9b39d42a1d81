-- Function:   millrace.tally_of(kind smallint, d_waiting int, d_queued int, d_running int, d_retrying int, d_done int)
-- Returns:    one element for tally_add
-- Changes:    nothing
-- Locks:      none
-- For:        the functions that move jobs
create or replace function millrace.tally_of(kind smallint, d_waiting bigint default 0, d_queued bigint default 0,
	d_running bigint default 0, d_retrying bigint default 0, d_done bigint default 0)
returns millrace.tally_delta
language sql immutable as $$
	select row(0, kind, d_waiting, d_queued, d_running, d_retrying, d_done)::millrace.tally_delta
$$;
comment on function millrace.tally_of(smallint, bigint, bigint, bigint, bigint, bigint) is 'One change of counts.';
