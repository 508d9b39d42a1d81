-- Function:   millrace.revive(u millrace.upload, j millrace.job)
-- Parameters: j: a failed job of u
-- Changes:    job, ticket, upload, tally_delta: j is queued in the replay lane with a new generation; those below it that were
--             skipped and lack nothing else wait again
-- Locks:      none beyond the caller's: it holds the upload
-- For:        replay_job
create or replace function millrace.revive(u millrace.upload, j millrace.job) returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	steps smallint[];
	more smallint[];
	again millrace.job;
	replay_class constant smallint := j.class % 4 + 4;
begin
	steps := array[j.step_no];
	loop
		-- What was skipped for want of these, and lacks nothing else.
		more := array(
			select x.step_no
			from millrace.job x
			join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = x.step_no
			where x.upload_id = u.id and x.state = 'skipped' and x.reason = 'dependency' and x.step_no <> all (steps)
				and s.after && steps
				and not exists (select from millrace.job n where n.upload_id = u.id and n.step_no = any (s.after)
					and n.step_no <> all (steps) and n.state in ('failed', 'skipped', 'cancelled')));
		exit when cardinality(more) = 0;
		steps := steps || more;
	end loop;

	update millrace.job x set state = 'waiting', reason = null, finished_at = 'infinity',
		blocked_by = (select count(*) from millrace.pipeline_step s cross join unnest(s.after) a (step_no)
			join millrace.job n on n.upload_id = u.id and n.step_no = a.step_no
			where s.pipeline_no = u.pipeline_no and s.step_no = x.step_no and n.state <> 'done')
	where x.upload_id = u.id and x.step_no = any (steps) and x.step_no <> j.step_no;

	perform millrace.use_class(j.kind_no, replay_class);
	update millrace.job x set state = 'queued', reason = null, finished_at = 'infinity', errors = 0, crashes = 0, losses = 0,
		generation = x.generation + 1, class = replay_class, position = nextval('millrace.ticket_position')
	where x.upload_id = u.id and x.step_no = j.step_no
	returning * into again;
	perform millrace.enqueue(array[again]);

	-- A job that decides nothing leaves a final upload final. One that was cancelled is so again once j has ended: other
	-- jobs that decide are cancelled.
	update millrace.upload x set
		state = case when s.decided > 0 then 'routed' else x.state end,
		finished_at = case when s.decided > 0 then null else x.finished_at end,
		reason = case when s.decided > 0 and x.reason is distinct from 'cancelled' then null else x.reason end,
		generation = x.generation + 1,
		open_jobs = x.open_jobs + s.decided, failed_jobs = x.failed_jobs - s.failed, review_jobs = x.review_jobs - s.review
	from (select count(*) filter (where p.decides) as decided, count(*) filter (where p.on_failure = 'fail') as failed,
			count(*) filter (where p.on_failure = 'review') as review
		from millrace.pipeline_step p where p.pipeline_no = u.pipeline_no and p.step_no = any (steps)) s
	where x.id = u.id;

	insert into millrace.tally_delta (kind_no, queued, waiting)
	select x.kind_no, count(*) filter (where x.step_no = j.step_no), count(*) filter (where x.step_no <> j.step_no)
	from millrace.job x where x.upload_id = u.id and x.step_no = any (steps) group by x.kind_no;
end
$$;
comment on function millrace.revive(millrace.upload, millrace.job) is 'Queues a failed job again.';
