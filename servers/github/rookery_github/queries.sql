-- name: find_answer
-- The answer kept under a key, and whether its time of use should be written down again.
select headers, body, immutable, stored_at, fresh_until, used_at < now() - interval '1 hour' as used_long_ago
from github.answers
where team = $1 and identity = $2 and key = $3;

-- name: mark_used
-- Note that an answer is in use, so that others are evicted before it.
update github.answers
set used_at = now()
where team = $1 and identity = $2 and key = $3;

-- name: save_answer
-- Keep an answer in place of the one under its key.
insert into github.answers
    (team, identity, key, host, full_name, number, headers, body, immutable, stored_at, fresh_until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (team, identity, key) do update
set headers = excluded.headers,
    body = excluded.body,
    immutable = excluded.immutable,
    stored_at = excluded.stored_at,
    fresh_until = excluded.fresh_until,
    used_at = now();

-- name: refresh_answer
-- GitHub said that the kept answer is still right.
update github.answers
set fresh_until = $4, used_at = now()
where team = $1 and identity = $2 and key = $3;

-- name: make_stale
-- Have what is kept about a changed thing revalidated before it is used again.
select github.make_stale($1, $2, $3, $4);

-- name: evict_answers
-- Forget what was used longest ago until a team's answers fit into so many bytes.
with by_use as (
    select identity, key, sum(octet_length(body)) over (order by used_at desc, key) as bytes_so_far
    from github.answers
    where team = $1
)
delete from github.answers as answer
using by_use
where answer.team = $1
  and answer.identity = by_use.identity
  and answer.key = by_use.key
  and by_use.bytes_so_far > $2;

-- name: intend_write
-- Note a write before GitHub is asked for it; no row when the key was used before.
insert into github.writes (team, identity, idempotency_key, tool, arguments_digest)
values ($1, $2, $3, $4, $5)
on conflict (team, identity, idempotency_key) do nothing
returning started_at;

-- name: find_write
-- What is known of an earlier write with this key.
select tool, arguments_digest, started_at, receipt
from github.writes
where team = $1 and identity = $2 and idempotency_key = $3;

-- name: record_receipt
-- The write happened: keep its id and link.
update github.writes
set receipt = $4
where team = $1 and identity = $2 and idempotency_key = $3;

-- name: withdraw_write
-- The write certainly did not happen: the key is free again.
delete from github.writes
where team = $1 and identity = $2 and idempotency_key = $3 and receipt is null;
