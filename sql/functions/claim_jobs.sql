-- Function:   millrace.claim_jobs(session bigint, kind_no smallint, max int, classes smallint[], marks bigint[], held int default 0)
-- Parameters: as claim_tickets
-- Returns:    what a worker needs to run each job
-- Changes:    ticket, lease_grant, tally_delta
-- Locks:      the tickets; what others hold is skipped
-- For:        C, the worker
create or replace function millrace.claim_jobs(session bigint, kind_no smallint, max integer, classes smallint[], marks bigint[], held integer default 0)
returns table (class smallint, pos bigint, upload_id uuid, step_no smallint, attempt smallint, grant_no bigint,
	store text, bucket text, key text, version_id text, etag text, size bigint, content_type text,
	step text, kind text, params jsonb, timeout_ms bigint)
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	taken millrace.claim_row[];
	granted bigint;
begin
	select c.held, c.granted into taken, granted
	from millrace.claim_tickets(claim_jobs.session, claim_jobs.kind_no, claim_jobs.max, claim_jobs.classes, claim_jobs.marks,
		claim_jobs.held) c;
	if cardinality(taken) = 0 then
		return;
	end if;
	return query
	select t.class, t.pos, t.upload_id, t.step_no, t.attempt, granted, u.store, u.bucket, u.key, u.version_id,
		u.etag, u.size, coalesce(u.sniffed_type, u.content_type), s.step, k.name, s.params, s.timeout_ms
	from unnest(taken) t
	join millrace.upload u on u.id = t.upload_id
	join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = t.step_no
	join millrace.kind k on k.kind_no = s.kind_no;
end
$$;
comment on function millrace.claim_jobs(bigint, smallint, integer, smallint[], bigint[], integer) is 'Claims jobs of a kind.';
