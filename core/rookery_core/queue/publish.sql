-- name: enqueue
-- publishes a batch to every subscription of a topic; a key once used on the topic adds nothing, ever again
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
target as materialized (
    select name, key_concurrency, expires_after from queue.subscription where team = $1 and topic = $3
),
copy as materialized (
    select
        i.n, i.payload, i.key, i.ordering_key, i.priority, i.delay_s, i.trace_id,
        t.name as subscription, t.key_concurrency, t.expires_after, nextval('queue.event_id') as id
    from unnest($4::text[], $5::text[], $6::text[], $7::smallint[], $8::double precision[], $9::text[])
        with ordinality as i (payload, key, ordering_key, priority, delay_s, trace_id, n)
    cross join target t
    order by i.n, t.name
),
spent as (
    insert into queue.spent_key (team, topic, key, event_ids, spent_at)
    select $1, $3, key, array_agg(id), (select now from clock)
    from copy
    where key is not null
    group by key
    order by key -- one order for all, so that two batches never wait for each other
    on conflict (team, topic, key) do nothing
    returning key
),
fresh as materialized (
    select c.* from copy c where c.key is null or c.key in (select key from spent)
),
arrival as materialized (
    select
        id, subscription, ordering_key, subscription || ' ' || ordering_key as lane,
        row_number() over (partition by subscription, ordering_key order by n) as nth,
        count(*) over (partition by subscription, ordering_key) as size
    from fresh
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
    returning subscription || ' ' || ordering_key as lane, arrived, live, blocked_by
),
written as (
    insert into queue.event (
        team, id, topic, subscription, state, priority, ordering_key, place, run_at, enqueued_at, expires_at,
        key, trace_id, payload
    )
    select
        $1, f.id, $3, f.subscription,
        case
            when l.blocked_by is not null or l.live - a.size + a.nth > f.key_concurrency then 'blocked'
            when f.delay_s > 0 then 'scheduled'
            else 'ready'
        end,
        f.priority, f.ordering_key, l.arrived - a.size + a.nth,
        case when f.delay_s > 0 then now + make_interval(secs => f.delay_s) end,
        now, now + f.expires_after, f.key, f.trace_id, f.payload::jsonb
    from fresh f
    cross join clock
    left join arrival a on a.id = f.id
    left join lane l on l.lane = a.lane
)
select n, id, case when $10::text is not null then (select pg_notify('rookery_queue', $10)::text) end as woken
from fresh
order by id;

-- name: first_use
-- what used a key first, for the keys that are spent
select key, event_ids from queue.spent_key where team = $1 and topic = $2 and key = any ($3::text[]);

-- name: topics
-- topics that have a subscription
select distinct topic from queue.subscription where team = $1 order by topic;

-- name: wake
-- tells every process that listens that there may be something to do
select pg_notify('rookery_queue', hint) from unnest($1::text[]) as h (hint);

-- name: subscribe
-- makes a subscription or changes how it works; its topic stays
insert into queue.subscription as s (
    team, name, topic, max_attempts, lease, backoff_base_s, backoff_cap_s, backoff_jitter, concurrency,
    key_concurrency, on_dead, expires_after, internal
)
values (
    $1, $2, $3, $4, make_interval(secs => $5), $6, $7, $8, $9, $10, $11, make_interval(secs => $12), $13
)
on conflict (team, name) do update
    set max_attempts = excluded.max_attempts, lease = excluded.lease, backoff_base_s = excluded.backoff_base_s,
        backoff_cap_s = excluded.backoff_cap_s, backoff_jitter = excluded.backoff_jitter,
        concurrency = excluded.concurrency, key_concurrency = excluded.key_concurrency,
        on_dead = excluded.on_dead, expires_after = excluded.expires_after, internal = excluded.internal
    where s.topic = excluded.topic
returning name;

-- name: unsubscribe
-- ends a subscription that has no live events
delete from queue.subscription s
where s.team = $1 and s.name = $2
    and not exists (select from queue.event e where e.team = s.team and e.subscription = s.name)
returning name;

-- name: subscriptions
-- every subscription, or those named
select
    name, topic, max_attempts, extract(epoch from lease)::double precision as lease_s, backoff_base_s, backoff_cap_s,
    backoff_jitter, concurrency, key_concurrency, on_dead,
    extract(epoch from expires_after)::double precision as expires_after_s, paused, internal
from queue.subscription
where team = $1 and ($2::text[] is null or name = any ($2))
order by name;
