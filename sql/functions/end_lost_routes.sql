-- Function:   millrace.end_lost_routes(list millrace.finish_row[])
-- Parameters: list: a ticket that was lost with its session, was all that this held, and is free again
-- Changes:    upload (route_crashes), and for one that went down with 3 routers: ticket, dead_job, upload, tally_delta
-- Locks:      none beyond the caller's
-- For:        note_lost
create or replace function millrace.end_lost_routes(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	dead millrace.finish_row[];
begin
	update millrace.upload u set route_crashes = u.route_crashes + 1
	from unnest(list) f where f.step_no = 0 and u.id = f.upload_id;

	select array_agg(f::millrace.finish_row) into dead
	from unnest(list) f join millrace.upload u on u.id = f.upload_id
	where f.step_no = 0 and u.route_crashes >= 3;
	if dead is null then
		return;
	end if;
	delete from millrace.ticket t using (
		select (select x.ctid from millrace.ticket x
			where x.kind_no = d.kind_no and x.class = d.class and x.position = d.position) as row_at
		from unnest(dead) d
		offset 0) d
	where t.ctid = d.row_at;
	update millrace.upload u set state = 'failed', finished_at = clock_timestamp(), reason = 'lost',
		detail = 'Its router, which routed nothing else, died or fell silent 3 times.'
	from unnest(dead) d where u.id = d.upload_id;
	insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
	select d.upload_id, 0, 1, d.attempt, 'lost', 'Its router, which routed nothing else, died or fell silent 3 times.' from unnest(dead) d
	on conflict (upload_id, step_no) do update set died_at = now(), attempt = excluded.attempt,
		error_class = excluded.error_class, error = excluded.error;
	insert into millrace.tally_delta (kind_no, queued) values (1, -cardinality(dead));
end
$$;
comment on function millrace.end_lost_routes(millrace.finish_row[]) is 'Ends routings that keep taking their router with them.';
