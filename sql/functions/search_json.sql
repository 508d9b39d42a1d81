-- Function:   millrace.search_json(q text)
-- Parameters: q: a trace ID in any form, a sender's own trace ID, or bucket/key
-- Returns:    {"results": [...]}, newest first, at most 50
-- Changes:    nothing
-- Locks:      none
-- For:        C, the search box
create or replace function millrace.search_json(q text) returns jsonb
language sql stable security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
	select jsonb_build_object('results', coalesce(jsonb_agg(jsonb_build_object('trace_id', millrace.trace_text(h.id),
		'bucket', h.bucket, 'key', h.key, 'state', h.state, 'received_at', millrace.utc_text(h.received_at))
		order by h.received_at desc, h.id desc), '[]'))
	from (
		select distinct u.id, u.bucket, u.key, u.state, u.received_at
		from (
			select millrace.trace_uuid(split_part(trim(q), '/', 1)) as id
			union
			-- First what matches, then the newest of it: else all uploads may be walked from the newest on.
			(select c.id from (select x.id from millrace.upload x where x.client_trace_id = trim(q) offset 0) c
			order by c.id desc limit 50)
			union
			(select o.id from (select x.id from millrace.upload x
				where strpos(q, '/') > 0 and x.object_hash = millrace.identity_hash(split_part(q, '/', 1),
					substr(q, length(split_part(q, '/', 1)) + 2)) offset 0) o
			order by o.id desc limit 50)
		) i
		join millrace.upload u on u.id = i.id
		order by u.received_at desc limit 50
	) h
$$;
comment on function millrace.search_json(text) is 'Finds uploads by trace ID, sender''s ID or bucket/key.';
