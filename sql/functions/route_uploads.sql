-- Function:   millrace.route_uploads(p_pipeline_no int, list millrace.route_row[])
-- Changes:    upload (state, what was learnt)
-- Locks:      none beyond the caller's
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.route_uploads(p_pipeline_no integer, list millrace.route_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	update millrace.upload u set
		state = case
			when r.outcome = 'expand' then case when r.deciding = 0 then 'ready' else 'routed' end
			when r.outcome in ('retry', 'interrupted') then 'accepted'
			when r.outcome in ('source_gone', 'superseded') then 'skipped'
			else r.outcome end::millrace.upload_state,
		finished_at = case when r.outcome in ('retry', 'interrupted') or r.deciding > 0 then null else clock_timestamp() end,
		routed_at = case when r.outcome = 'expand' then clock_timestamp() else u.routed_at end,
		pipeline_no = case when r.outcome not in ('retry', 'interrupted') then p_pipeline_no else u.pipeline_no end,
		rule_no = case when r.outcome = 'expand' then r.rule_no end,
		open_jobs = coalesce(r.deciding, 0),
		many = coalesce(r.deciding > 100, false),
		route_attempts = u.route_attempts + (r.outcome <> 'interrupted')::integer,
		route_errors = case when r.outcome in ('retry', 'failed') then u.route_errors + 1 else u.route_errors end,
		reason = case when r.outcome in ('expand', 'interrupted') then null else coalesce(r.detail->>'reason', r.outcome) end,
		detail = case when r.outcome in ('expand', 'interrupted') then null else r.detail->>'detail' end,
		sniffed_type = coalesce(r.detail->>'sniffed_type', u.sniffed_type),
		etag = coalesce(u.etag, r.detail->>'etag'),
		version_id = coalesce(u.version_id, r.detail->>'version_id'),
		content_type = coalesce(u.content_type, r.detail->>'content_type'),
		client_trace_id = coalesce(u.client_trace_id, r.detail->>'client_trace_id'),
		size = case when u.size < 0 then coalesce((r.detail->>'size')::bigint, -1) else u.size end
	from (
		select x.*, case when x.outcome = 'expand' then (select p.deciding from millrace.pipeline_rule p
			where p.pipeline_no = p_pipeline_no and p.rule_no = x.rule_no) end as deciding
		from unnest(list) x
		offset 0) r
	where u.id = r.upload_id;
end
$$;
comment on function millrace.route_uploads(integer, millrace.route_row[]) is 'Writes what the router decided.';
