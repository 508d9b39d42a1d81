-- Function:   millrace.record_outputs(list millrace.finish_row[])
-- Changes:    output: the manifest of those that are done
-- Locks:      none
-- For:        finish_jobs, whose settings it runs under
create or replace function millrace.record_outputs(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	insert into millrace.output (upload_id, step_no, attempt, name, uri, size, sha256, content_type)
	select f.upload_id, f.step_no, f.attempt, o.name, o.uri, o.size, o.sha256, o.content_type
	from unnest(list) f,
		jsonb_to_recordset(f.detail->'outputs') as o (name text, uri text, size bigint, sha256 text, content_type text)
	where f.outcome = 'done' and jsonb_typeof(f.detail->'outputs') = 'array';
end
$$;
comment on function millrace.record_outputs(millrace.finish_row[]) is 'Writes what tries left behind.';
