-- dead -- the dead letters.
create or replace view millrace.dead as
select job_id, kind, died_at, attempts, error_class, error, bucket, key from millrace.dead_rows() order by died_at desc;
comment on view millrace.dead is 'The dead letters, newest first; select * from millrace.replay_job(job_id, who, why) runs one again.';
