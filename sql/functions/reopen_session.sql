-- Function:   millrace.reopen_session(old bigint, worker text, host text, version text, kinds text[], slots int, kind_nos smallint[],
--             classes smallint[], positions bigint[])
-- Parameters: old: the session before the connection was lost; kind_nos, classes, positions: what the caller knows that it holds
-- Returns:    one row: the new session, the kinds' numbers, for each ticket whether it is still held, and the grant that holds the kept
-- Changes:    worker, ticket, lease_grant, job, tally_delta: what old held and the caller does not know of (a claim whose reply was lost)
--             goes back unburnt
-- Locks:      the old worker row, the kept tickets, then as move_tickets
-- For:        C, router and worker, after every reconnect
create or replace function millrace.reopen_session(old bigint, worker text, host text, version text, kinds text[], slots integer,
	kind_nos smallint[], classes smallint[], positions bigint[])
returns table (session bigint, numbers smallint[], kept boolean[], grant_no bigint)
language plpgsql security definer set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	fresh bigint;
	kind_list smallint[];
	k record;
	granted bigint;
	first_grant bigint;
	ours millrace.ticket[];
begin
	perform from millrace.worker w where w.session = old for update;
	select o.session, o.kind_nos into fresh, kind_list from millrace.open_session(worker, host, version, kinds, slots) o;
	with taken as (
		update millrace.ticket t set session = fresh
		from unnest(reopen_session.kind_nos, classes, positions) g (kind_no, class, position)
		where t.kind_no = g.kind_no and t.class = g.class and t.position = g.position and t.session = old
		returning t.*)
	select coalesce(array_agg(t::millrace.ticket), '{}') into ours from taken t;
	first_grant := nextval('millrace.grant_no');
	-- One number for all kinds would need a grant per kind; the key is (session, grant_no), so kinds after the first get
	-- their own and are closed with the session.
	for k in select t.kind_no, array_agg(t.class order by t.class, t.position) as cs, array_agg(t.position order by t.class, t.position) as ps
		from unnest(ours) t group by t.kind_no order by t.kind_no loop
		granted := case when granted is null then first_grant else nextval('millrace.grant_no') end;
		insert into millrace.lease_grant values (fresh, granted, k.kind_no, k.cs, k.ps);
	end loop;
	perform from millrace.give_back(old, 'interrupted');
	delete from millrace.worker w where w.session = old;
	return query
	select fresh, kind_list,
		(select coalesce(array_agg(exists (select from unnest(ours) o
			where o.kind_no = g.kind_no and o.class = g.class and o.position = g.position) order by g.ord), '{}')
			from unnest(reopen_session.kind_nos, classes, positions) with ordinality g (kind_no, class, position, ord)),
		first_grant;
end
$$;
comment on function millrace.reopen_session(bigint, text, text, text, text[], integer, smallint[], smallint[], bigint[]) is 'A new lease after a lost connection.';
