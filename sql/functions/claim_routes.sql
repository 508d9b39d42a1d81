-- Function:   millrace.claim_routes(session bigint, max int, classes smallint[], marks bigint[], held int default 0)
-- Parameters: as claim_tickets; the kind is 1
-- Returns:    what the router needs to route each upload
-- Changes:    ticket, lease_grant, tally_delta
-- Locks:      the tickets; what others hold is skipped
-- For:        C, the router
create or replace function millrace.claim_routes(session bigint, max integer, classes smallint[], marks bigint[], held integer default 0)
returns table (class smallint, pos bigint, upload_id uuid, attempt smallint, grant_no bigint, store text, bucket text, key text,
	version_id text, etag text, size bigint, content_type text, metadata jsonb)
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	taken millrace.claim_row[];
	granted bigint;
begin
	select c.held, c.granted into taken, granted
	from millrace.claim_tickets(claim_routes.session, 1::smallint, claim_routes.max, claim_routes.classes, claim_routes.marks,
		claim_routes.held) c;
	if cardinality(taken) = 0 then
		return;
	end if;
	return query
	select t.class, t.pos, t.upload_id, t.attempt, granted, u.store, u.bucket, u.key, u.version_id, u.etag, u.size,
		u.content_type, u.metadata
	from unnest(taken) t
	join millrace.upload u on u.id = t.upload_id;
end
$$;
comment on function millrace.claim_routes(bigint, integer, smallint[], bigint[], integer) is 'Claims uploads to route.';
