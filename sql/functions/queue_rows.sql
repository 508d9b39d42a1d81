-- Function:   millrace.queue_rows()
-- Returns:    a row per kind (done_per_minute: in the last whole minute); its cost depends on the number of kinds, dead jobs and workers, not on the backlog
-- Changes:    nothing
-- Locks:      none
-- For:        queues_json, the view queue
create or replace function millrace.queue_rows()
returns table (kind_no smallint, kind text, waiting bigint, queued bigint, running bigint, retrying bigint, dead bigint,
	done bigint, done_per_minute bigint, oldest_at timestamptz, workers bigint, paused boolean)
language sql stable security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
	select k.kind_no, k.name, t.waiting, t.queued, t.running, t.retrying, coalesce(d.n, 0), t.done, coalesce(m.done, 0), o.at, coalesce(w.n, 0),
		k.paused_at is not null
	from millrace.kind k
	join millrace.tallies() t on t.kind_no = k.kind_no
	left join (select x.kind_no, count(*) as n from millrace.dead_job x group by x.kind_no) d on d.kind_no = k.kind_no
	left join (select x.no, count(*) as n from millrace.sessions() v, unnest(v.kind_nos) x (no) group by x.no) w
		on w.no = k.kind_no
	left join millrace.tally_minute m on m.kind_no = k.kind_no and m.minute = date_trunc('minute', now()) - interval '1 minute'
	left join lateral (
		select min(coalesce(j.created_at, u.received_at)) as at
		from millrace.kind_class c
		cross join lateral (
			select i.upload_id, i.step_no from millrace.ticket i
			where i.kind_no = k.kind_no and i.class = c.class and i.session = 0
				and i.position > millrace.mark_of(k.kind_no, c.class)
			order by i.position limit 1) i
		join millrace.upload u on u.id = i.upload_id
		left join millrace.job j on j.upload_id = i.upload_id and j.step_no = i.step_no
		where c.kind_no = k.kind_no) o on true
$$;
comment on function millrace.queue_rows() is 'The queues, a row per kind.';
