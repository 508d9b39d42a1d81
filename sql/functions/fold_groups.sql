-- Function:   millrace.fold_groups(p_kind smallint)
-- Changes:    group_delta, group_live, turn: what committed calls changed in the groups is added up; a group with nothing left is gone
-- Locks:      none beyond the caller's
-- For:        admit
create or replace function millrace.fold_groups(p_kind smallint) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	with gone as (delete from millrace.group_delta d where d.kind_no = p_kind returning d.*),
	sums as (
		select g.group_no, sum(g.parked) as parked, sum(g.admitted) as admitted from gone g group by g.group_no order by g.group_no),
	folded as (
		insert into millrace.group_live as l
		select p_kind, s.group_no, s.parked, s.admitted,
			(select g.weight from millrace.job_group g where g.group_no = s.group_no)
		from sums s
		on conflict (kind_no, group_no) do update
			set parked = l.parked + excluded.parked, admitted = l.admitted + excluded.admitted)
	insert into millrace.turn as t
	select p_kind, 0, sum(s.admitted) from sums s having count(*) > 0
	on conflict (kind_no) do update set admitted = t.admitted + excluded.admitted;
	delete from millrace.group_live l where l.kind_no = p_kind and l.parked = 0 and l.admitted = 0;
end
$$;
comment on function millrace.fold_groups(smallint) is 'Folds the changes of groups into the groups.';
