-- name: upsert_subscription
-- creates a subscription or changes its policy; its topic never changes
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

-- name: delete_subscription
-- deletes a subscription that has no live events
delete from queue.subscription s
where s.team = $1 and s.name = $2
    and not exists (select from queue.event e where e.team = s.team and e.subscription = s.name)
returning name;

-- name: list_subscriptions
-- lists all subscriptions, or those with the given names
select
    name, topic, max_attempts, extract(epoch from lease)::double precision as lease_s, backoff_base_s, backoff_cap_s,
    backoff_jitter, concurrency, key_concurrency, on_dead,
    extract(epoch from expires_after)::double precision as expires_after_s, paused, internal
from queue.subscription
where team = $1 and ($2::text[] is null or name = any ($2))
order by name;

-- name: list_subscription_names
-- lists the names of all subscriptions
select name from queue.subscription where team = $1 order by name;

-- name: set_paused
-- pauses or resumes the claims of a subscription
update queue.subscription set paused = $3 where team = $1 and name = $2 returning name, topic;
