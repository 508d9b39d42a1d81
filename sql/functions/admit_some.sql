-- Function:   millrace.admit_some(p_limit int, p_quantum int, p_room int, classes smallint[], t millrace.turn)
-- Parameters: p_limit: as fold_groups; p_quantum: what a group of weight 1 gets; p_room: the most of all; classes: those of the kind, in order
-- Returns:    t with what was admitted, and the places
-- Changes:    parked, ticket, group_live, group_line: the first groups in line get their share, and go to the end of the line if they may have more
-- Locks:      none beyond the caller's: nobody else takes parked jobs of the kind away
-- For:        admit. A fifth of what a group gets is for its lanes below live, as far as they have something
create or replace function millrace.admit_some(p_limit integer, p_quantum integer, p_room integer, classes smallint[], t millrace.turn)
returns millrace.turn
language plpgsql as $$
#variable_conflict use_column
declare
	total record;
	live constant smallint[] := array(select c from unnest(classes) c where c < 4);
	below constant smallint[] := array(select c from unnest(classes) c where c >= 4);
begin
	with line as (
		select r.ctid as line_at, r.place, l.*
		from (
			select x.ctid, x.place, x.group_no from millrace.group_line x
			where x.kind_no = t.kind_no and x.place > t.first_place
			order by x.place limit (p_room + p_quantum - 1) / p_quantum) r
		cross join lateral (
			select x.ctid as live_at, x.group_no, x.gen, x.parked, x.admitted, x.weight, x.marks,
				greatest(0, least(x.parked, x.weight * p_quantum, case when p_limit > 0 then p_limit - x.admitted else x.parked end)) as n
			from millrace.group_live x
			where x.kind_no = t.kind_no and x.group_no = r.group_no order by x.gen desc limit 1) l),
	share as materialized (
		select s.*, least(s.n, p_room - s.before)::integer as most, floor(least(s.n, p_room - s.before) * 0.2 + random())::integer as most_below
		from (select l.*, sum(l.n) over (order by l.place) - l.n as before from line l) s
		where s.before < p_room),
	-- Of each class from its mark on, and by itself: what was admitted before is not walked.
	picked as materialized (
		select s.line_at, s.live_at, s.place, s.group_no, s.gen + 1 as gen, s.parked - p.n as parked, s.admitted + p.n as admitted, s.weight,
			p.n, p.places, millrace.move_marks(s.marks, t.low_position, p.classes, p.positions) as marks
		from share s
		cross join lateral (
			select count(*)::integer as n, array_agg(q.at) as places, array_agg(q.class) as classes, array_agg(q.position) as positions
			from (
				(select y.* from unnest(below) c cross join lateral (
					select x.ctid as at, x.class, x.position from millrace.parked x
					where x.kind_no = t.kind_no and x.group_no = s.group_no and x.class = c and x.position > coalesce(s.marks[c + 1], 0)
					order by x.position limit s.most_below) y
				limit s.most_below)
				union all
				(select y.* from unnest(live) c cross join lateral (
					select x.ctid, x.class, x.position from millrace.parked x
					where x.kind_no = t.kind_no and x.group_no = s.group_no and x.class = c and x.position > coalesce(s.marks[c + 1], 0)
					order by x.position limit s.most) y)
				union all
				(select y.* from unnest(below) c cross join lateral (
					select x.ctid, x.class, x.position from millrace.parked x
					where x.kind_no = t.kind_no and x.group_no = s.group_no and x.class = c and x.position > coalesce(s.marks[c + 1], 0)
					order by x.position limit s.most_below + s.most) y
				offset s.most_below)
				limit s.most) q) p),
	gone as (
		delete from millrace.parked p where p.ctid = any (array(select unnest(k.places) from picked k)) returning p.*),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select g.kind_no, g.class, g.attempt, g.step_no, g.group_no, nextval('millrace.ticket_position'), g.upload_id
		from (select * from gone x order by x.position) g),
	again as (
		select k.*, k.parked > 0 and (p_limit = 0 or k.admitted < p_limit) as in_line from picked k),
	old as (
		delete from millrace.group_live l using again a where l.ctid = a.live_at),
	written as (
		insert into millrace.group_live (kind_no, group_no, gen, parked, admitted, weight, in_line, marks)
		select t.kind_no, a.group_no, a.gen, a.parked, a.admitted, a.weight, a.in_line, a.marks from again a),
	left_line as (
		delete from millrace.group_line l using again a where l.ctid = a.line_at),
	lined_up as (
		insert into millrace.group_line (kind_no, place, group_no)
		select t.kind_no, t.last_place + row_number() over (order by a.place), a.group_no from again a where a.in_line)
	select coalesce(sum(a.n), 0) as admitted, coalesce(max(a.place), t.last_place) as first, count(*) filter (where a.in_line) as lined_up
	into total from again a;
	t.admitted := t.admitted + total.admitted;
	t.first_place := total.first;
	t.last_place := t.last_place + total.lined_up;
	return t;
end
$$;
comment on function millrace.admit_some(integer, integer, integer, smallint[], millrace.turn) is 'Moves parked jobs to the tickets.';
