-- Function:   millrace.unblock(list millrace.finish_row[])
-- Returns:    the kinds that have new tickets
-- Changes:    job (blocked_by; waiting to queued), ticket, tally_delta
-- Locks:      none beyond the caller's
-- For:        settle
create or replace function millrace.unblock(list millrace.finish_row[]) returns smallint[]
language plpgsql
set search_path = millrace, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	free millrace.job[];
begin
	with freed as (
		select f.upload_id, d.step_no, count(*) as by
		from unnest(list) f
		join millrace.upload u on u.id = f.upload_id
		join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = f.step_no
		cross join unnest(s.dependents) d (step_no)
		where f.next_state = 'done'
		group by f.upload_id, d.step_no),
	moved as (
		update millrace.job j set
			blocked_by = j.blocked_by - f.by,
			state = case when j.blocked_by = f.by then 'queued' else j.state end,
			position = case when j.blocked_by = f.by then nextval('millrace.ticket_position') else j.position end
		from freed f
		where j.upload_id = f.upload_id and j.step_no = f.step_no and j.state = 'waiting'
		returning j.*)
	select array_agg(m::millrace.job order by m.upload_id, m.step_no) into free from moved m where m.state = 'queued';
	if free is null then
		return '{}';
	end if;
	insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
	select j.kind_no, j.class, j.tries + 1, j.step_no, j.position, j.upload_id from unnest(free) j;
	perform millrace.tally_add(array_agg(millrace.tally_of(j.kind_no, d_waiting => -1, d_queued => 1))) from unnest(free) j;
	return (select array_agg(distinct j.kind_no) from unnest(free) j);
end
$$;
comment on function millrace.unblock(millrace.finish_row[]) is 'Queues the dependents whose last dependency is done.';
