-- name: finish_events
-- finishes events: moves them to the history or the dead letters and records their effects; the next events of their
-- lanes become ready. Returns the events that were not finished, with the problem: lost (another claim holds the
-- lease), duplicate_effect (the effect is already recorded), busy (the lane or the row is locked: send again)
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
input as materialized (
    select f.id, f.token, coalesce(f.outcome, 'done') as outcome, f.error, f.effect, f.request, f.receipt
    from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $8::text[], $9::text[], $10::text[])
        as f (id, token, outcome, error, effect, request, receipt)
),
-- Rows are looked up one at a time (`offset 0` prevents other joins) and are addressed by ctid from then on, so that
-- the plan does not depend on the planner's estimate of the tables' sizes.
finishing as materialized (
    select
        f.*, e.address, x.recorded is not null as duplicate_effect, l.address as lane, l.version, l.lowest,
        l.blocked_by, l.key_concurrency, l.on_dead
    from input f
    -- A null token: the event must not be leased.
    left join lateral (
        select e.ctid as address, e.subscription, e.ordering_key
        from queue.event e
        where e.team = $1 and e.id = f.id and e.token is not distinct from f.token
        offset 0
    ) e on true
    left join lateral (
        select 1 as recorded
        from queue.effect x
        where x.team = $1 and x.owner = 'event:' || f.id and x.name = f.effect
        offset 0
    ) x on true
    left join lateral (
        select l.ctid as address, l.version, l.lowest, l.blocked_by, s.key_concurrency, s.on_dead
        from queue.lane l
        join queue.subscription s on s.team = $1 and s.name = e.subscription
        where l.team = $1 and l.subscription = e.subscription and l.ordering_key = e.ordering_key
        offset 0
    ) l on true
),
-- Their lanes, except those that are locked or changed after this statement's snapshot.
locked as materialized (
    select l.ctid as lane
    from (select distinct lane, version from finishing where lane is not null) f
    join queue.lane l on l.ctid = f.lane and l.version = f.version
    for update of l skip locked
),
finished as (
    delete from queue.event e
    using finishing f, clock c
    where e.ctid = f.address and e.token is not distinct from f.token and not f.duplicate_effect
        and (e.lease_until is null or not $7::boolean or e.lease_until <= c.now)
        and (e.ordering_key is null or f.lane in (select lane from locked))
    returning e.*, f.outcome, f.effect, f.request, f.receipt,
        f.lane, f.lowest, f.blocked_by, f.key_concurrency, f.on_dead,
        case when f.error is null then e.errors else jsonb_path_query_array(
            coalesce(e.errors, '[]') || jsonb_build_object('attempt', e.attempts, 'at', c.now, 'error', f.error),
            '$[last - 4 to last]'
        ) end as all_errors
),
archived as (
    insert into queue.history (
        team, event_id, finished_at, topic, subscription, outcome, priority, attempts, enqueued_at, claimed_at,
        ordering_key, key, trace_id, worker, replay_of, errors, payload
    )
    select
        g.team, g.id, c.now, g.topic, g.subscription, g.outcome, g.priority, g.attempts, g.enqueued_at, g.claimed_at,
        g.ordering_key, g.key, g.trace_id, g.worker, g.replay_of, g.all_errors, g.payload
    from finished g cross join clock c
    where g.outcome in ('done', 'cancelled')
),
dead_lettered as (
    insert into queue.dead_letter (
        team, id, topic, subscription, reason, died_at, priority, attempts, ordering_key, place, enqueued_at,
        key, trace_id, replay_of, errors, payload
    )
    select
        g.team, g.id, g.topic, g.subscription, g.outcome, c.now, g.priority, g.attempts, g.ordering_key, g.place,
        g.enqueued_at, g.key, g.trace_id, g.replay_of, g.all_errors, g.payload
    from finished g cross join clock c
    where g.outcome in ('failed', 'exhausted', 'expired')
),
-- An effect is recorded together with the completion of its event, or not at all.
recorded as (
    insert into queue.effect (team, owner, name, attempt, request, intended_at, receipt, receipt_at)
    select g.team, 'event:' || g.id, g.effect, g.attempts, g.request::jsonb, c.now, g.receipt::jsonb, c.now
    from finished g cross join clock c
    where g.effect is not null
    on conflict (team, owner, name) do nothing
),
-- The lanes of the finished events: which event is first now, and whether a dead letter blocks the lane.
finished_lane as materialized (
    select
        g.lane, g.subscription, g.ordering_key, count(*) as size, g.lowest, g.key_concurrency,
        coalesce(
            g.blocked_by,
            min(g.id) filter (where g.on_dead = 'block' and g.outcome in ('failed', 'exhausted'))
        ) as blocked_by
    from finished g
    where g.lane is not null
    group by g.lane, g.subscription, g.ordering_key, g.lowest, g.key_concurrency, g.blocked_by
),
front as materialized (
    select l.lane, l.size, l.blocked_by, x.lowest, x.blocked
    from finished_lane l
    cross join lateral (
        select min(f.place) as lowest, array_agg(f.ctid) filter (where f.state = 'blocked') as blocked
        from (
            select b.ctid, b.state, b.place
            from queue.event b
            where b.team = $1 and b.subscription = l.subscription and b.ordering_key = l.ordering_key
                and b.place >= l.lowest and b.id not in (select id from finished)
            order by b.place
            limit l.key_concurrency
        ) f
    ) x
),
promoted as (
    update queue.event e
    set state = case when e.run_at > c.now then 'scheduled' else 'ready' end,
        run_at = case when e.run_at > c.now then e.run_at end
    from front f cross join unnest(f.blocked) as next (address) cross join clock c
    where e.ctid = next.address and f.blocked_by is null
),
lane_updated as (
    update queue.lane l
    set live = l.live - f.size, version = l.version + 1, blocked_by = f.blocked_by,
        lowest = coalesce(f.lowest, l.arrived)
    from front f
    where l.ctid = f.lane and (l.live > f.size or f.blocked_by is not null)
),
lane_deleted as (
    delete from queue.lane l
    using front f
    where l.ctid = f.lane and l.live = f.size and f.blocked_by is null
)
select
    f.id,
    case when f.address is null then 'lost' when f.duplicate_effect then 'duplicate_effect' else 'busy' end as problem
