-- Function:   millrace.identity_hash(parts text[])
-- Returns:    16 bytes of sha-256 over the parts, unambiguous in where each ends, as a uuid because that is a fixed
--             16 bytes; keys are too long for an index
-- Changes:    nothing
-- Locks:      none
-- For:        the functions that identify uploads
create or replace function millrace.identity_hash(variadic parts text[]) returns uuid
language plpgsql immutable parallel safe as $$
begin
	return encode(substring(sha256(convert_to(array_to_json(parts)::text, 'UTF8')) for 16), 'hex')::uuid;
end
$$;
comment on function millrace.identity_hash(text[]) is '16 bytes of sha-256 over some texts.';
