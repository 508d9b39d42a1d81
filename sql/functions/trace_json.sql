-- Function:   millrace.trace_json(id text)
-- Parameters: id: a trace ID in any form, or a job's ID (the step is ignored)
-- Returns:    the whole trace as design.md names it, or null when there is none such
-- Changes:    nothing
-- Locks:      none
-- For:        C: the page, the JSON and the command line show this and nothing else, so that they agree
create or replace function millrace.trace_json(id text) returns jsonb
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select jsonb_build_object(
		'trace_id', millrace.trace_text(u.id), 'now', millrace.utc_text(clock_timestamp()),
		'upload', jsonb_build_object(
			'store', u.store, 'bucket', u.bucket, 'key', u.key, 'version_id', u.version_id, 'etag', u.etag,
			'size', nullif(u.size, -1), 'content_type', u.content_type, 'sniffed_type', u.sniffed_type,
			'state', u.state, 'reason', u.reason, 'detail', u.detail, 'source', u.source,
			'event_time', millrace.utc_text(u.event_time), 'received_at', millrace.utc_text(u.received_at),
			'routed_at', millrace.utc_text(u.routed_at), 'finished_at', millrace.utc_text(u.finished_at),
			'rule', r.name, 'pipeline', left(p.sha256, 12), 'client_trace_id', u.client_trace_id,
			'generation', u.generation, 'parent_trace_id', millrace.trace_text(u.parent_id)),
		'jobs', coalesce((select jsonb_agg(millrace.job_json(u, j) order by j.step_no)
			from millrace.job j where j.upload_id = u.id), '[]'))
	from millrace.upload u
	left join millrace.pipeline p on p.pipeline_no = u.pipeline_no
	left join millrace.pipeline_rule r on r.pipeline_no = u.pipeline_no and r.rule_no = u.rule_no
	where u.id = millrace.trace_uuid(split_part(trace_json.id, '/', 1))
$$;
comment on function millrace.trace_json(text) is 'A trace as JSON.';