from finishing f
where f.id not in (select id from finished);

-- name: claim_events
-- leases ready events, the first of each priority and subscription in the order of the scan plan; counts as an attempt.
-- Rows of kind claimed are events; contended: another claim holds the version counter of this limited subscription;
-- scan: scan_us is the time until the first event was found, held_back how many retried events exceeded the free slots
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
-- A claim of a subscription with a concurrency limit locks its row: one claim at a time counts the leased events.
limited as materialized (
    select s.name, s.turn
    from queue.subscription s
    where s.team = $1 and s.name = any ($3::text[]) and s.concurrency is not null and not s.paused
    for update skip locked
),
-- How many more events the limited subscriptions may run.
room as materialized (
    select
        s.name,
        s.concurrency - (
            select count(*)
            from queue.event e
            where e.team = $1 and e.subscription = s.name and e.state = 'leased'
                and e.lease_until > (select now from clock)
        ) as places
    from limited g
    join queue.subscription s on s.team = $1 and s.name = g.name and s.turn = g.turn
),
probe as materialized (
    select
        p.nth, p.priority, p.mark, s.*, clock_timestamp() as begun,
        case when s.concurrency is null then $6::bigint else r.places end as places
    from unnest($3, $4::smallint[], $5::bigint[]) with ordinality as p (name, priority, mark, nth)
    cross join lateral ( -- one at a time: there may be many
        select s.name, s.lease, s.max_attempts, s.key_concurrency, s.concurrency
        from queue.subscription s
        where s.team = $1 and s.name = p.name and not s.paused
        offset 0
    ) s
    left join room r on r.name = s.name
    where s.concurrency is null or r.name is not null
    order by p.nth
),
head as materialized (
    select p.nth, p.name, p.lease, p.places, x.*, clock_timestamp() as found_at,
        x.ordering_key is not null and x.attempts = 0 and p.key_concurrency = 1 and p.max_attempts > 1
            and p.concurrency is null as may_be_followed
    from probe p
    cross join lateral (
        select e.id, e.ctid as address, e.ordering_key, e.place, e.attempts
        from queue.event e
        where e.team = $1 and e.subscription = p.name and e.state = 'ready' and e.priority = p.priority
            and e.id + 0 >= p.mark and (e.expires_at is null or e.expires_at > (select now from clock))
        order by e.id + 0
        limit $6
        for update skip locked
    ) x
    limit $6
),
-- A retried event may have crashed its worker, so it never waits in a buffer with others.
admitted as materialized (
    select h.*
    from head h
    where (
            h.attempts = 0
            or $10 > (select count(*) from head b where b.attempts > 0 and (b.nth, b.id) < (h.nth, h.id))
        )
        and (
            h.places >= $6
            or h.places > (select count(*) from head b where b.name = h.name and (b.nth, b.id) < (h.nth, h.id))
        )
),
-- The head of a lane brings the events behind it, as long as each is due and on its first attempt.
picked as materialized (
    select h.name, h.lease, unnest(h.address || case when h.may_be_followed then array(
        select f.address
        from (
            select
                b.address, b.place,
                bool_and(
                    b.state = 'blocked' and b.attempts = 0 and b.run_at is null
                    and (b.expires_at is null or b.expires_at > (select now from clock))
                ) over (order by b.place) as fit
            from (
                select b.ctid as address, b.*
                from queue.event b
                where b.team = $1 and b.subscription = h.name and b.ordering_key = h.ordering_key
                    and b.place > h.place
                order by b.place
                limit $7
            ) b
        ) f
        where f.fit
        order by f.place
    ) end) as address
    from admitted h
    limit $6
),
counted as (
    update queue.subscription s set turn = s.turn + 1
    from limited g
    where s.team = $1 and s.name = g.name and g.name in (select name from picked)
),
claimed as (
    update queue.event e
    set state = 'leased', attempts = e.attempts + 1, token = $8, lease_until = c.now + a.lease, claimed_at = c.now,
        worker = $9, run_at = null
    from picked a, clock c
    where e.ctid = a.address and e.state in ('ready', 'blocked')
    returning e.*
)
select
    'claimed' as kind, c.id, c.topic, c.subscription, c.payload, c.key, c.ordering_key, c.attempts, c.trace_id,
    c.token, c.priority, c.place, c.enqueued_at, null::bigint as scan_us, null::bigint as held_back
