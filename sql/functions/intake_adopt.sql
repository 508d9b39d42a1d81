-- Function:   millrace.intake_adopt(list millrace.intake_event[])
-- Returns:    the records with the trace ID that each will have: the one in the notification if it names our own expected upload of that
--             object or is unused; else the new one, and the sender's is kept as client_trace_id
-- Changes:    nothing
-- Locks:      none; the caller holds the advisory locks of the senders' IDs
-- For:        accept_uploads, whose settings it runs under
create or replace function millrace.intake_adopt(list millrace.intake_event[]) returns millrace.intake_event[]
language plpgsql as $$
begin
	return (select coalesce(array_agg(row(
			e.n, e.body, e.what, e.name, e.reason, case when a.adopted then e.trace_uuid else e.id end, e.source, e.store, e.bucket,
			e.key, e.version_id, e.etag, e.size, e.event_time, e.origin, e.sequencer, e.request_id, e.content_type, e.trace_uuid,
			case when not a.adopted then e.trace_text end, e.trace_text, e.metadata, e.object_hash,
			e.hash)::millrace.intake_event order by e.n), '{}')
		from (
			select x.*, row_number() over (partition by x.trace_uuid order by x.what <> 'created', x.n) as turn
			from unnest(list) x
		) e
		left join millrace.upload u on u.id = e.trace_uuid
		cross join lateral (
			select coalesce(e.what = 'created' and e.trace_uuid is not null and e.turn = 1 and
				(u.id is null or u.state = 'expected' and u.object_hash = e.object_hash and u.store = e.store), false) as adopted
		) a);
end
$$;
comment on function millrace.intake_adopt(millrace.intake_event[]) is 'Decides whose trace ID each new upload gets.';
