-- Function:   millrace.take_tickets(p_upload uuid)
-- Returns:    the tickets that the upload's jobs had, free or held
-- Changes:    ticket, parked, group_delta: the queued jobs of the upload have no place any more
-- Locks:      the tickets; the caller holds the upload and the admission of its queued jobs' kinds
-- For:        cancel_jobs, whose settings it runs under
create or replace function millrace.take_tickets(p_upload uuid) returns millrace.ticket[]
language plpgsql as $$
#variable_conflict use_column
declare
	gone millrace.ticket[];
begin
	-- A claim may be under way: it is waited for, by the key, and only what it has left is then deleted by its place.
	perform from (
		select j.kind_no, j.class, j.position from millrace.job j
		where j.upload_id = p_upload and j.state = 'queued' and j.group_no = 0 offset 0) j
	cross join lateral (
		select from millrace.ticket t where t.kind_no = j.kind_no and t.class = j.class and t.position = j.position for update) t;
	-- One that was admitted has another position than its job.
	perform from millrace.ticket t where t.upload_id = p_upload and t.group_no <> 0 for update;

	with deleted as (
		delete from millrace.ticket t
		using (
			select case when j.group_no = 0
				then (select x.ctid from millrace.ticket x where x.kind_no = j.kind_no and x.class = j.class and x.position = j.position)
				else (select x.ctid from millrace.ticket x where x.upload_id = j.upload_id and x.step_no = j.step_no and x.group_no <> 0)
				end as row_at
			from millrace.job j where j.upload_id = p_upload and j.state = 'queued'
			offset 0) j
		where t.ctid = j.row_at
		returning t.*),
	unparked as (
		delete from millrace.parked p
		using (
			select (select x.ctid from millrace.parked x where x.kind_no = j.kind_no and x.group_no = j.group_no and x.class = j.class
				and x.position = j.position) as row_at
			from millrace.job j where j.upload_id = p_upload and j.state = 'queued'
			offset 0) j
		where p.ctid = j.row_at
		returning p.kind_no, p.group_no),
	counted as (
		insert into millrace.group_delta (kind_no, group_no, parked, admitted)
		select c.kind_no, c.group_no, -sum(c.parked), -sum(c.admitted)
		from (select p.kind_no, p.group_no, 1 as parked, 0 as admitted from unparked p
			union all
			select d.kind_no, d.group_no, 0, 1 from deleted d where d.group_no <> 0) c
		group by c.kind_no, c.group_no)
	select coalesce(array_agg(d::millrace.ticket), '{}') into gone from deleted d;
	return gone;
end
$$;
comment on function millrace.take_tickets(uuid) is 'Takes an upload''s jobs out of the queue.';
