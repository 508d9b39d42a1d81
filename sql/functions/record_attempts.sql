-- Function:   millrace.record_attempts(p_session bigint, list millrace.finish_row[])
-- Changes:    attempt: a row per try whose handler started (ran_ms is not null) or that ended in any way but a hand-back; output: the manifest of
--             those that are done
-- Locks:      none
-- For:        finish_jobs
create or replace function millrace.record_attempts(p_session bigint, list millrace.finish_row[]) returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	name constant text := coalesce((select w.worker from millrace.worker w where w.session = p_session order by w.gen desc limit 1), '?');
	at constant timestamptz := clock_timestamp();
begin
	insert into millrace.attempt (upload_id, step_no, attempt, generation, session, worker, claimed_at, started_at, finished_at,
		outcome, error_class, error, stage, tail, input_version, handler_digest, cpu_ms, rss_kb, bytes_in, bytes_out)
	select f.upload_id, f.step_no, f.attempt, f.generation, p_session, name, f.claimed_at,
		greatest(f.claimed_at, at - f.ran_ms * interval '1 ms'), at, f.outcome, f.detail->>'error_class', f.detail->>'error',
		f.detail->>'stage', f.detail->>'tail', f.detail->>'input_version', f.detail->>'handler_digest',
		(f.detail->>'cpu_ms')::bigint, (f.detail->>'rss_kb')::bigint, (f.detail->>'bytes_in')::bigint,
		(f.detail->>'bytes_out')::bigint
	from unnest(list) f
	where f.outcome <> 'interrupted' or f.ran_ms is not null;

	insert into millrace.output (upload_id, step_no, attempt, name, uri, size, sha256, content_type)
	select f.upload_id, f.step_no, f.attempt, o.name, o.uri, o.size, o.sha256, o.content_type
	from unnest(list) f,
		jsonb_to_recordset(f.detail->'outputs') as o (name text, uri text, size bigint, sha256 text, content_type text)
	where f.outcome = 'done' and jsonb_typeof(f.detail->'outputs') = 'array';
end
$$;
comment on function millrace.record_attempts(bigint, millrace.finish_row[]) is 'Writes what each try was and left behind.';
