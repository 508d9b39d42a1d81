-- The loop that everybody starts with, and the reference of the ratios: claim a batch, then delete it.
with claimed as (
	update ref set state = 1
	where id in (select id from ref where state = 0 order by id limit :batch for update skip locked)
	returning id)
select array_agg(id) as ids from claimed \gset
delete from ref where id = any(:ids);
