-- name: ids_of_scope
-- which of these a scope has
select distinct id from memory.memory where team = memory.caller_team() and scope = $1 and id = any ($2::uuid[]);

-- name: drawn_from
-- the memories that were drawn from a conversation
select distinct id from memory.memory where team = memory.caller_team() and scope = $1 and conversation = $2;

-- name: erase_memories
-- delete memories with all their versions and vectors; null: all of the scope
delete from memory.memory
where team = memory.caller_team() and scope = $1 and ($2::uuid[] is null or id = any ($2))
returning id;

-- name: erase_links
delete from memory.link
where team = memory.caller_team() and scope = $1
    and ($2::uuid[] is null or from_id = any ($2) or to_id = any ($2));

-- name: erase_mentions
-- what was merged into others carries its text in their provenance
update memory.memory
set provenance = coalesce(
    (select jsonb_agg(entry) from jsonb_array_elements(provenance) as entry where not (entry ->> 'id' = any ($2::text[]))),
    '[]'
)
where team = memory.caller_team() and scope = $1
    and exists (select from jsonb_array_elements(provenance) as entry where entry ->> 'id' = any ($2::text[]));

-- name: erase_turns
-- delete conversations with their turns and vectors; null: all of the scope
with erased as (
    delete from memory.turn
    where team = memory.caller_team() and scope = $1 and ($2::text is null or conversation = $2)
    returning conversation
)
select count(*) from erased;

-- name: erase_conversations
delete from memory.conversation
where team = memory.caller_team() and scope = $1 and ($2::text is null or id = $2);

-- name: erase_statistics
-- the counted words of a scope would tell what it held
delete from memory.scope_statistics where team = memory.caller_team() and scope = $1;

-- name: record_erasure
insert into memory.erasure (team, id, scope_digest, memories, versions, turns, ids_digest, reason)
values (memory.caller_team(), $1, sha256(convert_to($2, 'UTF8')), $3, $4, $5, $6, $7)
returning erased_at;

-- name: remaining
-- what a scope still holds, in every table
select
    (select count(*) from memory.memory where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.embedding where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.link where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.turn where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.turn_embedding where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.conversation where team = memory.caller_team() and scope = $1)
    + (select count(*) from memory.lexeme where team = memory.caller_team() and scope = $1);
