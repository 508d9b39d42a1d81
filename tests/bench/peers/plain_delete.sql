-- Plain SKIP LOCKED under pgbench: claim a batch, then delete it.
with claimed as (
	update ref set state = 1
	where id in (select id from ref where state = 0 order by id limit :batch for update skip locked)
	returning id)
select coalesce(array_agg(id), '{}') as ids from claimed \gset
delete from ref where id = any(:ids);
