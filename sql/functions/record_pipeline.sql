-- Function:   millrace.record_pipeline(sha256 text, body jsonb)
-- Returns:    the number of the new version
-- Changes:    pipeline, pipeline_rule, pipeline_step, kind, kind_class, mark
-- Locks:      none beyond the caller's
-- For:        register_pipeline, whose settings it runs under: a file of thousands of steps is joined with itself
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
	with step as materialized (
		select row_number() over (order by r.ord, j.ord) as step_no, r.ord - 1 as rule_no, j.job, j.job->>'step' as name,
			coalesce((j.job->>'required')::boolean, true) as required,
			coalesce(j.job->>'on_failure',
				case when coalesce((j.job->>'required')::boolean, true) then 'fail' else 'note' end) as on_failure
		from jsonb_array_elements(record_pipeline.body->'rules') with ordinality r (rule, ord),
			jsonb_array_elements(r.rule->'jobs') with ordinality j (job, ord)),
	wait as materialized (
		select distinct s.step_no::smallint as step_no, x.step_no::smallint as awaited
		from step s cross join lateral jsonb_array_elements_text(s.job->'after') a (name)
		join step x on x.rule_no = s.rule_no and x.name = a.name)
	select number, s.step_no, s.rule_no, s.name, k.kind_no, coalesce((s.job->>'priority')::smallint, 0), s.required, s.on_failure,
		s.required or s.on_failure <> 'note', coalesce(a.steps, '{}'), coalesce(d.steps, '{}'),
		coalesce(s.job->'params', '{}'), (coalesce((c.value->>'timeout_s')::numeric, 300) * 1000)::bigint,
		coalesce((c.value->>'attempts')::integer, 5)
	from step s
	join millrace.kind k on k.name = s.job->>'kind'
	left join jsonb_each(record_pipeline.body->'kinds') c on c.key = s.job->>'kind'
	left join (select w.step_no, array_agg(w.awaited order by w.awaited) as steps from wait w group by w.step_no) a
		on a.step_no = s.step_no
	left join (select w.awaited, array_agg(w.step_no order by w.step_no) as steps from wait w group by w.awaited) d
		on d.awaited = s.step_no;
	update millrace.pipeline_rule r set deciding = d.n
	from (select s.rule_no, count(*) as n from millrace.pipeline_step s where s.pipeline_no = number and s.decides group by s.rule_no) d
	where r.pipeline_no = number and r.rule_no = d.rule_no;

	perform millrace.use_class(c.kind_no, c.class)
	from (select distinct s.kind_no, (s.class + lane)::smallint as class
		from millrace.pipeline_step s, unnest('{0,4}'::smallint[]) lane where s.pipeline_no = number order by 1, 2) c;
	return number;
end
$$;
comment on function millrace.record_pipeline(text, jsonb) is 'Records the rules and steps of a new pipeline version.';
