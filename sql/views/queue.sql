-- queue -- what waits and runs, a row per kind.
create or replace view millrace.queue as
select kind, waiting, queued, running, retrying, dead, done, done_per_minute, now() - oldest_at as oldest, workers, paused
from millrace.queue_rows()
order by kind_no;
comment on view millrace.queue is 'What waits and runs, by kind.';
