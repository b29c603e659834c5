-- name: upsert_schedule
-- creates or changes a schedule
insert into queue.schedule as s (team, name, topic, cron, time_zone, payload, ordering_key, priority, next_at)
values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)
on conflict (team, name) do update
    set topic = excluded.topic, cron = excluded.cron, time_zone = excluded.time_zone, payload = excluded.payload,
        ordering_key = excluded.ordering_key, priority = excluded.priority,
        next_at = case
            when s.cron = excluded.cron and s.time_zone = excluded.time_zone then s.next_at else excluded.next_at
        end
returning next_at;

-- name: delete_schedule
-- deletes a schedule
delete from queue.schedule where team = $1 and name = $2 returning name;

-- name: pause_schedule
-- pauses or resumes a schedule
update queue.schedule set paused = $3 where team = $1 and name = $2 returning name;

-- name: list_schedules
-- lists all schedules
select name, topic, cron, time_zone, payload, ordering_key, priority, next_at, last_at, paused
from queue.schedule
where team = $1
order by name;

-- name: get_time
-- reads the database's clock
select coalesce($1::timestamptz, clock_timestamp());

-- name: list_due_schedules
-- lists the schedules that are due, with the database's time
select
    name, topic, cron, time_zone, payload, ordering_key, priority, next_at,
    coalesce($2::timestamptz, clock_timestamp()) as now
from queue.schedule
where team = $1 and not paused and next_at <= coalesce($2::timestamptz, clock_timestamp())
order by next_at;

-- name: advance_schedule
-- moves a schedule to its next time; only the first process to do so gets a row
update queue.schedule set next_at = $4, last_at = $3
where team = $1 and name = $2 and next_at = $3 and not paused
returning name;
