-- Function:   millrace.give_back(p_session bigint, p_outcome text)
-- Parameters: p_outcome: lost (the worker died or fell silent) or interrupted (it hands back what it holds)
-- Returns:    how many tickets, and the kinds to wake
-- Changes:    ticket, job, attempt (one row per lost try), dead_job, upload, lease_grant, tally_delta
-- Locks:      as move_tickets
-- For:        rescue_workers, close_session, reopen_session
create or replace function millrace.give_back(p_session bigint, p_outcome text)
returns table (done bigint, wake smallint[])
language plpgsql as $$
#variable_conflict use_column
declare
	kind_nos smallint[];
	classes smallint[];
	positions bigint[];
	moved millrace.finish_row[];
begin
	select coalesce(array_agg(h.kind_no), '{}'), coalesce(array_agg(h.class), '{}'), coalesce(array_agg(h.position), '{}')
	into kind_nos, classes, positions
	from millrace.lease_grant g, unnest(g.kind_nos, g.classes, g.positions) h (kind_no, class, position)
	where g.session = p_session;

	select coalesce(array_agg(row(null, m.kind_no, m.class, m.position, m.upload_id, m.step_no, m.attempt, m.claimed_at, p_outcome,
		null, null, null, null, null, null, null, m.group_no)::millrace.finish_row), '{}')
	into moved
	from millrace.move_tickets(p_session, kind_nos, classes, positions) m;
	delete from millrace.lease_grant g where g.session = p_session;

	insert into millrace.tally_delta (kind_no, queued, running)
	select m.kind_no, count(*), -count(*) from unnest(moved) m group by m.kind_no;

	if p_outcome = 'lost' then
		perform millrace.note_lost(p_session, moved);
	else
		update millrace.job j set interrupts = interrupts + 1
		from (
			select (select x.ctid from millrace.job x where x.upload_id = g.upload_id and x.step_no = g.step_no) as row_at
			from unnest(moved) g
			offset 0) m
		where j.ctid = m.row_at;
	end if;
	return query select count(*), coalesce(array_agg(distinct m.kind_no), '{}') from unnest(moved) m;
end
$$;
comment on function millrace.give_back(bigint, text) is 'Frees all that a session holds.';
