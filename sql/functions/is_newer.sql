-- Function:   millrace.is_newer(a millrace.upload, b millrace.upload)
-- Returns:    whether a is a later write of the same object than b: by sequencer where both come from one origin that
--             orders, else by event time; false when nothing tells
-- Changes:    nothing
-- Locks:      none
-- For:        expand_uploads
create or replace function millrace.is_newer(a millrace.upload, b millrace.upload) returns boolean
language sql immutable parallel safe as $$
	select coalesce(
		case when a.origin = b.origin and a.sequencer <> b.sequencer
			then a.sequencer collate "C" > b.sequencer collate "C"
			else a.event_time > b.event_time
		end, false)
$$;
comment on function millrace.is_newer(millrace.upload, millrace.upload) is 'Whether the first is a later write of the same object than the second.';
