-- Function:   millrace.cancel_route(p_upload uuid)
-- Parameters: p_upload: an upload that is not routed yet
-- Changes:    ticket, or delayed while it waits to be tried again; tally_delta. A router that has it comes too late, by the fence
-- Locks:      its ticket; the caller holds the upload
-- For:        cancel_upload, whose settings it runs under. Nothing says where the ticket of a routing is: it reads those of all that are not routed
create or replace function millrace.cancel_route(p_upload uuid) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	held bigint;
begin
	delete from millrace.ticket t where t.kind_no = 1 and t.upload_id = p_upload returning t.session into held;
	if not found then
		delete from millrace.delayed d using (select x.low_at, x.low_no from millrace.due_mark x order by x.gen desc limit 1) m
		where (d.due_at, d.delayed_no) > (m.low_at, m.low_no) and d.kind_no = 1 and d.upload_id = p_upload;
	end if;
	insert into millrace.tally_delta (kind_no, queued, running, retrying)
	values (1, -coalesce((held = 0)::integer, 0), -coalesce((held <> 0)::integer, 0), -(held is null)::integer);
end
$$;
comment on function millrace.cancel_route(uuid) is 'Ends the routing of an upload.';
