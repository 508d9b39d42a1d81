-- Function:   millrace.close_session(session bigint)
-- Returns:    the kinds to wake
-- Changes:    ticket, job, lease_grant, worker, tally_delta: what is still held goes back unburnt, at once
-- Locks:      the worker row, then as move_tickets
-- For:        C, router and worker, at the end of a drain
create or replace function millrace.close_session(session bigint) returns smallint[]
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
	kinds smallint[];
begin
	perform from millrace.worker w where w.session = close_session.session for update;
	select g.wake into kinds from millrace.give_back(close_session.session, 'interrupted') g;
	delete from millrace.worker w where w.session = close_session.session;
	return kinds;
end
$$;
comment on function millrace.close_session(bigint) is 'Ends a lease; what it holds goes back.';
