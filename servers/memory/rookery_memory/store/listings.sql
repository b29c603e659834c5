-- name: history
-- every version of a memory, the newest first
select
    id, version, scope, kind, content, source, tags, importance, pinned, conversation, turns, author,
    valid_from, valid_until, expires_at, recorded_at, replaced_at, reason, superseded_by, forgotten_at,
    provenance
from memory.memory
where team = memory.caller_team() and id = $1 and forgotten_at is null
order by version desc;

-- name: list_memories
-- what a scope holds, the newest first, before a position
select
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from memory.memory as m
where m.team = memory.caller_team() and m.scope = any (memory.searched_scopes($1))
    and memory.holds(m, $2::memory.filters)
    and m.replaced_at is null
    and ($3::timestamptz is null or (m.recorded_at, m.id) < ($3, $4))
order by m.recorded_at desc, m.id desc
limit $5;

-- name: linked
-- what these memories are linked to, either way, and still holds
select
    link.near_id, link.relation,
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from (
    select from_id as near_id, relation, to_id as far_id
    from memory.link where team = memory.caller_team() and from_id = any ($1)
    union all
    select to_id, relation, from_id
    from memory.link where team = memory.caller_team() and to_id = any ($1)
) as link
join memory.memory as m on m.team = memory.caller_team() and m.id = link.far_id
where memory.holds(m, $2::memory.filters)
order by link.near_id, m.recorded_at desc
limit 60;

-- name: same_source
-- what else was learned from the same places
select
    near.id as near_id, 'same source' as relation,
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from memory.memory as near
join memory.memory as m
    on m.team = near.team and m.scope = near.scope and m.source = near.source and m.id <> near.id
where near.team = memory.caller_team() and near.id = any ($1) and near.replaced_at is null and near.source is not null
    and memory.holds(m, $2::memory.filters)
order by near.id, m.recorded_at desc
limit 60;
