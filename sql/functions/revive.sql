-- Function:   millrace.revive(u millrace.upload, j millrace.job)
-- Parameters: j: a failed job of u
-- Changes:    job, ticket, upload, tally_delta: j is queued in the replay lane with a new generation; those below it that were skipped for want of
--             it wait again
-- Locks:      none beyond the caller's: it holds the upload
-- For:        replay_job
create or replace function millrace.revive(u millrace.upload, j millrace.job) returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	steps smallint[];
	replay_class constant smallint := j.class % 4 + 4;
begin
	with recursive below as (
		select j.step_no as step_no
		union
		select d.step_no
		from below b
		join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = b.step_no
		cross join unnest(s.dependents) d (step_no)
		join millrace.job x on x.upload_id = u.id and x.step_no = d.step_no
		where x.state = 'skipped' and x.reason = 'dependency')
	select array_agg(b.step_no) into steps from below b;

	update millrace.job x set state = 'waiting', reason = null, finished_at = 'infinity',
		blocked_by = (select count(*) from millrace.pipeline_step s cross join unnest(s.after) a (step_no)
			join millrace.job n on n.upload_id = u.id and n.step_no = a.step_no
			where s.pipeline_no = u.pipeline_no and s.step_no = x.step_no and n.state <> 'done')
	where x.upload_id = u.id and x.step_no = any (steps) and x.step_no <> j.step_no;

	perform millrace.use_class(j.kind_no, replay_class);
	update millrace.job x set state = 'queued', reason = null, finished_at = 'infinity', errors = 0, crashes = 0, losses = 0,
		generation = x.generation + 1, class = replay_class, position = nextval('millrace.ticket_position')
	where x.upload_id = u.id and x.step_no = j.step_no;
	insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
	select x.kind_no, x.class, x.tries + 1, x.step_no, x.position, x.upload_id
	from millrace.job x where x.upload_id = u.id and x.step_no = j.step_no;

	update millrace.upload x set state = 'routed', finished_at = null, reason = null, generation = x.generation + 1,
		open_jobs = x.open_jobs + s.decided, failed_jobs = x.failed_jobs - s.failed, review_jobs = x.review_jobs - s.review
	from (select count(*) filter (where p.decides) as decided, count(*) filter (where p.on_failure = 'fail') as failed,
			count(*) filter (where p.on_failure = 'review') as review
		from millrace.pipeline_step p where p.pipeline_no = u.pipeline_no and p.step_no = any (steps)) s
	where x.id = u.id;

	perform millrace.tally_add(array[millrace.tally_of(j.kind_no, d_queued => 1)] ||
		array(select millrace.tally_of(x.kind_no, d_waiting => 1) from millrace.job x
			where x.upload_id = u.id and x.step_no = any (steps) and x.step_no <> j.step_no));
end
$$;
comment on function millrace.revive(millrace.upload, millrace.job) is 'Queues a failed job again.';
