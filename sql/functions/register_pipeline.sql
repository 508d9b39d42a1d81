-- Function:   millrace.register_pipeline(sha256 text, body jsonb)
-- Parameters: body: a pipeline file that `millrace check` accepts; sha256: of its canonical text
-- Returns:    its number; the same file has the same number for good
-- Changes:    kind (its limits), and for a new one what record_pipeline changes
-- Locks:      an advisory lock, so that routers that start together do not wait on each other's rows
-- For:        C, the router
create or replace function millrace.register_pipeline(sha256 text, body jsonb) returns integer
language plpgsql security definer set search_path = millrace, pg_temp set jit = off set enable_nestloop = off as $$
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
	perform millrace.set_limits(k.kind_no, coalesce((c.value->>'limit')::integer, 0),
		case when c.value->>'group' like '%{%' then c.value->>'group' else coalesce('{' || (c.value->>'group') || '}', '') end,
		coalesce((c.value->>'group_limit')::integer, 0))
	from millrace.kind k
	left join jsonb_each(register_pipeline.body->'kinds') c on c.key = k.name
	where k.kind_no in (select p.kind_no from millrace.pipeline_step p where p.pipeline_no = number)
	order by k.kind_no;
	return number;
end
$$;
comment on function millrace.register_pipeline(text, jsonb) is 'Records a version of the pipeline file.';
