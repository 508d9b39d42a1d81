-- Function:   millrace.settle_many(list millrace.finish_row[])
-- Parameters: list: jobs that moved, those of uploads with few jobs among them
-- Changes:    upload_delta, and what fold_upload changes: uploads with many jobs
-- Locks:      as fold_upload
-- For:        settle, whose settings it runs under
create or replace function millrace.settle_many(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	ids uuid[];
begin
	ids := array(select distinct f.upload_id from unnest(list) f join millrace.upload u on u.id = f.upload_id
		where u.many and f.next_state in ('done', 'failed', 'skipped') order by 1);
	insert into millrace.upload_delta (upload_id, decided, failed, review, gone)
	select f.upload_id, count(*) filter (where f.decides),
		count(*) filter (where f.next_state = 'failed' and f.on_failure = 'fail'),
		count(*) filter (where f.next_state = 'failed' and f.on_failure = 'review'),
		max(f.outcome) filter (where f.outcome in ('source_gone', 'superseded'))
	from unnest(list) f
	where f.next_state in ('done', 'failed', 'skipped') and f.upload_id = any (ids)
	group by f.upload_id
	having bool_or(f.decides) or bool_or(f.outcome in ('source_gone', 'superseded'))
	order by f.upload_id;
	-- A delta that is not folded here, because another has the lock and cannot see it, is folded by the keeper.
	perform millrace.fold_upload(i.id, false) from unnest(ids) i (id);
end
$$;
comment on function millrace.settle_many(millrace.finish_row[]) is 'What follows for uploads with many jobs from jobs that ended.';
