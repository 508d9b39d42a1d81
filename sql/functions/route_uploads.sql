-- Function:   millrace.route_uploads(p_pipeline_no int, list millrace.route_row[])
-- Changes:    upload (state, what was learnt), rejected, dead_job
-- Locks:      none beyond the caller's
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.route_uploads(p_pipeline_no integer, list millrace.route_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	update millrace.upload u set
		state = s.state,
		finished_at = case when s.final then clock_timestamp() end,
		routed_at = case when r.outcome = 'expand' then clock_timestamp() else u.routed_at end,
		pipeline_no = case when r.outcome not in ('retry', 'interrupted') then p_pipeline_no else u.pipeline_no end,
		rule_no = case when r.outcome = 'expand' then r.rule_no end,
		open_jobs = coalesce(s.deciding, 0),
		many = s.deciding > 100,
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
	from unnest(list) r
	cross join lateral (
		select case r.outcome when 'expand' then x.n else 0 end as deciding,
			r.outcome not in ('retry', 'interrupted', 'expand') or r.outcome = 'expand' and x.n = 0 as final,
			case r.outcome
				when 'expand' then case when x.n = 0 then 'ready' else 'routed' end
				when 'retry' then 'accepted'
				when 'interrupted' then 'accepted'
				when 'source_gone' then 'skipped'
				when 'superseded' then 'skipped'
				else r.outcome end::millrace.upload_state as state
		from (select count(*) as n from millrace.pipeline_step p
			where p.pipeline_no = p_pipeline_no and p.rule_no = r.rule_no and p.decides) x
	) s
	where u.id = r.upload_id;

	insert into millrace.rejected (upload_id, reason)
	select r.upload_id, r.detail->>'reason' from unnest(list) r where r.outcome = 'rejected'
	on conflict (upload_id) do update set rejected_at = now(), reason = excluded.reason;

	insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
	select r.upload_id, 0, 1, r.attempt, r.detail->>'reason', r.detail->>'detail' from unnest(list) r where r.outcome = 'failed'
	on conflict (upload_id, step_no) do update set died_at = now(), attempt = excluded.attempt, error = excluded.error;
end
$$;
comment on function millrace.route_uploads(integer, millrace.route_row[]) is 'Writes what the router decided.';
