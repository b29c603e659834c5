-- name: pause
-- stops or resumes the claims of a subscription
update queue.subscription set paused = $3 where team = $1 and name = $2 returning name, topic;

-- name: ask_to_stop
-- asks the worker that has the events to stop them
update queue.event set cancel_requested = true
where team = $1 and id = any ($2::bigint[]) and state = 'leased'
returning id, worker;

-- name: waiting
-- of the events named, those that nobody has leased
select id from queue.event where team = $1 and id = any ($2::bigint[]) and state <> 'leased';

-- name: hurry
-- makes scheduled events ready now
update queue.event
set state = case when state = 'scheduled' then 'ready' else state end, run_at = null
where team = $1 and id = any ($2::bigint[]) and state in ('scheduled', 'blocked') and run_at is not null
returning id, topic;

-- name: revive
-- puts dead letters back, each with all its attempts before it: at the end of its lane, or where it stood if it bars it
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
risen as materialized (
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
    from risen r
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
from risen r
cross join clock c
join queue.subscription s on s.team = r.team and s.name = r.subscription
left join keyed k on k.id = r.id
left join lane l on l.subscription = k.subscription and l.ordering_key = k.ordering_key
returning id, topic;

-- name: discard
-- takes dead letters away for good, into the history
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
gone as (
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
from gone g cross join clock c
returning event_id as id;

-- name: bars
-- holds the lanes that these dead letters bar
select subscription, ordering_key from queue.lane where team = $1 and blocked_by = any ($2::bigint[]) for update;

-- name: lift_bars
-- opens the lanes that these dead letters bar: their first events may go
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

-- name: newest_past
-- the highest id in the history
select max(event_id) from queue.history where team = $1;

-- name: past
-- finished events to be published again, oldest first
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

-- name: again
-- publishes events of the history again, to the subscription they had, under new ids
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
