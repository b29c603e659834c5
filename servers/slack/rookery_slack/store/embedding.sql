-- Vectors are made after the words, in the background.

-- name: claim_backlog
select pg_try_advisory_xact_lock(1936483436, hashtext($1));

-- name: without_vector
-- the newest messages that have no vector of the model, with what was said just before each
select i.channel, i.ts, i.row_version, m.text, m.content, before.text as before_text
from (
    select channel, ts, thread_ts, xmin::text as row_version from slack.message_index
    where team = $1 and model is null
    order by ts desc limit $2
) as i
join slack.messages as m on m.team = $1 and m.channel = i.channel and m.ts = i.ts
left join lateral (
    select p.text from slack.messages as p
    where p.team = $1 and p.channel = i.channel and p.ts < i.ts and p.ts > i.ts - interval '10 minutes'
      and p.deleted_at is null and p.thread_ts is not distinct from i.thread_ts
    order by p.ts desc limit 1
) as before on true
order by i.ts desc, i.channel;

-- name: of_other_model
-- forget vectors of models that are no longer used, a part at a time
update slack.message_index as i set embedding = null, model = null
from (
    select channel, ts from slack.message_index where team = $1 and model <> $2 limit $3 for update skip locked
) as old
where i.team = $1 and i.channel = old.channel and i.ts = old.ts;

-- name: store_vectors
-- unless the row has changed meanwhile: then the message wants a vector of what it says now
update slack.message_index as i set embedding = made.embedding, model = $2
from unnest($3::text[], $4::timestamptz[], $5::text[], $6::halfvec[]) as made (channel, ts, row_version, embedding)
where i.team = $1 and i.channel = made.channel and i.ts = made.ts and i.xmin::text = made.row_version;

-- name: public_among
select id from slack.channels where team = $1 and id = any ($2) and kind = 'public';
