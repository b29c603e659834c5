-- name: memories_to_embed
-- versions without a vector of this model, the newest first
select m.id, m.version, m.content, coalesce(c.speakers, '{}') as speakers
from memory.memory as m
left join memory.conversation as c on c.team = m.team and c.scope = m.scope and c.id = m.conversation
left join memory.embedding as e on e.team = m.team and e.id = m.id and e.version = m.version and e.model = $1
where m.team = memory.caller_team() and m.scope = any (memory.searched_scopes(null)) and m.forgotten_at is null
    and e.id is null
order by m.recorded_at desc
limit $2;

-- name: turns_to_embed
-- turns without a vector of this model
select t.scope, t.conversation, t.position, t.content, c.speakers
from memory.turn as t
join memory.conversation as c on c.team = t.team and c.scope = t.scope and c.id = t.conversation
left join memory.turn_embedding as e
    on e.team = t.team and e.scope = t.scope and e.conversation = t.conversation and e.position = t.position
        and e.model = $1
where t.team = memory.caller_team() and t.scope = any (memory.searched_scopes(null)) and e.position is null
order by t.recorded_at desc
limit $2;

-- name: take_into_index
-- let vectors of large scopes into the index, a batch at a time
with batch as (
    select e.team, e.id, e.version
    from memory.embedding as e
    where e.team = memory.caller_team() and e.scope = $1 and not e.indexed
    limit $2
    for update skip locked
)
update memory.embedding as e
set indexed = true
from batch
where e.team = batch.team and e.id = batch.id and e.version = batch.version;

-- name: large_scopes
-- which of the caller's scopes are too large to be counted while searching, and whether their statistics are old
select own.scope, counted.memories as size, known.memories as counted
from unnest(memory.readable_scopes()) as own(scope)
cross join lateral (
    select count(*) as memories from memory.memory as m
    where m.team = memory.caller_team() and m.scope = own.scope
) as counted
left join memory.scope_statistics as known on known.team = memory.caller_team() and known.scope = own.scope
where counted.memories > $1;

-- name: refresh_scope
select memory.refresh_scope($1);
