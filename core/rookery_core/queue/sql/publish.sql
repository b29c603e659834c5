-- name: enqueue_events
-- inserts a batch of events for every subscription of a topic; a key that the topic has seen before inserts nothing.
-- Returns the positions in the batch of the new messages and their event ids, in one row of arrays: much faster than a
-- row for each
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
target as materialized (
    select name, key_concurrency, expires_after, row_number() over (order by name) as nth
    from queue.subscription
    where team = $1 and topic = $3
),
-- A column that holds only defaults arrives as an empty array.
message as materialized (
    select i.*, array(select nextval('queue.event_id') from target where i.n > 0) as ids -- for each message
    from unnest($4::text[], $5::text[], $6::text[], $7::smallint[], $8::double precision[], $9::text[])
        with ordinality as i (payload, key, ordering_key, priority, delay_s, trace_id, n)
    where exists (select from target)
),
used as materialized ( -- looked up for large batches only, whose plan is made for them
    select key from queue.spent_key where $11::boolean and team = $1 and topic = $3 and key = any ($5::text[])
),
recorded as (
    insert into queue.spent_key (team, topic, key, event_ids, spent_at)
    select $1, $3, m.key, m.ids, c.now
    from message m cross join clock c
    where m.key is not null and m.key not in (select key from used)
    order by m.key -- the same order in every batch, so that two batches never deadlock
    on conflict (team, topic, key) do nothing
    returning event_ids[1] as first_id
),
fresh as materialized (
    select * from message where key is null or ids[1] in (select first_id from recorded)
),
copy as not materialized (
    select f.*, f.ids[t.nth] as id, t.name as subscription, t.key_concurrency, t.expires_after
    from fresh f cross join target t
),
arrival as materialized (
    select
        id, subscription, ordering_key, subscription || ' ' || ordering_key as lane,
        row_number() over (partition by subscription, ordering_key order by n) as nth,
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
    returning subscription || ' ' || ordering_key as lane, arrived, live, blocked_by
),
written as (
    insert into queue.event (
        team, id, topic, subscription, state, priority, ordering_key, place, run_at, enqueued_at, expires_at,
        key, trace_id, payload
    )
    select
        $1, c.id, $3, c.subscription,
        case
            when l.blocked_by is not null or l.live - a.size + a.nth > c.key_concurrency then 'blocked'
            when c.delay_s > 0 then 'scheduled'
            else 'ready'
        end,
        coalesce(c.priority, 0), c.ordering_key, l.arrived - a.size + a.nth,
        case when c.delay_s > 0 then now + make_interval(secs => c.delay_s) end,
        now, now + c.expires_after, c.key, c.trace_id, c.payload::jsonb
    from copy c
    cross join clock
    left join arrival a on a.id = c.id
    left join lane l on l.lane = a.lane
)
select
    coalesce(array_agg(n), '{}') as positions, coalesce(array_agg(ids), '{}') as ids,
    case when $10::text is not null and count(*) > 0 then (select pg_notify('rookery_queue', $10)::text) end as notified
from fresh;

-- name: enqueue_undisputed
-- the same statement without `on conflict` for the keys: a quarter faster on large batches, but it fails with a
-- unique violation when another transaction records one of the keys at the same time
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
target as materialized (
    select name, key_concurrency, expires_after, row_number() over (order by name) as nth
    from queue.subscription
    where team = $1 and topic = $3
),
-- A column that holds only defaults arrives as an empty array.
message as materialized (
    select i.*, array(select nextval('queue.event_id') from target where i.n > 0) as ids -- for each message
    from unnest($4::text[], $5::text[], $6::text[], $7::smallint[], $8::double precision[], $9::text[])
        with ordinality as i (payload, key, ordering_key, priority, delay_s, trace_id, n)
    where exists (select from target)
),
used as materialized ( -- looked up for large batches only, whose plan is made for them
    select key from queue.spent_key where $11::boolean and team = $1 and topic = $3 and key = any ($5::text[])
),
recorded as (
    insert into queue.spent_key (team, topic, key, event_ids, spent_at)
    select $1, $3, m.key, m.ids, c.now
    from message m cross join clock c
    where m.key is not null and m.key not in (select key from used)
    order by m.key -- the same order in every batch, so that two batches never deadlock
    returning event_ids[1] as first_id
),
fresh as materialized (
    select * from message where key is null or ids[1] in (select first_id from recorded)
),
copy as not materialized (
    select f.*, f.ids[t.nth] as id, t.name as subscription, t.key_concurrency, t.expires_after
    from fresh f cross join target t
),
arrival as materialized (
    select
        id, subscription, ordering_key, subscription || ' ' || ordering_key as lane,
        row_number() over (partition by subscription, ordering_key order by n) as nth,
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
    returning subscription || ' ' || ordering_key as lane, arrived, live, blocked_by
),
written as (
    insert into queue.event (
        team, id, topic, subscription, state, priority, ordering_key, place, run_at, enqueued_at, expires_at,
        key, trace_id, payload
    )
    select
        $1, c.id, $3, c.subscription,
        case
            when l.blocked_by is not null or l.live - a.size + a.nth > c.key_concurrency then 'blocked'
            when c.delay_s > 0 then 'scheduled'
            else 'ready'
        end,
        coalesce(c.priority, 0), c.ordering_key, l.arrived - a.size + a.nth,
        case when c.delay_s > 0 then now + make_interval(secs => c.delay_s) end,
        now, now + c.expires_after, c.key, c.trace_id, c.payload::jsonb
    from copy c
    cross join clock
    left join arrival a on a.id = c.id
    left join lane l on l.lane = a.lane
)
select
    coalesce(array_agg(n), '{}') as positions, coalesce(array_agg(ids), '{}') as ids,
    case when $10::text is not null and count(*) > 0 then (select pg_notify('rookery_queue', $10)::text) end as notified
from fresh;

-- name: find_first_uses
-- finds the event ids of the first use of each key
select key, event_ids from queue.spent_key where team = $1 and topic = $2 and key = any ($3::text[]);

-- name: list_topics
-- lists the topics that have a subscription
select distinct topic from queue.subscription where team = $1 order by topic;

-- name: send_notifications
-- notifies every listening process that a topic may have work
select pg_notify('rookery_queue', notification) from unnest($1::text[]) as n (notification);
