-- Function:   millrace.dead_rows()
-- Returns:    a row per dead job; step "route" is the routing itself
-- Changes:    nothing
-- Locks:      none
-- For:        psql, by the view dead
create or replace function millrace.dead_rows()
returns table (job_id text, trace_id text, step text, kind text, bucket text, key text, died_at timestamptz, error_class text,
	error text, attempts smallint)
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select * from millrace.dead_newest(null, 2147483647)
$$;
comment on function millrace.dead_rows() is 'The dead letters, a row each.';
