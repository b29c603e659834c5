-- name: get_subscription_stats
-- counts the live events of each subscription by state; oldest_ready_s is the age of the oldest ready event
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

-- name: get_health
-- reads early signs of a slow queue: dead rows, an old open snapshot, a full notification queue
select
    (select n_dead_tup from pg_stat_user_tables where schemaname = 'queue' and relname = 'event') as dead_rows,
    (
        select max(age(backend_xmin))
        from pg_stat_activity
        where backend_xmin is not null and pid <> pg_backend_pid()
    ) as oldest_snapshot_age,
    pg_notification_queue_usage() as notification_queue_used;

-- name: list_workers
-- lists the registered workers with the seconds since their last heartbeat
select
    id, host, pid, subscriptions, concurrency, in_flight, state, started_at,
    extract(epoch from coalesce($2::timestamptz, clock_timestamp()) - seen_at)::double precision as silent_s
from queue.worker
where team = $1
order by started_at;

-- name: list_live_events
-- lists live events after an id, lowest id first
select
    id, topic, subscription, state, priority, attempts, ordering_key, key, trace_id, run_at, lease_until, worker,
    enqueued_at, expires_at, cancel_requested, errors, payload
from queue.event
where team = $1 and id > $2 and ($3::text is null or subscription = $3) and ($4::text is null or state = $4)
order by id
limit $5;

-- name: list_dead_letters
-- lists dead letters after an id, lowest id first
select
    id, topic, subscription, 'dead' as state, reason, died_at, priority, attempts, ordering_key, key, trace_id,
    enqueued_at, errors, payload
from queue.dead_letter
where team = $1 and id > $2 and ($3::text is null or subscription = $3)
order by id
limit $4;

-- name: list_finished_events
-- lists finished events before an id, highest id first
select
    event_id as id, topic, subscription, outcome as state, priority, attempts, ordering_key, key, trace_id,
    enqueued_at, claimed_at, finished_at, worker, replay_of, errors, payload
from queue.history
where team = $1 and event_id < $2 and ($3::text is null or subscription = $3) and ($4::text is null or outcome = $4)
order by event_id desc
limit $5;

-- name: get_event
-- reads one event: live, dead letter or history
select 'live' as found_in, to_jsonb(e) as event from queue.event e where e.team = $1 and e.id = $2
union all
select 'dead', to_jsonb(d) from queue.dead_letter d where d.team = $1 and d.id = $2
union all
select 'history', to_jsonb(h) from queue.history h where h.team = $1 and h.event_id = $2;

-- name: list_events_of_trace
-- lists the events of a trace: live, dead letters and history
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

-- name: request_cancellation
-- asks the workers that run these events to cancel them
update queue.event set cancel_requested = true
where team = $1 and id = any ($2::bigint[]) and state = 'leased'
returning id, worker;

-- name: list_unleased_events
-- lists those of the given events that are not leased
select id from queue.event where team = $1 and id = any ($2::bigint[]) and state <> 'leased';

-- name: promote_events
-- makes the given scheduled events ready now
update queue.event
set state = case when state = 'scheduled' then 'ready' else state end, run_at = null
where team = $1 and id = any ($2::bigint[]) and state in ('scheduled', 'blocked') and run_at is not null
returning id, topic;

-- name: retry_dead_letters
-- moves dead letters back to the queue with all their attempts: to the end of their lane, or to their old place in a
-- lane that they block
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
revived as materialized (
    delete from queue.dead_letter d
    where d.team = $1 and d.id = any ($3::bigint[])
        and exists (select from queue.subscription s where s.team = d.team and s.name = d.subscription)
    returning d.*
),
keyed as materialized (
    select
        r.id, r.subscription, r.ordering_key,
        (
            select r.place
            from queue.lane l
            where l.team = $1 and l.subscription = r.subscription and l.ordering_key = r.ordering_key
                and l.blocked_by = r.id
        ) as old_place,
        row_number() over (partition by r.subscription, r.ordering_key order by r.id) as nth,
        count(*) over (partition by r.subscription, r.ordering_key) as size
    from revived r
    where r.ordering_key is not null
),
lane as (
    insert into queue.lane as l (team, subscription, ordering_key, arrived, live, lowest)
    select $1, subscription, ordering_key, count(*), count(*), coalesce(min(old_place), 0)
    from keyed
    group by subscription, ordering_key
    order by subscription, ordering_key
    on conflict (team, subscription, ordering_key) do update
        set arrived = l.arrived + excluded.arrived, live = l.live + excluded.live, version = l.version + 1,
            lowest = case when excluded.lowest > 0 then least(l.lowest, excluded.lowest) else l.lowest end
    returning subscription, ordering_key, arrived, live, blocked_by
)
insert into queue.event (
    team, id, topic, subscription, state, priority, ordering_key, place, enqueued_at, expires_at, key, trace_id,
    replay_of, errors, payload
)
select
    r.team, r.id, r.topic, r.subscription,
    case
        when l.blocked_by is not null or l.live - k.size + k.nth > s.key_concurrency then 'blocked'
        else 'ready'
    end,
    r.priority, r.ordering_key, coalesce(k.old_place, l.arrived - k.size + k.nth),
    r.enqueued_at, c.now + s.expires_after, r.key, r.trace_id, r.replay_of, r.errors, r.payload
