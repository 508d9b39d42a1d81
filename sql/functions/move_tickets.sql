-- Function:   millrace.move_tickets(p_session bigint, p_kind_nos smallint[], p_classes smallint[], p_positions bigint[])
-- Parameters: p_session: who holds them (0: nobody)
-- Returns:    those that it still held, as they wait now: free, at new positions, with the time of the claim that they had
-- Changes:    ticket, job.position
-- Locks:      as lock_uploads, then the tickets
-- For:        rescue, sweep, hand-back: a mark may be past the old position, so a ticket that comes back needs a new one
create or replace function millrace.move_tickets(p_session bigint, p_kind_nos smallint[], p_classes smallint[], p_positions bigint[])
returns setof millrace.ticket
language plpgsql as $$
#variable_conflict use_column
declare
	gone millrace.ticket[];
	placed millrace.ticket[];
begin
	-- Each row is looked up by itself, and changed by ctid: a join that was planned while there was little compares all with all.
	perform millrace.lock_uploads(array(
		select t.upload_id from unnest(p_kind_nos, p_classes, p_positions) g (kind_no, class, position)
		cross join lateral (select x.* from millrace.ticket x
			where x.kind_no = g.kind_no and x.class = g.class and x.position = g.position offset 0) t
		where t.session = p_session), false);

	with deleted as (
		delete from millrace.ticket t
		using (
			select (select k.ctid from millrace.ticket k
				where k.kind_no = g.kind_no and k.class = g.class and k.position = g.position) as at
			from unnest(p_kind_nos, p_classes, p_positions) g (kind_no, class, position)
			offset 0) g
		where t.ctid = g.at and t.session = p_session
		returning t.*)
	select coalesce(array_agg(d::millrace.ticket order by d.position), '{}') into gone from deleted d;

	-- Places are taken before the insert, so that what comes back names them.
	select coalesce(array_agg(row(g.kind_no, g.class, g.attempt, g.step_no, g.group_no, 0, nextval('millrace.ticket_position'),
		g.claimed_at, g.upload_id)::millrace.ticket order by g.position), '{}')
	into placed from unnest(gone) g;
	insert into millrace.ticket (kind_no, class, attempt, step_no, group_no, position, upload_id)
	select p.kind_no, p.class, p.attempt, p.step_no, p.group_no, p.position, p.upload_id from unnest(placed) p;
	update millrace.job j set position = p.position
	from (
		select g.position, (select x.ctid from millrace.job x where x.upload_id = g.upload_id and x.step_no = g.step_no) as row_at
		from unnest(placed) g
		offset 0) p
	where j.ctid = p.row_at;
	return query select * from unnest(placed);
end
$$;
comment on function millrace.move_tickets(bigint, smallint[], smallint[], bigint[]) is 'Frees tickets at new positions.';
