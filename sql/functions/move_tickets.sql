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
	perform millrace.lock_uploads(array(
		select t.upload_id from unnest(p_kind_nos, p_classes, p_positions) g (kind_no, class, position)
		join millrace.ticket t on t.kind_no = g.kind_no and t.class = g.class and t.position = g.position
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
	select coalesce(array_agg(row(g.kind_no, g.class, g.attempt, g.step_no, g.group_no, nextval('millrace.ticket_position'), 0,
		g.claimed_at, g.upload_id)::millrace.ticket order by g.position), '{}')
	into placed from unnest(gone) g;
	insert into millrace.ticket (kind_no, class, attempt, step_no, group_no, position, upload_id)
	select p.kind_no, p.class, p.attempt, p.step_no, p.group_no, p.position, p.upload_id from unnest(placed) p;
	update millrace.job j set position = p.position
	from unnest(placed) p
	where j.upload_id = p.upload_id and j.step_no = p.step_no;
	return query select * from unnest(placed);
end
$$;
comment on function millrace.move_tickets(bigint, smallint[], smallint[], bigint[]) is 'Frees tickets at new positions.';
