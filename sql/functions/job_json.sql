-- Function:   millrace.job_json(u millrace.upload, j millrace.job)
-- Returns:    a job with its attempts, the running one included, and its outputs
-- Changes:    nothing
-- Locks:      none
-- For:        trace_json
create or replace function millrace.job_json(u millrace.upload, j millrace.job) returns jsonb
language sql stable set search_path = millrace, pg_temp as $$
	select jsonb_build_object(
		'job_id', millrace.trace_text(j.upload_id) || '/' || s.step, 'step', s.step, 'kind', k.name, 'required', s.required,
		'on_failure', s.on_failure, 'state', millrace.job_status(j.state, t.session),
		'after', array(select a.step from millrace.pipeline_step a
			where a.pipeline_no = u.pipeline_no and a.step_no = any (s.after) order by a.step_no),
		'reason', j.reason, 'created_at', millrace.utc_text(j.created_at),
		'due_at', case when j.state = 'retrying' then millrace.utc_text(j.due_at) end,
		'finished_at', millrace.utc_text(j.finished_at), 'errors', j.errors, 'crashes', j.crashes, 'losses', j.losses,
		'interrupts', j.interrupts, 'snoozes', j.snoozes, 'generation', j.generation, 'result', j.result,
		'attempts', coalesce((select jsonb_agg(x.a order by x.n) from (
			select a.attempt as n, jsonb_build_object('attempt', a.attempt, 'worker', a.worker,
				'claimed_at', millrace.utc_text(a.claimed_at), 'started_at', millrace.utc_text(a.started_at),
				'finished_at', millrace.utc_text(a.finished_at), 'outcome', a.outcome, 'error_class', a.error_class,
				'error', a.error, 'stage', a.stage, 'tail', a.tail, 'generation', a.generation, 'cpu_ms', a.cpu_ms,
				'rss_kb', a.rss_kb, 'input_version', a.input_version, 'handler_digest', a.handler_digest) as a
			from millrace.attempt a where a.upload_id = j.upload_id and a.step_no = j.step_no
			union all
			select t.attempt, jsonb_build_object('attempt', t.attempt, 'worker', t.worker,
				'claimed_at', millrace.utc_text(t.claimed_at), 'started_at', millrace.utc_text(t.claimed_at),
				'finished_at', null, 'outcome', null, 'error_class', null, 'error', null, 'stage', null, 'tail', null,
				'generation', j.generation, 'cpu_ms', null, 'rss_kb', null, 'input_version', null, 'handler_digest', null)
			where t.session <> 0) x), '[]'),
		'outputs', coalesce((select jsonb_agg(jsonb_build_object('name', o.name, 'attempt', o.attempt, 'uri', o.uri,
			'size', o.size, 'sha256', o.sha256, 'content_type', o.content_type) order by o.name)
			from millrace.output o where o.upload_id = j.upload_id and o.step_no = j.step_no
				and o.attempt = (select max(m.attempt) from millrace.output m
					where m.upload_id = j.upload_id and m.step_no = j.step_no)), '[]'))
	from millrace.pipeline_step s
	join millrace.kind k on k.kind_no = s.kind_no
	left join lateral (
		select x.session, x.attempt, x.claimed_at,
			(select w.worker from millrace.worker w where w.session = x.session order by w.gen desc limit 1) as worker
		from (
			select x.* from millrace.ticket x
			where j.state = 'queued' and j.group_no = 0 and x.kind_no = j.kind_no and x.class = j.class and x.position = j.position
			union all
			select x.* from millrace.ticket x
			where j.state = 'queued' and j.group_no <> 0 and x.group_no <> 0 and x.upload_id = j.upload_id and x.step_no = j.step_no) x) t on true
	where s.pipeline_no = u.pipeline_no and s.step_no = j.step_no
$$;
comment on function millrace.job_json(millrace.upload, millrace.job) is 'A job as JSON.';
