-- Function:   millrace.park(k millrace.kind)
-- Parameters: k: a kind whose limits have changed
-- Returns:    true when there is more to do; null when there is, but not before those have ended who claim it right now
-- Changes:    ticket, parked, job, job_group, group_delta: up to 5,000 tickets that nobody has claimed go back to wait for their group's
--             turn; kind.parking when nothing is left
-- Locks:      the tickets; one that is being claimed is let go
-- For:        admit
create or replace function millrace.park(k millrace.kind) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
	back millrace.ticket[];
begin
	with gone as (
		delete from millrace.ticket t where t.ctid = any (array(
			select x.ctid from millrace.ticket x where x.kind_no = k.kind_no and x.session = 0
			order by x.class, x.position limit 5000 for update skip locked))
		returning t.*)
	select coalesce(array_agg(g::millrace.ticket), '{}') into back from gone g;
	if cardinality(back) = 0 then
		-- A claim may be rolled back, and then its ticket would be free and count nowhere.
		if exists (select from millrace.ticket x where x.kind_no = k.kind_no and x.session = 0) then
			return null;
		end if;
		update millrace.kind x set parking = false where x.kind_no = k.kind_no;
		return false;
	end if;
	perform millrace.group_numbers(k.kind_no, array(
		select distinct millrace.group_name(k.group_by, u) from unnest(back) b join millrace.upload u on u.id = b.upload_id));
	with placed as (
		select b.kind_no, b.class, b.attempt, b.step_no, g.group_no, b.position, b.upload_id, b.group_no as before
		from unnest(back) b
		join millrace.upload u on u.id = b.upload_id
		join millrace.job_group g on g.kind_no = k.kind_no and g.hash = millrace.group_hash(millrace.group_name(k.group_by, u))),
	parked as (
		insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select p.kind_no, p.class, p.attempt, p.step_no, p.group_no, p.position, p.upload_id from placed p),
	counted as (
		insert into millrace.group_delta (kind_no, group_no, parked, admitted)
		select p.kind_no, c.group_no, sum(c.parked), sum(c.admitted)
		from placed p cross join lateral (values (p.group_no, 1, 0), (p.before, 0, -1)) c (group_no, parked, admitted)
		where c.group_no <> 0
		group by p.kind_no, c.group_no)
	update millrace.job j set group_no = p.group_no, position = p.position
	from placed p where j.upload_id = p.upload_id and j.step_no = p.step_no and (j.group_no, j.position) <> (p.group_no, p.position);
	return true;
end
$$;
comment on function millrace.park(millrace.kind) is 'Takes tickets back that were made under other limits.';
