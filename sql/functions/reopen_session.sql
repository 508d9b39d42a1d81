-- Function:   millrace.reopen_session(old bigint, worker text, host text, version text, kinds text[], slots int, kind_nos smallint[],
--             classes smallint[], positions bigint[])
-- Parameters: old: the session before the connection was lost; kind_nos, classes, positions: what the caller knows that it holds
-- Returns:    one row: the new session, the kinds' numbers, for each ticket whether it is still held, and the grant that holds the kept
-- Changes:    worker, ticket, lease_grant, job, tally_delta: what old held and the caller does not know of (a claim whose reply was lost)
--             goes back unburnt
-- Locks:      the old worker row, the uploads of all its tickets by id, then the tickets
-- For:        C, router and worker, after every reconnect
create or replace function millrace.reopen_session(old bigint, worker text, host text, version text, kinds text[], slots integer,
	kind_nos smallint[], classes smallint[], positions bigint[])
returns table (session bigint, numbers smallint[], kept boolean[], grant_no bigint)
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	fresh bigint;
	kind_list smallint[];
	granted bigint;
	ours millrace.ticket[];
begin
	perform from millrace.worker w where w.session = old for update;
	select o.session, o.kind_nos into fresh, kind_list from millrace.open_session(worker, host, version, kinds, slots) o;
	perform millrace.lock_uploads(array(
		select t.upload_id from millrace.lease_grant g, unnest(g.kind_nos, g.classes, g.positions) h (kind_no, class, position)
		cross join lateral (select x.* from millrace.ticket x
			where x.kind_no = h.kind_no and x.class = h.class and x.position = h.position offset 0) t
		where g.session = old and t.session = old), false);
	with taken as (
		update millrace.ticket t set session = fresh
		from (
			select (select x.ctid from millrace.ticket x
				where x.kind_no = g.kind_no and x.class = g.class and x.position = g.position) as row_at
			from unnest(reopen_session.kind_nos, classes, positions) g (kind_no, class, position)
			offset 0) g
		where t.ctid = g.row_at and t.session = old
		returning t.*)
	select coalesce(array_agg(t::millrace.ticket), '{}') into ours from taken t;
	insert into millrace.lease_grant (session, kind_nos, classes, positions)
	select fresh, array_agg(o.kind_no order by o.kind_no, o.class, o.position),
		array_agg(o.class order by o.kind_no, o.class, o.position), array_agg(o.position order by o.kind_no, o.class, o.position)
	from unnest(ours) o
	having count(*) > 0
	returning lease_grant.grant_no into granted;
	perform from millrace.give_back(old, 'interrupted');
	delete from millrace.worker w where w.session = old;
	return query
	select fresh, kind_list,
		(select coalesce(array_agg(exists (select from unnest(ours) o
			where o.kind_no = g.kind_no and o.class = g.class and o.position = g.position) order by g.ord), '{}')
			from unnest(reopen_session.kind_nos, classes, positions) with ordinality g (kind_no, class, position, ord)),
		granted;
end
$$;
comment on function millrace.reopen_session(bigint, text, text, text, text[], integer, smallint[], smallint[], bigint[]) is 'A new lease after a lost connection.';
