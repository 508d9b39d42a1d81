-- workers -- who is alive.
create or replace view millrace.workers as
select worker, host, version, kinds, slots, running, now() - seen_at as silent, now() - started_at as up, session
from millrace.worker_rows()
order by worker;
comment on view millrace.workers is 'The live workers and how much each holds.';
