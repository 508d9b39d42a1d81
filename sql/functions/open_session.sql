-- Function:   millrace.open_session(worker text, host text, version text, kinds text[], slots int)
-- Parameters: worker: the name that people see; kinds: names; unknown ones are made
-- Returns:    (session, kind_nos): a random number, never 0, and the kinds' numbers in the order given
-- Changes:    worker, kind
-- Locks:      none that another waits for
-- For:        C, router and worker
create or replace function millrace.open_session(worker text, host text, version text, kinds text[], slots integer)
returns table (session bigint, kind_nos smallint[])
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
#variable_conflict use_variable
begin
	kind_nos := millrace.kind_numbers(kinds);
	-- From a UUID: random() is seeded too thinly to be a fence. 31 bits, because each ticket has one, twice; the fence is the position
	-- as well, which is never the same again once a session has lost it.
	loop
		session := ('x' || right(replace(gen_random_uuid()::text, '-', ''), 8))::bit(31)::integer;
		exit when session <> 0 and not exists (select from millrace.worker w where w.session = open_session.session);
	end loop;
	insert into millrace.worker (session, gen, slots, seen_at, kind_nos, worker, host, version)
	values (session, 1, slots, clock_timestamp(), kind_nos, worker, host, version);
	return next;
end
$$;
comment on function millrace.open_session(text, text, text, text[], integer) is 'Opens a worker''s lease.';
