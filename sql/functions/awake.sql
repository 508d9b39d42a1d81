-- Function:   millrace.awake()
-- Changes:    nothing
-- Locks:      releases what sleep_on took
-- For:        C, on the connection that listens
create or replace function millrace.awake() returns void
language sql security definer set search_path = millrace, pg_temp set jit = off as $$
	select pg_advisory_unlock_all()
$$;
comment on function millrace.awake() is 'Takes back sleep_on.';
