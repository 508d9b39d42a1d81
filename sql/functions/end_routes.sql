-- Function:   millrace.end_routes(list millrace.route_row[])
-- Returns:    {1} if a routing is due at once, else {}
-- Changes:    rejected, dead_job (failed), delayed (retry), ticket (interrupted)
-- Locks:      none beyond the caller's
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.end_routes(list millrace.route_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
begin
	insert into millrace.rejected (upload_id, reason)
	select r.upload_id, r.detail->>'reason' from unnest(list) r where r.outcome = 'rejected'
	on conflict (upload_id) do update set rejected_at = now(), reason = excluded.reason;

	insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
	select r.upload_id, 0, 1, r.attempt, r.detail->>'reason', r.detail->>'detail' from unnest(list) r where r.outcome = 'failed'
	on conflict (upload_id, step_no) do update set died_at = now(), attempt = excluded.attempt, error = excluded.error;

	insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
	select greatest(millrace.due_floor(), clock_timestamp() + make_interval(secs => coalesce((r.detail->>'delay_ms')::numeric,
			least(300000, 1000 * power(2, least(r.attempt, 20))) * (0.5 + random() / 2))::double precision / 1000.0)),
		r.upload_id, 0, 1, r.class % 16, r.attempt + 1
	from unnest(list) r where r.outcome = 'retry';

	insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id)
	select 1, r.class, r.attempt, 0, r.upload_id from unnest(list) r where r.outcome = 'interrupted';
	return case when found then '{1}' else '{}' end::smallint[];
end
$$;
comment on function millrace.end_routes(millrace.route_row[]) is 'What follows for uploads that have no jobs: another try, or a record of why.';
