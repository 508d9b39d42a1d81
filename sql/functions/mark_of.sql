-- Function:   millrace.mark_of(kind_no smallint, class smallint)
-- Returns:    the stored mark of a class
-- Changes:    nothing
-- Locks:      none
-- For:        claims, the sweep, the counts
create or replace function millrace.mark_of(kind_no smallint, class smallint) returns bigint
language plpgsql stable as $$
begin
	return coalesce((select m.position from millrace.mark m
		where m.kind_no = mark_of.kind_no and m.class = mark_of.class order by m.gen desc limit 1), 0);
end
$$;
comment on function millrace.mark_of(smallint, smallint) is 'How far claims have come in a class.';
