-- name: intend_effect
-- records an intent unless the effect is already recorded; for an event only while its lease is held
with intended as (
    insert into queue.effect (team, owner, name, attempt, request, intended_at, installation)
    select
        $1, $3, $4, $5, $6::text::jsonb, coalesce($2::timestamptz, clock_timestamp()),
        (select id from queue.installation)
    where $7::bigint is null
        or exists (select from queue.event e where e.team = $1 and e.id = $7 and e.token = $8)
    on conflict (team, owner, name) do nothing
    returning request, installation
)
select 'new' as state, request, null::jsonb as receipt, installation from intended
union all
select case when f.receipt is null then 'intended' else 'done' end, f.request, f.receipt, f.installation
from queue.effect f
where f.team = $1 and f.owner = $3 and f.name = $4 and not exists (select from intended)
    and (
        $7::bigint is null
        or exists (select from queue.event e where e.team = $1 and e.id = $7 and e.token = $8)
    );

-- name: record_receipt
-- records the receipt of an effect; an existing receipt is kept
update queue.effect
set receipt = $4::text::jsonb, receipt_at = coalesce($5::timestamptz, clock_timestamp())
where team = $1 and owner = $2 and name = $3 and receipt is null
returning receipt;

-- name: withdraw_intent
-- deletes an intent that has no receipt
delete from queue.effect where team = $1 and owner = $2 and name = $3 and receipt is null returning name;

-- name: delete_effect
-- deletes an effect and its receipt
delete from queue.effect where team = $1 and owner = $2 and name = $3 returning name;

-- name: list_effects
-- lists the effects of an owner in the order of their intents
select name, attempt, request, intended_at, receipt, receipt_at
from queue.effect
where team = $1 and owner = $2
order by intended_at, name;

-- name: finish_with_effect
-- records one effect with its receipt and completes its event, both or neither
with clock as materialized (
    select coalesce($2::timestamptz, clock_timestamp()) as now
),
finished as (
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
    from finished g cross join clock c
),
recorded as (
    insert into queue.effect (team, owner, name, attempt, request, intended_at, receipt, receipt_at)
    select $1, 'event:' || g.id, $5, g.attempts, $6::text::jsonb, c.now, $7::text::jsonb, c.now
    from finished g cross join clock c
    returning owner
)
select case when exists (select from recorded) then 'done' else 'duplicate_effect' end as outcome
where exists (select from recorded)
    or exists (select from queue.event e where e.team = $1 and e.id = $3 and e.token = $4);

-- name: get_effect
-- reads one effect
select request, receipt from queue.effect where team = $1 and owner = $2 and name = $3;

-- name: is_leased
-- tells whether a claim still holds the lease of an event
select exists (select from queue.event where team = $1 and id = $2 and token = $3);