from claimed c
union all
select 'contended', null, null, s.name, null, null, null, null, null, null, null, null, null, null, null
from queue.subscription s
where s.team = $1 and s.name = any ($3) and not s.paused and s.concurrency is not null
    and not exists (select from room r where r.name = s.name)
union all
select
    'scan', null, null, null, null, null, null, null, null, null, null, null, null,
    (extract(epoch from coalesce((select min(found_at) from head), clock_timestamp()) - min(p.begun)) * 1e6)::bigint,
    (select count(*) from head where attempts > 0) - $10
from probe p
having count(*) > 0;

-- name: complete_events
-- finishes events that are done and have neither an ordering key nor an effect: the common case, cheaper than
-- `finish_events`. Returns the events that were not finished, with the problem: lost (another claim holds the lease),
-- busy (a heartbeat moved the row: send again)
with finishing as materialized (
    select f.id, f.token, e.address
    from unnest($3::bigint[], $4::bigint[]) as f (id, token)
    left join lateral ( -- see `finish_events`
        select e.ctid as address
        from queue.event e
        where e.team = $1 and e.id = f.id and e.token = f.token and e.ordering_key is null
        offset 0
    ) e on true
),
finished as (
    delete from queue.event e
    using finishing f
    where e.ctid = f.address and e.token = f.token
    returning e.*
),
archived as (
    insert into queue.history (
        team, event_id, finished_at, topic, subscription, outcome, priority, attempts, enqueued_at, claimed_at,
        key, trace_id, worker, replay_of, errors, payload
    )
    select
        g.team, g.id, coalesce($2::timestamptz, clock_timestamp()), g.topic, g.subscription, 'done', g.priority,
        g.attempts, g.enqueued_at, g.claimed_at, g.key, g.trace_id, g.worker, g.replay_of, g.errors, g.payload
    from finished g
)
select f.id, case when f.address is null then 'lost' else 'busy' end as problem
from finishing f
where f.id not in (select id from finished);

