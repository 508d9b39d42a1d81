-- Function:   millrace.end_lost(list millrace.finish_row[])
-- Parameters: list: a try that was lost with its worker and was all that this held, already counted in job.crashes
-- Changes:    ticket, job, dead_job, upload, tally_delta: a job that crashed 3 times is dead, so that it cannot take more workers with it
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
		from (
			select g.*, (select x.ctid from millrace.job x where x.upload_id = g.upload_id and x.step_no = g.step_no) as row_at
			from unnest(list) g
			offset 0) f
		where j.ctid = f.row_at and j.crashes >= 3
		returning f.n, j.kind_no, j.class, j.position, j.upload_id, j.step_no, f.attempt, f.claimed_at, j.pipeline_no, f.group_no),
	gone as (
		delete from millrace.ticket t using (
			select (select x.ctid from millrace.ticket x
				where x.kind_no = d.kind_no and x.class = d.class and x.position = d.position) as row_at
			from ended d
			offset 0) d
		where t.ctid = d.row_at),
	tallied as (
		insert into millrace.tally_delta (kind_no, queued) select d.kind_no, -count(*) from ended d group by d.kind_no)
	select array_agg(row(d.n, d.kind_no, d.class, d.position, d.upload_id, d.step_no, d.attempt, d.claimed_at, 'lost',
		'{"error_class": "lost", "error": "It crashed 3 times; the last time its worker, which ran nothing else, died or fell silent."}'::jsonb, 'failed', null,
		d.pipeline_no, s.decides, s.on_failure, s.dependents, d.group_no)::millrace.finish_row)
	into dead
	from ended d join millrace.pipeline_step s on s.pipeline_no = d.pipeline_no and s.step_no = d.step_no;
	if dead is not null then
		perform millrace.requeue(dead);
		perform millrace.settle_dependents(dead, false);
		perform millrace.settle(dead, true);
		perform millrace.leave_groups(dead);
	end if;
end
$$;
comment on function millrace.end_lost(millrace.finish_row[]) is 'Ends jobs that keep taking their worker with them.';
