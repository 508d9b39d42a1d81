-- Function:   millrace.has_turns(p_kind smallint)
-- Returns:    whether something of the kind waits for its turn, or uses what it was given
-- Changes:    nothing
-- Locks:      none
-- For:        admit_kinds
create or replace function millrace.has_turns(p_kind smallint) returns boolean
language plpgsql stable as $$
#variable_conflict use_column
declare
	t millrace.turn;
begin
	select * into t from millrace.turn x where x.kind_no = p_kind order by x.gen desc limit 1;
	return t.admitted > 0 or t.first_place < t.last_place
		or exists (select from millrace.group_delta d where d.kind_no = p_kind and d.delta_no > coalesce(t.low_delta, 0));
end
$$;
comment on function millrace.has_turns(smallint) is 'Whether a kind has or had limits, and something of that is left.';
