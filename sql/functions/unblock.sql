-- Function:   millrace.unblock(list millrace.finish_row[])
-- Returns:    the kinds that have new tickets
-- Changes:    job (blocked_by; waiting to queued), ticket, tally_delta
-- Locks:      none beyond the caller's
-- For:        settle, whose settings it runs under
create or replace function millrace.unblock(list millrace.finish_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	kinds smallint[];
begin
	with freed as (
		select f.upload_id, d.step_no, count(*) as by
		from unnest(list) f cross join unnest(f.dependents) d (step_no)
		where f.next_state = 'done'
		group by f.upload_id, d.step_no),
	moved as (
		update millrace.job j set
			blocked_by = j.blocked_by - f.by,
			state = case when j.blocked_by = f.by then 'queued' else j.state end,
			position = case when j.blocked_by = f.by then nextval('millrace.ticket_position') else j.position end
		from freed f
		where j.upload_id = f.upload_id and j.step_no = f.step_no and j.state = 'waiting'
		returning j.*),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
		select m.kind_no, m.class, m.tries + 1, m.step_no, m.position, m.upload_id from moved m where m.state = 'queued'),
	counted as (
		insert into millrace.tally_delta (kind_no, waiting, queued)
		select m.kind_no, -count(*), count(*) from moved m where m.state = 'queued' group by m.kind_no
		returning tally_delta.kind_no)
	select array_agg(c.kind_no) into kinds from counted c;
	return coalesce(kinds, '{}');
end
$$;
comment on function millrace.unblock(millrace.finish_row[]) is 'Queues the dependents whose last dependency is done.';
