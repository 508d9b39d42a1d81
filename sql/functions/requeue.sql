-- Function:   millrace.requeue(list millrace.finish_row[])
-- Parameters: list: jobs that moved
-- Returns:    the kinds that have new tickets
-- Changes:    delayed and job.class (retrying), ticket and job.position (queued), dead_job (failed)
-- Locks:      none beyond the caller's
-- For:        finish_jobs, whose settings it runs under
create or replace function millrace.requeue(list millrace.finish_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	kinds smallint[];
begin
	insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
	select f.upload_id, f.step_no, f.kind_no, f.attempt, f.detail->>'error_class', f.detail->>'error'
	from unnest(list) f where f.next_state = 'failed'
	on conflict (upload_id, step_no) do update set died_at = now(), attempt = excluded.attempt,
		error_class = excluded.error_class, error = excluded.error;

	insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
	select greatest(f.due_at, millrace.due_floor()), f.upload_id, f.step_no, f.kind_no, f.class % 16, j.tries + 1
	from unnest(list) f join millrace.job j on j.upload_id = f.upload_id and j.step_no = f.step_no
	where f.next_state = 'retrying';
	-- Its worker has survived it: it is no suspect any more.
	update millrace.job j set class = f.class % 16
	from unnest(list) f
	where f.next_state = 'retrying' and f.class >= 16 and j.upload_id = f.upload_id and j.step_no = f.step_no;

	with placed as (
		update millrace.job j set position = nextval('millrace.ticket_position')
		from unnest(list) f
		where f.next_state = 'queued' and j.upload_id = f.upload_id and j.step_no = f.step_no
		returning j.*, f.group_no as ticket_group),
	made as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select p.kind_no, p.class, p.tries + 1, p.step_no, p.ticket_group, p.position, p.upload_id from placed p)
	select array_agg(distinct p.kind_no) into kinds from placed p;
	return coalesce(kinds, '{}');
end
$$;
comment on function millrace.requeue(millrace.finish_row[]) is 'Lets jobs wait for their next try, or buries them.';
