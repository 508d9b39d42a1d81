-- jobs -- every job with its ticket as one row, in the states that people know.
create or replace view millrace.jobs as
select millrace.trace_text(j.upload_id) || '/' || s.step as job_id, k.name as kind, millrace.job_status(j.state, t.session) as state,
	j.tries, j.errors, j.crashes, j.losses, j.created_at, nullif(j.finished_at, 'infinity') as finished_at,
	case when j.state = 'retrying' then j.due_at end as due_at, nullif(t.session, 0) as session, u.bucket, u.key, j.upload_id
from millrace.job j
join millrace.upload u on u.id = j.upload_id
join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = j.step_no
join millrace.kind k on k.kind_no = j.kind_no
left join millrace.ticket t
	on j.state = 'queued' and t.kind_no = j.kind_no and t.class = j.class and t.position = j.position;
comment on view millrace.jobs is 'Jobs as people know them; narrow it by upload_id or job states, it is as long as all that ever ran.';
