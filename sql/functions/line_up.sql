-- Function:   millrace.line_up(p_limit int, t millrace.turn)
-- Parameters: as fold_groups
-- Returns:    t with the places
-- Changes:    group_line, group_live: all groups of the kind get in line anew, and what is parked of them is looked for from the start
-- Locks:      none beyond the caller's
-- For:        admit, when limits have changed: who had enough may have more now, and what came back is older than what was parked
create or replace function millrace.line_up(p_limit integer, t millrace.turn) returns millrace.turn
language plpgsql as $$
#variable_conflict use_column
declare
	groups integer[];
begin
	delete from millrace.group_line l where l.kind_no = t.kind_no;
	with old as (
		delete from millrace.group_live l where l.kind_no = t.kind_no returning l.*),
	written as (
		insert into millrace.group_live (kind_no, group_no, gen, parked, admitted, weight, in_line)
		select o.kind_no, o.group_no, o.gen + 1, o.parked, o.admitted, o.weight, o.parked > 0 and (p_limit = 0 or o.admitted < p_limit)
		from old o
		returning group_live.group_no, group_live.in_line)
	select coalesce(array_agg(w.group_no order by w.group_no), '{}') into groups from written w where w.in_line;
	insert into millrace.group_line (kind_no, place, group_no)
	select t.kind_no, t.last_place + g.n, g.group_no from unnest(groups) with ordinality g (group_no, n);
	t.group_limit := p_limit;
	t.last_place := t.last_place + cardinality(groups);
	return t;
end
$$;
comment on function millrace.line_up(integer, millrace.turn) is 'Lets all groups of a kind get in line anew.';