-- name: release_events
-- releases leased events: for another attempt after a delay (null: by the subscription's backoff), or as if never
-- claimed when consumes_attempt is false. Events leased behind one in its lane are released with it. Returns each event
-- with its status: released, lost (another claim holds the lease), busy (the lane or the row is locked: send again)
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
input as materialized (
    select r.id, r.token, r.delay_s, r.consumes_attempt, r.error
    from unnest($3::bigint[], $4::bigint[], $5::double precision[], $6::boolean[], $7::text[])
        as r (id, token, delay_s, consumes_attempt, error)
),
named as materialized (
    select e.*, r.token, r.consumes_attempt, r.error
    from input r
    cross join clock c
    cross join lateral (
        select
            e.ctid as address, e.id, e.subscription, e.ordering_key, e.place, s.key_concurrency,
            coalesce(
                r.delay_s,
                least(s.backoff_cap_s, s.backoff_base_s * power(2, least(e.attempts, 60) - 1))
                    * (1 - s.backoff_jitter * random())
            ) as delay_s
        from queue.event e
        join queue.subscription s on s.team = $1 and s.name = e.subscription
        where e.team = $1 and e.id = r.id and e.token = r.token
            and (not $8::boolean or e.lease_until <= c.now)
        offset 0
    ) e
),
follower as materialized (
    select e.*, n.token
    from (
        select subscription, ordering_key, token, min(place) as place
        from named
        where ordering_key is not null and key_concurrency = 1
        group by subscription, ordering_key, token
    ) n
    cross join lateral (
        select e.ctid as address, e.id, e.subscription, e.ordering_key, e.place
        from queue.event e
        where e.team = $1 and e.subscription = n.subscription and e.ordering_key = n.ordering_key
            and e.place > n.place and e.token = n.token and e.id not in (select id from named)
        offset 0
    ) e
),
releasing as materialized (
    select b.*, l.address as lane, l.version, l.lowest, l.blocked_by, l.key_concurrency
    from (
        select address, id, token, subscription, ordering_key, place, consumes_attempt, error, delay_s from named
        union all
        select address, id, token, subscription, ordering_key, place, false, null, 0 from follower
    ) b
    left join lateral (
        select l.ctid as address, l.version, l.lowest, l.blocked_by, s.key_concurrency
        from queue.lane l
        join queue.subscription s on s.team = $1 and s.name = b.subscription
        where l.team = $1 and l.subscription = b.subscription and l.ordering_key = b.ordering_key
        offset 0
    ) l on true
),
locked as materialized (
    select b.id
    from releasing b
    join queue.lane l on l.ctid = b.lane and l.version = b.version
    for update of l skip locked
),
target as materialized (
    select
        b.address, b.token, b.lane, b.consumes_attempt, b.error,
        case when b.delay_s > 0 then c.now + make_interval(secs => b.delay_s) end as run_at,
        b.ordering_key is not null and (
            b.blocked_by is not null
            or b.key_concurrency <= (
                select count(*)
                from (
                    select
                    from queue.event e
                    where e.team = $1 and e.subscription = b.subscription and e.ordering_key = b.ordering_key
                        and e.place >= b.lowest and e.place < b.place
                    limit b.key_concurrency
                ) ahead
            )
        ) as blocked
    from releasing b
    cross join clock c
    where b.ordering_key is null or b.id in (select id from locked)
),
released as (
    update queue.event e
    set state = case when g.blocked then 'blocked' when g.run_at is not null then 'scheduled' else 'ready' end,
        run_at = g.run_at,
        attempts = e.attempts - case when g.consumes_attempt then 0 else 1 end,
        token = null, lease_until = null, claimed_at = null, worker = null, cancel_requested = false,
        errors = case when g.error is null then e.errors else jsonb_path_query_array(
            coalesce(e.errors, '[]') || jsonb_build_object('attempt', e.attempts, 'at', c.now, 'error', g.error),
            '$[last - 4 to last]'
        ) end
    from target g, clock c
    where e.ctid = g.address and e.token = g.token -- checked again for a row that another statement changed meanwhile
    returning e.id, e.topic, g.run_at
),
lane_updated as (
    update queue.lane l set version = l.version + 1
    from target g
    where l.ctid = g.lane
)
select
    'released' as status, p.id, p.topic, extract(epoch from p.run_at - c.now)::double precision as delay_s
from released p cross join clock c
union all
select case when exists (select from named n where n.id = r.id) then 'busy' else 'lost' end, r.id, null, null
from input r
where r.id not in (select id from released);

-- name: extend_leases
-- extends leases. An event that is not returned is lost; cancel_requested: an operator asked to cancel it
update queue.event e
set lease_until = coalesce($2::timestamptz, clock_timestamp()) + coalesce(make_interval(secs => $5), s.lease)
from unnest($3::bigint[], $4::bigint[]) as h (id, token), queue.subscription s
where e.team = $1 and e.id = any ($3) and e.id = h.id and e.token = h.token
    and s.team = $1 and s.name = e.subscription
returning e.id, e.cancel_requested;

-- name: find_claim
-- finds the events that a claim leased whose result never arrived
select id, token
from queue.event
where team = $1 and subscription = any ($2::text[]) and state = 'leased' and token = $3;

-- name: lock_lane
-- locks a lane, after any transaction that is enqueuing to it
select from queue.lane where team = $1 and subscription = $2 and ordering_key = $3 for update;

-- name: get_claimed_event
-- reads the event that a claim holds
select
    id, topic, subscription, payload, key, ordering_key, attempts, trace_id, token, priority,
    place, enqueued_at
from queue.event
where team = $1 and id = $2 and token = $3;

-- name: get_max_attempts
-- reads the maximum number of attempts of a subscription; no row when there is none
select max_attempts from queue.subscription where team = $1 and name = $2;
