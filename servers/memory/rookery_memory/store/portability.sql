-- name: export_memories
-- every version in a scope that is not forgotten
select
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from memory.memory as m
where m.team = memory.caller_team() and m.scope = $1 and m.forgotten_at is null
order by m.recorded_at, m.id, m.version;

-- name: export_links
select from_id, relation, to_id from memory.link where team = memory.caller_team() and scope = $1
order by from_id, relation, to_id;

-- name: export_conversations
select id, title from memory.conversation where team = memory.caller_team() and scope = $1 order by id;

-- name: export_turns
select scope, conversation, position, id, session, session_name, speaker, content, said_at
from memory.turn where team = memory.caller_team() and scope = $1 and conversation = $2 order by position;

-- name: restore_memory
-- a version out of an export, unless it or its content is there
insert into memory.memory (
    team, id, version, scope, kind, content, content_hash, source, tags, importance, pinned, conversation, turns, author,
    valid_from, valid_until, expires_at, recorded_at, replaced_at, reason, superseded_by, provenance, document
)
values (
    memory.caller_team(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    search.document($22)
)
on conflict do nothing
returning id;

-- name: current_ids
-- the current memories of a scope that have these contents
select content_hash, id from memory.memory
where team = memory.caller_team() and scope = $1 and content_hash = any ($2)
    and replaced_at is null and forgotten_at is null and superseded_by is null;
