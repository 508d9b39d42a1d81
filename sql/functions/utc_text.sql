-- Function:   millrace.utc_text(t timestamptz)
-- Returns:    RFC 3339 in UTC with microseconds; null for null and for the infinities, which stand for "not yet" in narrow rows
-- Changes:    nothing
-- Locks:      none
-- For:        the functions that make JSON
create or replace function millrace.utc_text(t timestamptz) returns text
language sql immutable parallel safe as $$
	select case when isfinite(t) then to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end
$$;
comment on function millrace.utc_text(timestamptz) is 'A time as JSON shows it.';
