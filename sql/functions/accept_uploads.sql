-- Function:   millrace.accept_uploads(sources text[], bodies bytea[], events jsonb)
-- Parameters: sources, bodies: the notifications as received; events: their records (sql/README.md)
-- Returns:    (n, outcome, upload_id) per record, in order: accepted, duplicate, refused or noted
-- Changes:    upload_key, upload, rejected, ticket, event_log, tally_delta
-- Locks:      trace IDs that senders chose (advisory, sorted), then upload_key by hash
-- For:        C, the receiver; the caller wakes kind 1 afterwards
create or replace function millrace.accept_uploads(sources text[], bodies bytea[], events jsonb)
returns table (n integer, outcome text, upload_id uuid)
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	list millrace.intake_event[];
	fresh jsonb;
	new boolean[];
	made bigint;
begin
	list := millrace.intake_events(sources, bodies, events);
	perform pg_advisory_xact_lock(hashtextextended(t::text, 1297))
	from (select distinct e.trace_uuid as t from unnest(list) e where e.trace_uuid is not null order by 1) s;
	list := millrace.intake_adopt(list);

	-- Who wins an identity is decided here and only here.
	with won as (
		insert into millrace.upload_key (hash, upload_id)
		select distinct on (e.hash) e.hash, e.id
		from unnest(list) e
		where e.hash is not null
		order by e.hash, e.n
		on conflict (hash) do nothing
		returning upload_key.upload_id)
	select coalesce(jsonb_object_agg(w.upload_id, null), '{}') into fresh from won w;
	-- As an object, which is searched by halves, and once: an array would be walked for each of the others.
	new := array(select fresh ? e.id::text from unnest(list) e order by e.n);

	insert into millrace.upload as u (id, object_hash, size, event_time, finished_at, state, source, store, bucket, key,
		version_id, etag, request_id, origin, sequencer, content_type, client_trace_id, reason, detail, metadata)
	select e.id, e.object_hash, e.size, e.event_time, case when e.what = 'refused' then now() end,
		case when e.what = 'refused' then 'rejected' else 'accepted' end::millrace.upload_state,
		e.source, e.store, e.bucket, e.key, e.version_id, e.etag, e.request_id, e.origin, e.sequencer, e.content_type,
		e.client_trace_id, case when e.what = 'refused' then 'malformed' end, e.reason, e.metadata
	from unnest(list) e
	where new[e.n + 1]
	order by e.n
	on conflict (id) do update set
		state = excluded.state, received_at = now(), size = excluded.size, event_time = excluded.event_time,
		source = excluded.source, version_id = excluded.version_id, etag = excluded.etag,
		request_id = excluded.request_id, origin = excluded.origin, sequencer = excluded.sequencer,
		content_type = excluded.content_type, metadata = excluded.metadata
	where u.state = 'expected';

	insert into millrace.rejected (upload_id, reason)
	select e.id, 'malformed' from unnest(list) e where new[e.n + 1] and e.what = 'refused';

	insert into millrace.event_log (source, body, outcomes)
	select sources[b.i], bodies[b.i], b.outcomes
	from (
		select e.body + 1 as i, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('what', e.what, 'name', e.name,
			'trace_id', millrace.trace_text(case when new[e.n + 1] then e.id end), 'reason', e.reason)) order by e.n) as outcomes
		from unnest(list) e
		group by e.body
		having bool_or(new[e.n + 1] or e.what in ('removed', 'other'))
	) b
	order by b.i;

	-- Positions are taken last: the transaction has an xid by now, which is what the sweep's ranges rely on.
	insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id)
	select 1, 0, 1, 0, e.id from unnest(list) e where new[e.n + 1] and e.what = 'created' order by e.n;
	get diagnostics made = row_count;
	if made > 0 then
		insert into millrace.tally_delta (kind_no, queued) values (1, made);
	end if;

	return query
	select e.n,
		case when e.what in ('removed', 'other') then 'noted'
			when e.what = 'refused' then 'refused'
			when new[e.n + 1] then 'accepted'
			else 'duplicate' end,
		case when new[e.n + 1] then e.id else k.upload_id end
	from unnest(list) e left join millrace.upload_key k on k.hash = e.hash
	order by e.n;
end
$$;
comment on function millrace.accept_uploads(text[], bytea[], jsonb) is 'Makes an upload of each record that is not yet one.';
