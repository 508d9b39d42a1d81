-- Function:   millrace.awake()
-- Changes:    nothing
-- Locks:      releases what sleep_on and watch took
-- For:        C, on the connection that listens
create or replace function millrace.awake() returns void
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
begin
	perform pg_advisory_unlock_all();
end
$$;
comment on function millrace.awake() is 'Takes back sleep_on and watch.';
