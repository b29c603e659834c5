-- name: promote_due_events
-- makes scheduled events that are due ready; returns their number by topic
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

-- name: get_next_due
-- returns the seconds until the next scheduled event is due, null without one
select extract(epoch from min(run_at) - coalesce($2::timestamptz, clock_timestamp()))::double precision as due_in_s
from queue.event
where team = $1 and state = 'scheduled';

-- name: list_expired_leases
-- lists events whose lease has expired, with the outcome of each: cancelled, exhausted or retry
select
    e.id, e.token, e.attempts, e.worker,
    case
        when e.cancel_requested then 'cancelled'
        when e.attempts >= s.max_attempts then 'exhausted'
        else 'retry'
    end as outcome
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

-- name: list_events_past_ttl
-- lists events that were not started within their time to live; leased events are left to their worker
select id
from queue.event
where team = $1 and expires_at <= coalesce($2::timestamptz, clock_timestamp()) and state <> 'leased'
order by expires_at
limit $3;

-- name: register_worker
-- records that a worker is alive; returns its rank among the live workers, from 0, and their number
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

-- name: delete_worker
-- removes a worker that stopped from the list
delete from queue.worker where team = $1 and id = $2;

-- name: delete_silent_workers
-- removes workers without a recent heartbeat from the list
delete from queue.worker
where team = $1 and seen_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3);

-- name: prune_history
-- deletes a batch of history older than the retention
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
-- deletes effects older than the retention unless their event is live or a dead letter
delete from queue.effect f
where f.team = $1
    and f.intended_at < coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3)
    and not exists (select from queue.event e where e.team = $1 and 'event:' || e.id = f.owner)
    and not exists (select from queue.dead_letter d where d.team = $1 and 'event:' || d.id = f.owner);
