-- Function:   millrace.unblock(list millrace.finish_row[])
-- Returns:    the kinds that have something due now
-- Changes:    job (blocked_by; waiting to queued), tally_delta, and what enqueue changes
-- Locks:      as enqueue
-- For:        settle_dependents, whose settings it runs under
create or replace function millrace.unblock(list millrace.finish_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	free millrace.job[];
begin
	with freed as (
		select f.*, (select x.ctid from millrace.job x where x.upload_id = f.upload_id and x.step_no = f.step_no) as row_at
		from (
			select f.upload_id, d.step_no, count(*) as by
			from unnest(list) f cross join unnest(f.dependents) d (step_no)
			where f.next_state = 'done'
			group by f.upload_id, d.step_no) f
		offset 0),
	moved as (
		update millrace.job j set
			blocked_by = j.blocked_by - f.by,
			state = case when j.blocked_by = f.by then 'queued' else j.state end,
			position = case when j.blocked_by = f.by then nextval('millrace.ticket_position') else j.position end
		from freed f
		where j.ctid = f.row_at and j.state = 'waiting'
		returning j.*),
	counted as (
		insert into millrace.tally_delta (kind_no, waiting, queued)
		select m.kind_no, -count(*), count(*) from moved m where m.state = 'queued' group by m.kind_no)
	select coalesce(array_agg(m::millrace.job order by m.position), '{}') into free from moved m where m.state = 'queued';
	return millrace.enqueue(free);
end
$$;
comment on function millrace.unblock(millrace.finish_row[]) is 'Queues the dependents whose last dependency is done.';
