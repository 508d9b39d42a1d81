-- jobs -- every job with its ticket as one row, in the states that people know.
create or replace view millrace.jobs as
select millrace.trace_text(j.upload_id) || '/' || s.step as job_id, k.name as kind, millrace.job_status(j.state, t.session) as state,
	j.tries, j.errors, j.crashes, j.losses, j.created_at, nullif(j.finished_at, 'infinity') as finished_at,
	case when j.state = 'retrying' then j.due_at end as due_at, nullif(t.session, 0) as session, u.bucket, u.key, j.upload_id
from millrace.job j
join millrace.upload u on u.id = j.upload_id
join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = j.step_no
join millrace.kind k on k.kind_no = j.kind_no
-- The ticket of a job that was admitted has another position than the job.
left join lateral (
	select x.* from millrace.ticket x
	where j.state = 'queued' and j.group_no = 0 and x.kind_no = j.kind_no and x.class = j.class and x.position = j.position
	union all
	select x.* from millrace.ticket x
	where j.state = 'queued' and j.group_no <> 0 and x.group_no <> 0 and x.upload_id = j.upload_id and x.step_no = j.step_no) t on true;
comment on view millrace.jobs is 'Jobs as people know them; narrow it by upload_id or job states, it is as long as all that ever ran.';
