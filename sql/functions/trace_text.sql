-- Function:   millrace.trace_text(id uuid)
-- Returns:    the ID as people see it: trace_ and 26 Crockford characters; null for null
-- Changes:    nothing
-- Locks:      none
-- For:        psql, and the functions that make JSON
create or replace function millrace.trace_text(id uuid) returns text
language plpgsql immutable strict parallel safe as $$
declare
	hex constant text := replace(id::text, '-', '');
	-- 130 bits in 26 characters of 5: two leading zero bits.
	bits constant bit(130) := B'00' || ('x' || hex)::bit(128);
	answer text := 'trace_';
begin
	for i in 0..25 loop
		answer := answer || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
			substring(bits from i * 5 + 1 for 5)::bit(5)::integer + 1, 1);
	end loop;
	return answer;
end
$$;
comment on function millrace.trace_text(uuid) is 'A trace ID as people see it: trace_01J8…';
