-- uploads -- the parents as people read them.
create or replace view millrace.uploads as
select millrace.trace_text(u.id) as trace_id, u.bucket, u.key, u.state, u.reason, nullif(u.size, -1) as size, u.received_at,
	u.finished_at, u.finished_at - u.received_at as took, u.store, u.version_id, u.etag, u.client_trace_id, u.id as upload_id
from millrace.upload u;
comment on view millrace.uploads is 'The uploads; newest: order by upload_id desc limit 20.';
