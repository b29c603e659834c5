-- name: promote_due
-- makes scheduled events ready once their time has come; answers how many of each topic
with due as (
    select id
    from queue.event
    where team = $1 and state = 'scheduled' and run_at <= coalesce($2::timestamptz, clock_timestamp())
    order by run_at
    limit $3
    for update skip locked
),
promoted as (
    update queue.event e
    set state = 'ready', run_at = null
    from due d
    where e.team = $1 and e.id = d.id and e.state = 'scheduled'
    returning e.topic
)
select topic, count(*) as number from promoted group by topic;

-- name: next_due
-- seconds until the next scheduled event is due, null without one
select extract(epoch from min(run_at) - coalesce($2::timestamptz, clock_timestamp()))::double precision
from queue.event
where team = $1 and state = 'scheduled';

-- name: overrun
-- leases that ran out, and what is to become of each event
select
    e.id, e.token, e.attempts, e.worker,
    case
        when e.cancel_requested then 'cancelled'
        when e.attempts >= s.max_attempts then 'exhausted'
        else 'again'
    end as verdict
from queue.subscription s
cross join lateral (
    select *
    from queue.event e
    where e.team = $1 and e.subscription = s.name and e.state = 'leased'
        and e.lease_until <= coalesce($2::timestamptz, clock_timestamp())
    order by e.lease_until
    limit $3
) e
where s.team = $1;

-- name: expired
-- events whose time is over; a live lease is never among them
select id
from queue.event
where team = $1 and expires_at <= coalesce($2::timestamptz, clock_timestamp()) and state <> 'leased'
order by expires_at
limit $3;

-- name: register_worker
-- says that a worker is alive; answers its rank among those alive, from 0, and their number
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
seen as (
    insert into queue.worker as w (
        team, id, host, pid, subscriptions, concurrency, in_flight, state, started_at, seen_at
    )
    select $1, $3, $4, $5, $6::text[], $7, $8, $9, now, now from clock
    on conflict (team, id) do update
        set in_flight = excluded.in_flight, state = excluded.state, seen_at = excluded.seen_at
)
select count(*) filter (where w.id < $3) as rank, count(*) + 1 as number
from queue.worker w, clock c
where w.team = $1 and w.id <> $3 and w.state = 'running' and w.subscriptions && $6
    and w.seen_at > c.now - make_interval(secs => $10);

-- name: forget_worker
-- takes a worker that ended off the list
delete from queue.worker where team = $1 and id = $2;

-- name: forget_silent_workers
-- takes workers off the list that were not heard of for long
delete from queue.worker
where team = $1 and seen_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3);

-- name: prune_history
-- deletes a batch of history that is older than its retention
delete from queue.history
where (tableoid, ctid) in ( -- a row's address is its own only within its chunk
        select tableoid, ctid
        from queue.history
        where team = $1
            and finished_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3)
        limit $4
    )
    and team = $1
    and finished_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3);

-- name: prune_effects
-- deletes effects older than the retention whose event is neither live nor a dead letter
delete from queue.effect f
where f.team = $1
    and f.intended_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3)
    and not exists (select from queue.event e where e.team = $1 and 'event:' || e.id = f.owner)
    and not exists (select from queue.dead_letter d where d.team = $1 and 'event:' || d.id = f.owner);
