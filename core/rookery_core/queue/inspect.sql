-- name: depths
-- live events of each subscription by state, and the age in seconds of the oldest that is ready
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
live as (
    select
        subscription,
        count(*) filter (where state = 'ready') as ready,
        count(*) filter (where state = 'scheduled') as scheduled,
        count(*) filter (where state = 'blocked') as blocked,
        count(*) filter (where state = 'leased') as leased,
        min(enqueued_at) filter (where state = 'ready') as oldest
    from queue.event
    where team = $1
    group by subscription
),
dead as (
    select subscription, count(*) as dead from queue.dead_letter where team = $1 group by subscription
),
recent as (
    select
        subscription,
        count(*) filter (where outcome = 'done') as done,
        avg(extract(epoch from finished_at - claimed_at)) filter (where outcome = 'done') as run_s,
        avg(extract(epoch from claimed_at - enqueued_at)) filter (where outcome = 'done') as wait_s
    from queue.history
    where team = $1 and finished_at > (select now from clock) - interval '1 minute'
    group by subscription
)
select
    s.name as subscription, s.topic, s.paused, s.concurrency,
    coalesce(l.ready, 0) as ready, coalesce(l.scheduled, 0) as scheduled, coalesce(l.blocked, 0) as blocked,
    coalesce(l.leased, 0) as leased, coalesce(d.dead, 0) as dead, coalesce(r.done, 0) as done_last_minute,
    r.run_s::double precision as mean_run_s, r.wait_s::double precision as mean_wait_s,
    extract(epoch from c.now - l.oldest)::double precision as oldest_ready_s,
    (
        select count(*)
        from queue.worker w
        where w.team = $1 and s.name = any (w.subscriptions) and w.seen_at > c.now - interval '30 seconds'
    ) as workers
from queue.subscription s
cross join clock c
left join live l on l.subscription = s.name
left join dead d on d.subscription = s.name
left join recent r on r.subscription = s.name
where s.team = $1
order by s.name;

-- name: names
-- the subscriptions of a team
select name from queue.subscription where team = $1 order by name;

-- name: health
-- what slows a queue down before it shows: dead rows, an old snapshot held open, a full notification queue
select
    (select n_dead_tup from pg_stat_user_tables where schemaname = 'queue' and relname = 'event') as dead_rows,
    (
        select max(age(backend_xmin))
        from pg_stat_activity
        where backend_xmin is not null and pid <> pg_backend_pid()
    ) as oldest_snapshot_age,
    pg_notification_queue_usage() as notification_queue_used;

-- name: workers
-- the workers that are registered, and how long ago each was heard of
select
    id, host, pid, subscriptions, concurrency, in_flight, state, started_at,
    extract(epoch from coalesce($2::timestamptz, clock_timestamp()) - seen_at)::double precision as silent_s
from queue.worker
where team = $1
order by started_at;

-- name: live_events
-- live events, lowest id first, after an id
select
    id, topic, subscription, state, priority, attempts, ordering_key, key, trace_id, run_at, lease_until, worker,
    enqueued_at, expires_at, cancel_requested, errors, payload
from queue.event
where team = $1 and id > $2 and ($3::text is null or subscription = $3) and ($4::text is null or state = $4)
order by id
limit $5;

-- name: dead_events
-- dead letters, lowest id first, after an id
select
    id, topic, subscription, 'dead' as state, reason, died_at, priority, attempts, ordering_key, key, trace_id,
    enqueued_at, errors, payload
from queue.dead_letter
where team = $1 and id > $2 and ($3::text is null or subscription = $3)
order by id
limit $4;

-- name: past_events
-- finished events, highest id first, before an id
select
    event_id as id, topic, subscription, outcome as state, priority, attempts, ordering_key, key, trace_id,
    enqueued_at, claimed_at, finished_at, worker, replay_of, errors, payload
from queue.history
where team = $1 and event_id < $2 and ($3::text is null or subscription = $3) and ($4::text is null or outcome = $4)
order by event_id desc
limit $5;

-- name: one_event
-- an event wherever it is
select 'live' as place, to_jsonb(e) as event from queue.event e where e.team = $1 and e.id = $2
union all
select 'dead', to_jsonb(d) from queue.dead_letter d where d.team = $1 and d.id = $2
union all
select 'history', to_jsonb(h) from queue.history h where h.team = $1 and h.event_id = $2;

-- name: events_of_trace
-- the events under a trace id, wherever they are
select id, topic, subscription, state, attempts, enqueued_at, null::timestamptz as finished_at
from queue.event
where team = $1 and trace_id = $2
union all
select id, topic, subscription, 'dead', attempts, enqueued_at, died_at
from queue.dead_letter
where team = $1 and trace_id = $2
union all
select event_id, topic, subscription, outcome, attempts, enqueued_at, finished_at
from queue.history
where team = $1 and trace_id = $2
order by enqueued_at;
