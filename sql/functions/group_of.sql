-- Function:   millrace.group_of(p_kind smallint, p_upload uuid)
-- Returns:    the number of the group that a job of this limited kind belongs to; it has one (group_numbers)
-- Changes:    nothing
-- Locks:      none
-- For:        make_jobs, whose settings it runs under
create or replace function millrace.group_of(p_kind smallint, p_upload uuid) returns integer
language plpgsql as $$
begin
	-- The name first, by itself: a join may begin with all groups of the kind.
	return (select g.group_no from millrace.job_group g
		where g.kind_no = p_kind and g.hash = (
			select millrace.group_hash(millrace.group_name(k.group_by, u)) from millrace.kind k, millrace.upload u
			where k.kind_no = p_kind and u.id = p_upload));
end
$$;
comment on function millrace.group_of(smallint, uuid) is 'The group of an upload''s jobs of a kind.';
