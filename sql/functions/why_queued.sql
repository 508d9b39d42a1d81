-- Function:   millrace.why_queued(kind_name text, upload uuid, step_name text)
-- Returns:    why a queued job does not run, as the end of a sentence
-- Changes:    nothing
-- Locks:      none
-- For:        why
create or replace function millrace.why_queued(kind_name text, upload uuid, step_name text) returns text
language sql stable set search_path = millrace, pg_temp as $$
	select case
		when k.paused_at is not null then format('is held, because %s paused %s at %s', k.paused_by, k.name, millrace.utc_text(k.paused_at))
		when not exists (select from millrace.worker w where k.kind_no = any (w.kind_nos))
			then 'is queued, and no worker of its kind is alive'
		when k.parking then format('waits, because the limits of %s have just changed', k.name)
		when p.group_no is not null and k.group_limit > 0 and l.admitted >= k.group_limit
			then format('waits for its turn: %s of %s run or are about to, and that is the limit', l.admitted,
				coalesce(nullif(g.name, ''), k.name))
		when p.group_no is not null then format('waits for its turn: %s of %s run or are about to', coalesce(t.admitted, 0), k.name)
			|| case when k.run_limit > 0 then format(', %s may', k.run_limit) else '' end
		else 'is queued' end
	from millrace.kind k
	left join lateral (select x.admitted from millrace.turn x where x.kind_no = k.kind_no order by x.gen desc limit 1) t on true
	left join lateral (
		select x.group_no from millrace.job j
		join millrace.pipeline_step s on s.pipeline_no = j.pipeline_no and s.step_no = j.step_no and s.step = step_name
		join millrace.parked x on x.kind_no = j.kind_no and x.group_no = j.group_no and x.class = j.class and x.position = j.position
		where j.upload_id = upload) p on true
	left join millrace.job_group g on g.group_no = p.group_no
	left join lateral (select x.admitted from millrace.group_live x
		where x.kind_no = k.kind_no and x.group_no = p.group_no order by x.gen desc limit 1) l on true
	where k.name = kind_name
$$;
comment on function millrace.why_queued(text, uuid, text) is 'Why a queued job does not run.';
