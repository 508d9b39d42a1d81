-- Function:   millrace.schema_version()
-- Returns:    the migrations that were applied, in order
-- Changes:    nothing
-- Locks:      none
-- For:        C, at the start of every role
create or replace function millrace.schema_version()
returns table (id integer, name text, sha256 text, breaking boolean)
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select m.id, m.name, m.sha256, m.breaking from millrace.migration m order by m.id
$$;
comment on function millrace.schema_version() is 'The migrations that were applied.';
