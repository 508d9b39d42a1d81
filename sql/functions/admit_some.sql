-- Function:   millrace.admit_some(taken millrace.group_live[])
-- Parameters: taken: groups of one kind, each with how many of it are admitted now (admitted)
-- Changes:    parked, ticket, job.position, group_live
-- Locks:      none beyond the caller's: nobody else takes parked jobs of the kind away
-- For:        admit. A fifth of what a group gets is for its lanes below live, as far as they have something
create or replace function millrace.admit_some(taken millrace.group_live[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	with picked as (
		select p.at
		from unnest(taken) g
		cross join lateral (
			select x.at from (
				(select y.ctid as at from millrace.parked y
				where y.kind_no = g.kind_no and y.group_no = g.group_no and y.class >= 4
				order by y.class, y.position limit floor(g.admitted * 0.2 + random())::integer)
				union
				(select y.ctid from millrace.parked y
				where y.kind_no = g.kind_no and y.group_no = g.group_no
				order by y.class, y.position limit g.admitted)) x
			limit g.admitted) p),
	gone as (
		delete from millrace.parked p using picked k where p.ctid = k.at returning p.*),
	moved as (
		update millrace.job j set position = nextval('millrace.ticket_position')
		from gone g where j.upload_id = g.upload_id and j.step_no = g.step_no
		returning g.kind_no, g.class, g.attempt, g.step_no, g.group_no, j.position, g.upload_id),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select m.kind_no, m.class, m.attempt, m.step_no, m.group_no, m.position, m.upload_id from moved m)
	update millrace.group_live l set parked = l.parked - g.admitted, admitted = l.admitted + g.admitted
	from unnest(taken) g where l.kind_no = g.kind_no and l.group_no = g.group_no;
end
$$;
comment on function millrace.admit_some(millrace.group_live[]) is 'Moves parked jobs to the tickets.';
