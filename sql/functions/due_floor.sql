-- Function:   millrace.due_floor()
-- Returns:    the least due time that something delayed now may have: what is due before it would not be found
-- Changes:    nothing
-- Locks:      none. The caller's transaction has an xid by now: promote_due relies on that
-- For:        requeue, end_routes, where it is inlined: no settings here
create or replace function millrace.due_floor() returns timestamptz
language sql stable as $$
	select m.next_at from millrace.due_mark m order by m.gen desc limit 1
$$;
comment on function millrace.due_floor() is 'Where promotions have come to.';