from revived r
cross join clock c
join queue.subscription s on s.team = r.team and s.name = r.subscription
left join keyed k on k.id = r.id
left join lane l on l.subscription = k.subscription and l.ordering_key = k.ordering_key
returning id, topic;

-- name: discard_dead_letters
-- moves dead letters to the history
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
discarded as (
    delete from queue.dead_letter d
    where d.team = $1
        and ($3::bigint[] is null or d.id = any ($3))
        and ($4::text is null or d.subscription = $4)
        and ($5::double precision is null or d.died_at < (select now from clock) - make_interval(secs => $5))
    returning d.*
)
insert into queue.history (
    team, event_id, finished_at, topic, subscription, outcome, priority, attempts, enqueued_at, ordering_key, key,
    trace_id, replay_of, errors, payload
)
select
    g.team, g.id, c.now, g.topic, g.subscription, 'discarded', g.priority, g.attempts, g.enqueued_at, g.ordering_key,
    g.key, g.trace_id, g.replay_of, g.errors, g.payload
from discarded g cross join clock c
returning event_id as id;

-- name: lock_blocked_lanes
-- locks the lanes that these dead letters block
select subscription, ordering_key from queue.lane where team = $1 and blocked_by = any ($2::bigint[]) for update;

-- name: unblock_lanes
-- unblocks the lanes that these dead letters block: their first events become ready
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
lane as materialized (
    select l.subscription, l.ordering_key, l.lowest, l.live, s.key_concurrency
    from queue.lane l
    join queue.subscription s on s.team = l.team and s.name = l.subscription
    where l.team = $1 and l.blocked_by = any ($3::bigint[])
),
opened as (
    update queue.lane l set blocked_by = null, version = l.version + 1
    from lane n
    where l.team = $1 and l.subscription = n.subscription and l.ordering_key = n.ordering_key and l.live > 0
),
ended as (
    delete from queue.lane l
    using lane n
    where l.team = $1 and l.subscription = n.subscription and l.ordering_key = n.ordering_key and l.live = 0
)
update queue.event e
set state = case when e.run_at > c.now then 'scheduled' else 'ready' end,
    run_at = case when e.run_at > c.now then e.run_at end
from clock c, lane n
cross join lateral (
    select b.id, b.state
    from queue.event b
    where b.team = $1 and b.subscription = n.subscription and b.ordering_key = n.ordering_key
        and b.place >= n.lowest
    order by b.place
    limit n.key_concurrency
) f
where e.team = $1 and e.id = f.id and f.state = 'blocked'
returning e.topic;

-- name: purge_history
-- deletes a batch of history, of one subscription or of all, older than an age in seconds
delete from queue.history
where (tableoid, ctid) in ( -- a row's address is its own only within its chunk
        select tableoid, ctid
        from queue.history
        where team = $1 and ($3::text is null or subscription = $3)
            and finished_at <= coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $4)
        limit $5
    )
    and team = $1
    and finished_at <= coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $4);

-- name: get_newest_finished_id
-- reads the highest id in the history
select max(event_id) from queue.history where team = $1;

-- name: list_replayable_events
-- lists finished events to replay, oldest first
select distinct event_id
from queue.history
where team = $1
    and ($2::bigint[] is null or event_id = any ($2))
    and ($3::text is null or subscription = $3)
    and ($4::timestamptz is null or finished_at >= $4)
    and ($5::timestamptz is null or finished_at < $5)
    and event_id > $6 and event_id <= $7
order by event_id
limit $8;

-- name: replay_events
-- inserts copies of finished events under new ids, for the subscription they had
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
past as materialized (
    select distinct on (h.event_id)
        h.event_id, h.topic, h.subscription, h.payload, h.ordering_key, h.priority, h.trace_id, h.key,
        s.key_concurrency, s.expires_after
    from queue.history h
    join queue.subscription s on s.team = h.team and s.name = h.subscription
    where h.team = $1 and h.event_id = any ($3::bigint[])
    order by h.event_id, h.finished_at desc
),
copy as materialized (
    select p.*, nextval('queue.event_id') as id from past p
),
arrival as materialized (
    select
        id, subscription, ordering_key,
        row_number() over (partition by subscription, ordering_key order by event_id) as nth,
        count(*) over (partition by subscription, ordering_key) as size
    from copy
    where ordering_key is not null
),
lane as (
    insert into queue.lane as l (team, subscription, ordering_key, arrived, live)
    select $1, subscription, ordering_key, count(*), count(*)
    from arrival
    group by subscription, ordering_key
    order by subscription, ordering_key
    on conflict (team, subscription, ordering_key) do update
        set arrived = l.arrived + excluded.arrived, live = l.live + excluded.live, version = l.version + 1
    returning subscription, ordering_key, arrived, live, blocked_by
)
insert into queue.event (
    team, id, topic, subscription, state, priority, ordering_key, place, enqueued_at, expires_at, key, trace_id,
    replay_of, payload
)
select
    $1, f.id, f.topic, f.subscription,
    case when l.blocked_by is not null or l.live - a.size + a.nth > f.key_concurrency then 'blocked' else 'ready' end,
    f.priority, f.ordering_key, l.arrived - a.size + a.nth, c.now, c.now + f.expires_after, f.key, f.trace_id,
    f.event_id, f.payload
from copy f
cross join clock c
left join arrival a on a.id = f.id
left join lane l on l.subscription = a.subscription and l.ordering_key = a.ordering_key
returning id, topic;
