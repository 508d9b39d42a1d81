-- Function:   millrace.group_hash(name text)
-- Returns:    16 bytes of sha-256: names may be too long for an index
-- Changes:    nothing
-- Locks:      none
-- For:        make_jobs, park, set_group
create or replace function millrace.group_hash(name text) returns uuid
language plpgsql immutable as $$
begin
	return encode(substring(sha256(convert_to(name, 'UTF8')) for 16), 'hex')::uuid;
end
$$;
comment on function millrace.group_hash(text) is 'A group''s name as a key.';
