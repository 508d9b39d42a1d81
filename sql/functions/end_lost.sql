-- Function:   millrace.end_lost(list millrace.finish_row[])
-- Parameters: list: tries that were lost with their worker, already counted in job.losses
-- Changes:    ticket, job, dead_job, upload, tally_delta: a job that went down with 10 workers is dead, so that it cannot take more with it
-- Locks:      none beyond the caller's
-- For:        note_lost
create or replace function millrace.end_lost(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	dead millrace.finish_row[];
begin
	with ended as (
		update millrace.job j set state = 'failed', finished_at = clock_timestamp(), tries = f.attempt
		from unnest(list) f
		where j.upload_id = f.upload_id and j.step_no = f.step_no and j.losses >= 10
		returning f.n, j.kind_no, j.class, j.position, j.upload_id, j.step_no, f.attempt, f.claimed_at, j.pipeline_no, f.group_no),
	gone as (
		delete from millrace.ticket t using ended d
		where t.kind_no = d.kind_no and t.class = d.class and t.position = d.position),
	tallied as (
		insert into millrace.tally_delta (kind_no, queued) select d.kind_no, -count(*) from ended d group by d.kind_no)
	select array_agg(row(d.n, d.kind_no, d.class, d.position, d.upload_id, d.step_no, d.attempt, d.claimed_at, 'lost',
		'{"error_class": "lost", "error": "Its worker died or fell silent 10 times while it ran."}'::jsonb, 'failed', null,
		d.pipeline_no, s.decides, s.on_failure, s.dependents, d.group_no)::millrace.finish_row)
	into dead
	from ended d join millrace.pipeline_step s on s.pipeline_no = d.pipeline_no and s.step_no = d.step_no;
	if dead is not null then
		perform millrace.requeue(dead);
		perform millrace.settle(dead, false);
		perform millrace.leave_groups(dead);
	end if;
end
$$;
comment on function millrace.end_lost(millrace.finish_row[]) is 'Ends jobs that keep taking their worker with them.';
