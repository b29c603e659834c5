-- name: intend
-- records what is about to be done outside, unless it already was; for an event only while its lease is held
with wanted as (
    insert into queue.effect (team, owner, name, attempt, request, intended_at)
    select $1, $3, $4, $5, $6::text::jsonb, coalesce($2::timestamptz, clock_timestamp())
    where $7::bigint is null
        or exists (select from queue.event e where e.team = $1 and e.id = $7 and e.token = $8)
    on conflict (team, owner, name) do nothing
    returning request
)
select 'new' as state, request, null::jsonb as receipt from wanted
union all
select case when f.receipt is null then 'intended' else 'done' end, f.request, f.receipt
from queue.effect f
where f.team = $1 and f.owner = $3 and f.name = $4 and not exists (select from wanted)
    and (
        $7::bigint is null
        or exists (select from queue.event e where e.team = $1 and e.id = $7 and e.token = $8)
    );

-- name: receipt
-- records what came back; the first receipt stays
update queue.effect
set receipt = $4::text::jsonb, receipt_at = coalesce($5::timestamptz, clock_timestamp())
where team = $1 and owner = $2 and name = $3 and receipt is null
returning receipt;

-- name: withdraw
-- forgets an intent that certainly had no effect
delete from queue.effect where team = $1 and owner = $2 and name = $3 and receipt is null returning name;

-- name: undo
-- forgets an effect, with its receipt
delete from queue.effect where team = $1 and owner = $2 and name = $3 returning name;

-- name: effects_of
-- the effects of an owner, in the order they were intended
select name, attempt, request, intended_at, receipt, receipt_at
from queue.effect
where team = $1 and owner = $2
order by intended_at, name;

-- name: finish_with_effect
-- one effect with its receipt and the completion of its event, together or not at all
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
gone as (
    delete from queue.event e
    where e.team = $1 and e.id = $3 and e.token = $4 and e.ordering_key is null
        and not exists (
            select from queue.effect f where f.team = $1 and f.owner = 'event:' || $3::text and f.name = $5
        )
    returning e.*
),
archived as (
    insert into queue.history (
        team, event_id, finished_at, topic, subscription, outcome, priority, attempts, enqueued_at, claimed_at,
        ordering_key, key, trace_id, worker, replay_of, errors, payload
    )
    select
        g.team, g.id, c.now, g.topic, g.subscription, 'done', g.priority, g.attempts, g.enqueued_at, g.claimed_at,
        g.ordering_key, g.key, g.trace_id, g.worker, g.replay_of, g.errors, g.payload
    from gone g cross join clock c
),
noted as (
    insert into queue.effect (team, owner, name, attempt, request, intended_at, receipt, receipt_at)
    select $1, 'event:' || g.id, $5, g.attempts, $6::text::jsonb, c.now, $7::text::jsonb, c.now
    from gone g cross join clock c
    returning owner
)
select case when exists (select from noted) then 'done' else 'twice' end
where exists (select from noted)
    or exists (select from queue.event e where e.team = $1 and e.id = $3 and e.token = $4);

-- name: effect
-- one effect
select request, receipt from queue.effect where team = $1 and owner = $2 and name = $3;

-- name: holds
-- whether an event is still leased to a claim
select exists (select from queue.event where team = $1 and id = $2 and token = $3);
