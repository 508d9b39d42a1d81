-- Function:   millrace.route_judge(list millrace.route_row[])
-- Returns:    the routed uploads with what becomes of each: an older write that comes late is superseded, a retry past its limit has failed
-- Changes:    nothing
-- Locks:      none; the caller holds the uploads
-- For:        expand_uploads, whose settings it runs under
create or replace function millrace.route_judge(list millrace.route_row[]) returns millrace.route_row[]
language plpgsql as $$
begin
	return (select coalesce(array_agg(row(r.n, r.class, r.position, r.upload_id, r.attempt,
			case
				when r.outcome = 'expand' and exists (select from millrace.upload x
					where x.object_hash = u.object_hash and x.store = u.store and x.id <> u.id and x.state not in ('expected', 'rejected', 'expired')
						and millrace.is_newer(x, u)) then 'superseded'
				when r.outcome = 'retry' and u.route_errors + 1 >= 10 then 'failed'
				else r.outcome end,
			r.rule_no, r.detail)::millrace.route_row order by r.upload_id), '{}')
		from unnest(list) r join millrace.upload u on u.id = r.upload_id);
end
$$;
comment on function millrace.route_judge(millrace.route_row[]) is 'What becomes of uploads that the router looked at.';
