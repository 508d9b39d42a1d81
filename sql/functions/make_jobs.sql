-- Function:   millrace.make_jobs(p_pipeline_no int, list millrace.route_row[])
-- Returns:    the kinds that have something due now
-- Changes:    job (one per step of the rule; upload and step are its identity, so that twice makes the same tree), ticket, tally_delta;
--             for limited kinds parked, group_delta and job_group instead of ticket
-- Locks:      shared, the advisory lock under which limits change
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.make_jobs(p_pipeline_no integer, list millrace.route_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	kinds smallint[];
	k millrace.kind;
begin
	perform pg_advisory_xact_lock_shared(1300, 0);
	for k in select x.* from millrace.kind x where x.limited and x.kind_no in (
		select s.kind_no from millrace.pipeline_step s where s.pipeline_no = p_pipeline_no) order by 1
	loop
		perform millrace.group_numbers(k.kind_no, array(
			select distinct millrace.group_name(k.group_by, u) from unnest(list) r join millrace.upload u on u.id = r.upload_id
			where r.outcome = 'expand'));
	end loop;

	with new_job as (
		insert into millrace.job (upload_id, step_no, kind_no, class, pipeline_no, group_no, position, state, blocked_by)
		select r.upload_id, s.step_no, s.kind_no, u.lane * 4 + s.class, p_pipeline_no,
			case when k.limited then (select g.group_no from millrace.job_group g
				where g.kind_no = k.kind_no and g.hash = millrace.group_hash(millrace.group_name(k.group_by, u))) else 0 end,
			nextval('millrace.ticket_position'),
			case when cardinality(s.after) = 0 then 'queued' else 'waiting' end::millrace.job_state, cardinality(s.after)
		from unnest(list) r
		join millrace.upload u on u.id = r.upload_id
		join millrace.pipeline_step s on s.pipeline_no = p_pipeline_no and s.rule_no = r.rule_no
		join millrace.kind k on k.kind_no = s.kind_no
		where r.outcome = 'expand'
		order by r.n, s.step_no
		on conflict (upload_id, step_no) do nothing
		returning job.*),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
		select j.kind_no, j.class, 1, j.step_no, j.position, j.upload_id
		from new_job j where j.state = 'queued' and j.group_no = 0),
	waiting as (
		insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select j.kind_no, j.class, 1, j.step_no, j.group_no, j.position, j.upload_id
		from new_job j where j.state = 'queued' and j.group_no <> 0),
	noted as (
		insert into millrace.group_delta (kind_no, group_no, parked)
		select j.kind_no, j.group_no, count(*) from new_job j where j.state = 'queued' and j.group_no <> 0
		group by j.kind_no, j.group_no),
	counted as (
		insert into millrace.tally_delta (kind_no, waiting, queued)
		select j.kind_no, count(*) filter (where j.state = 'waiting'), count(*) filter (where j.state = 'queued')
		from new_job j group by j.kind_no
		returning tally_delta.kind_no, tally_delta.queued)
	select array_agg(c.kind_no) filter (where c.queued > 0) into kinds from counted c;
	return coalesce(kinds, '{}');
end
$$;
comment on function millrace.make_jobs(integer, millrace.route_row[]) is 'Makes the jobs of routed uploads.';
