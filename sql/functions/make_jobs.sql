-- Function:   millrace.make_jobs(p_pipeline_no int, list millrace.route_row[])
-- Returns:    the kinds that have new tickets
-- Changes:    job (one per step of the rule; upload and step are its identity, so that twice makes the same tree), ticket, tally_delta
-- Locks:      none beyond the caller's
-- For:        expand_uploads
create or replace function millrace.make_jobs(p_pipeline_no integer, list millrace.route_row[]) returns smallint[]
language plpgsql
set search_path = millrace, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	made millrace.job[];
begin
	with new_job as (
		insert into millrace.job (upload_id, step_no, kind_no, class, position, state, blocked_by)
		select r.upload_id, s.step_no, s.kind_no, u.lane * 4 + s.class, nextval('millrace.ticket_position'),
			case when cardinality(s.after) = 0 then 'queued' else 'waiting' end::millrace.job_state, cardinality(s.after)
		from unnest(list) r
		join millrace.upload u on u.id = r.upload_id
		join millrace.pipeline_step s on s.pipeline_no = p_pipeline_no and s.rule_no = r.rule_no
		where r.outcome = 'expand'
		order by r.n, s.step_no
		on conflict (upload_id, step_no) do nothing
		returning job.*)
	select array_agg(j::millrace.job) into made from new_job j;
	if made is null then
		return '{}';
	end if;
	insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
	select j.kind_no, j.class, 1, j.step_no, j.position, j.upload_id from unnest(made) j where j.state = 'queued';
	perform millrace.tally_add(array_agg(millrace.tally_of(k.kind_no, d_waiting => k.waiting, d_queued => k.queued)))
	from (select j.kind_no, count(*) filter (where j.state = 'waiting') as waiting,
		count(*) filter (where j.state = 'queued') as queued from unnest(made) j group by j.kind_no) k;
	return (select coalesce(array_agg(distinct j.kind_no), '{}') from unnest(made) j where j.state = 'queued');
end
$$;
comment on function millrace.make_jobs(integer, millrace.route_row[]) is 'Makes the jobs of routed uploads.';
