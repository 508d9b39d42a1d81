-- Function:   millrace.intake_events(sources text[], bodies bytea[], events jsonb)
-- Returns:    the records as rows, with their identity: hash is null for what makes no upload
-- Changes:    nothing
-- Locks:      none
-- For:        accept_uploads, whose settings it runs under
create or replace function millrace.intake_events(sources text[], bodies bytea[], events jsonb)
returns millrace.intake_event[]
language plpgsql as $$
begin
	return (select coalesce(array_agg(row(
			r.ord - 1, r.body, r.what, r.name, r.reason, r.id, sources[r.body + 1], r.store, r.bucket, r.key, r.version_id, r.etag,
			coalesce(r.size, -1), r.event_time, r.origin, r.sequencer, r.request_id, r.content_type,
			r.trace_uuid, null, r.trace_text, r.metadata,
			case when r.key is null then r.id else millrace.identity_hash(r.bucket, r.key) end,
			case r.what
				when 'created' then case
					when r.version_id is not null then millrace.identity_hash(r.store, r.bucket, r.key, 'version', r.version_id)
					when r.request_id is not null then millrace.identity_hash(r.store, r.bucket, r.key, 'write', r.etag, r.request_id)
					else millrace.identity_hash(r.store, r.bucket, r.key, 'time', r.etag, millrace.utc_text(r.event_time)) end
				when 'refused' then millrace.identity_hash('refused', sources[r.body + 1],
					encode(sha256(bodies[r.body + 1]), 'hex'), r.turn::text)
			end)::millrace.intake_event order by r.ord), '{}')
		from (
			select e.ord, x.*, row_number() over (partition by x.body order by e.ord) as turn
			from jsonb_array_elements(events) with ordinality e (value, ord),
				jsonb_to_record(e.value) as x (body integer, what text, name text, reason text, id uuid, store text, bucket text,
					key text, version_id text, etag text, size bigint, event_time timestamptz, origin text, sequencer text,
					request_id text, content_type text, trace_uuid uuid, trace_text text, metadata jsonb)
		) r);
end
$$;
comment on function millrace.intake_events(text[], bytea[], jsonb) is 'Records of notifications as rows with their identity.';
