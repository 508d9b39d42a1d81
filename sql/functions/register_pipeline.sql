-- Function:   millrace.register_pipeline(sha256 text, body jsonb)
-- Parameters: body: a pipeline file that `millrace check` accepts; sha256: of its canonical text
-- Returns:    its number; the same file has the same number for good
-- Changes:    kind (its limits), and for a new one what record_pipeline changes
-- Locks:      an advisory lock, so that routers that start together do not wait on each other's rows
-- For:        C, the router
create or replace function millrace.register_pipeline(sha256 text, body jsonb) returns integer
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
#variable_conflict use_column
declare
	number integer;
begin
	perform pg_advisory_xact_lock(1297, 0);
	select p.pipeline_no into number from millrace.pipeline p where p.sha256 = register_pipeline.sha256;
	if not found then
		number := millrace.record_pipeline(register_pipeline.sha256, register_pipeline.body);
	end if;
	-- What was loaded last holds for all that is queued, also when it is an older version again.
	perform millrace.set_limits(k.kind_no, coalesce((s.kind->>'limit')::integer, 0),
		case when s.kind->>'group' like '%{%' then s.kind->>'group' else coalesce('{' || (s.kind->>'group') || '}', '') end,
		coalesce((s.kind->>'group_limit')::integer, 0))
	from millrace.kind k
	cross join lateral (select coalesce(register_pipeline.body->'kinds'->k.name, '{}') as kind) s
	where k.kind_no in (select p.kind_no from millrace.pipeline_step p where p.pipeline_no = number)
	order by k.kind_no;
	return number;
end
$$;
comment on function millrace.register_pipeline(text, jsonb) is 'Records a version of the pipeline file.';
