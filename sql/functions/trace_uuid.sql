-- Function:   millrace.trace_uuid(trace_id text)
-- Parameters: trace_ and 26 Crockford characters, the 26 alone, 32 hex digits or a UUID, in any case
-- Returns:    the ID, or null for anything else
-- Changes:    nothing
-- Locks:      none
-- For:        psql, and the functions that take an ID
create or replace function millrace.trace_uuid(trace_id text) returns uuid
language plpgsql immutable strict parallel safe as $$
declare
	given constant text := upper(regexp_replace(trim(trace_id), '^trace_', '', 'i'));
	plain constant text := replace(given, '-', '');
	bits bit varying := B'';
begin
	if plain ~ '^[0-9A-F]{32}$' and (given = plain or given ~ '^.{8}-.{4}-.{4}-.{4}-.{12}$') then
		return plain::uuid;
	end if;
	if given !~ '^[0-7][0-9ABCDEFGHJKMNPQRSTVWXYZ]{25}$' then
		return null;
	end if;
	for i in 1..26 loop
		bits := bits || (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(given, i, 1)) - 1)::bit(5);
	end loop;
	return (lpad(to_hex(substring(bits from 3 for 64)::bit(64)::bigint), 16, '0') ||
		lpad(to_hex(substring(bits from 67 for 64)::bit(64)::bigint), 16, '0'))::uuid;
end
$$;
comment on function millrace.trace_uuid(text) is 'Reads a trace ID in any of its forms; null if it is none.';
