-- Function:   millrace.record_pipeline(sha256 text, body jsonb)
-- Returns:    the number of the new version
-- Changes:    pipeline, pipeline_rule, pipeline_step, kind, kind_class, mark
-- Locks:      none beyond the caller's
-- For:        register_pipeline
create or replace function millrace.record_pipeline(sha256 text, body jsonb) returns integer
language plpgsql as $$
#variable_conflict use_column
declare
	number integer;
begin
	insert into millrace.pipeline (sha256, body) values (record_pipeline.sha256, record_pipeline.body)
	returning pipeline_no into number;

	insert into millrace.pipeline_rule
	select number, r.ord - 1, r.rule->>'name'
	from jsonb_array_elements(record_pipeline.body->'rules') with ordinality r (rule, ord);

	perform millrace.kind_numbers(array(
		select distinct j.job->>'kind'
		from jsonb_array_elements(record_pipeline.body->'rules') r (rule), jsonb_array_elements(r.rule->'jobs') j (job)));

	insert into millrace.pipeline_step
	with step as (
		select row_number() over (order by r.ord, j.ord) as step_no, r.ord - 1 as rule_no, j.job, j.job->>'step' as name,
			coalesce(record_pipeline.body->'kinds'->(j.job->>'kind'), '{}') as kind,
			coalesce((j.job->>'required')::boolean, true) as required,
			coalesce(j.job->>'on_failure',
				case when coalesce((j.job->>'required')::boolean, true) then 'fail' else 'note' end) as on_failure
		from jsonb_array_elements(record_pipeline.body->'rules') with ordinality r (rule, ord),
			jsonb_array_elements(r.rule->'jobs') with ordinality j (job, ord))
	select number, s.step_no, s.rule_no, s.name, k.kind_no, coalesce((s.job->>'priority')::smallint, 0), s.required, s.on_failure,
		s.required or s.on_failure <> 'note',
		array(select x.step_no::smallint from step x where x.rule_no = s.rule_no and s.job->'after' ? x.name order by 1),
		array(select x.step_no::smallint from step x where x.rule_no = s.rule_no and x.job->'after' ? s.name order by 1),
		coalesce(s.job->'params', '{}'), (coalesce((s.kind->>'timeout_s')::numeric, 300) * 1000)::bigint,
		coalesce((s.kind->>'attempts')::integer, 5)
	from step s join millrace.kind k on k.name = s.job->>'kind';

	perform millrace.use_class(c.kind_no, c.class)
	from (select distinct s.kind_no, (s.class + lane)::smallint as class
		from millrace.pipeline_step s, unnest('{0,4}'::smallint[]) lane where s.pipeline_no = number order by 1, 2) c;
	return number;
end
$$;
comment on function millrace.record_pipeline(text, jsonb) is 'Records the rules and steps of a new pipeline version.';
