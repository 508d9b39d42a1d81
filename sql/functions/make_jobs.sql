-- Function:   millrace.make_jobs(p_pipeline_no int, list millrace.route_row[])
-- Returns:    the kinds that have something due now
-- Changes:    job (one per step of the rule; an upload that has jobs gets no more), ticket, tally_delta; for limited kinds what
--             park_jobs changes instead of ticket
-- Locks:      shared, the advisory lock under which limits change
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.make_jobs(p_pipeline_no integer, list millrace.route_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	kinds smallint[];
	limited smallint[];
begin
	perform pg_advisory_xact_lock_shared(1300, 0);
	limited := array(select k.kind_no from millrace.kind k where k.limited);
	if cardinality(limited) > 0 then
		perform millrace.name_groups(p_pipeline_no, list);
	end if;

	with new_job as (
		insert into millrace.job (upload_id, step_no, kind_no, class, pipeline_no, group_no, position, state, blocked_by)
		select r.upload_id, s.step_no, s.kind_no, r.lane * 4 + s.class, p_pipeline_no,
			case when s.kind_no = any (limited) then millrace.group_of(s.kind_no, r.upload_id) else 0 end,
			nextval('millrace.ticket_position'),
			case when cardinality(s.after) = 0 then 'queued' else 'waiting' end::millrace.job_state, cardinality(s.after)
		from (
			select x.* from unnest(list) x
			where x.outcome = 'expand' and (select true from millrace.job j where j.upload_id = x.upload_id limit 1) is null
			offset 0) r
		cross join lateral (
			select p.step_no, p.kind_no, p.class, p.after from millrace.pipeline_step p
			where p.pipeline_no = p_pipeline_no and p.rule_no = r.rule_no
			order by p.step_no
			offset 0) s
		returning job.kind_no, job.class, job.step_no, job.group_no, job.position, job.upload_id, job.state),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
		select j.kind_no, j.class, 1, j.step_no, j.position, j.upload_id
		from new_job j where j.state = 'queued' and j.group_no = 0),
	counted as (
		insert into millrace.tally_delta (kind_no, waiting, queued)
		select j.kind_no, count(*) filter (where j.state = 'waiting'), count(*) filter (where j.state = 'queued')
		from new_job j group by j.kind_no
		returning tally_delta.kind_no, tally_delta.queued)
	select array_agg(c.kind_no) filter (where c.queued > 0) into kinds from counted c;
	if kinds && limited then
		perform millrace.park_jobs(list);
	end if;
	return coalesce(kinds, '{}');
end
$$;
comment on function millrace.make_jobs(integer, millrace.route_row[]) is 'Makes the jobs of routed uploads.';
