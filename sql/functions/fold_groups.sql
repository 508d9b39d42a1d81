-- Function:   millrace.fold_groups(p_limit int, t millrace.turn)
-- Parameters: p_limit: how many of a group may be admitted, 0: any number; t: the kind's turn
-- Returns:    t with what was folded: admitted, last_place
-- Changes:    group_delta, group_live, group_line: what committed calls changed in the groups is added up; who may have more goes to the end of
--             the line
-- Locks:      none beyond the caller's
-- For:        admit
create or replace function millrace.fold_groups(p_limit integer, t millrace.turn) returns millrace.turn
language plpgsql as $$
#variable_conflict use_column
declare
	total record;
begin
	with gone as (
		delete from millrace.group_delta d where d.kind_no = t.kind_no and d.delta_no > t.low_delta returning d.*),
	sums as (
		select g.group_no, sum(g.parked) as parked, sum(g.admitted) as admitted
		from gone g group by g.group_no),
	fresh as (
		select s.group_no, l.place, s.admitted as change, coalesce(l.gen, 0) + 1 as gen, coalesce(l.parked, 0) + s.parked as parked,
			coalesce(l.admitted, 0) + s.admitted as admitted, coalesce(l.in_line, false) as was_in,
			coalesce(l.weight, (select g.weight from millrace.job_group g where g.group_no = s.group_no)) as weight,
			coalesce(l.marks, '{}') as marks
		from sums s
		left join lateral (select x.ctid as place, x.* from millrace.group_live x
			where x.kind_no = t.kind_no and x.group_no = s.group_no order by x.gen desc limit 1) l on true),
	placed as (
		select f.*, f.was_in or f.parked > 0 and (p_limit = 0 or f.admitted < p_limit) as in_line from fresh f),
	old as (
		delete from millrace.group_live l using placed p where l.ctid = p.place),
	written as (
		insert into millrace.group_live (kind_no, group_no, gen, parked, admitted, weight, in_line, marks)
		select t.kind_no, p.group_no, p.gen, p.parked, p.admitted, p.weight, p.in_line, p.marks from placed p),
	lined_up as (
		insert into millrace.group_line (kind_no, place, group_no)
		select t.kind_no, t.last_place + row_number() over (order by p.group_no), p.group_no from placed p where p.in_line and not p.was_in)
	select coalesce(sum(p.change), 0) as admitted, count(*) filter (where p.in_line and not p.was_in) as lined_up
	into total from placed p;
	t.admitted := t.admitted + total.admitted;
	t.last_place := t.last_place + total.lined_up;
	return t;
end
$$;
comment on function millrace.fold_groups(integer, millrace.turn) is 'Folds the changes of groups into the groups.';
