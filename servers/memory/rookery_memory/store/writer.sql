-- name: insert_memories
-- store new memories, except those whose content the scope has already; returns the ids that were stored
insert into memory.memory (
    team, id, scope, kind, content, content_hash, source, tags, importance, pinned, conversation, turns, author,
    valid_from, valid_until, expires_at, document
)
select
    memory.caller_team(), given.id, given.scope, given.kind, given.content, given.content_hash, given.source,
    array(select jsonb_array_elements_text(given.tags::jsonb)), given.importance, given.pinned, given.conversation,
    array(select jsonb_array_elements_text(given.turns::jsonb)), $1,
    coalesce(given.valid_from, now()), given.valid_until, given.expires_at,
    search.document(given.indexed)
from unnest(
    $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::real[], $10::boolean[],
    $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::text[]
) as given(
    id, scope, kind, content, content_hash, source, tags, importance, pinned, conversation, turns, valid_from,
    valid_until, expires_at, indexed
)
on conflict (team, scope, content_hash)
    where replaced_at is null and forgotten_at is null and superseded_by is null
    do nothing
returning id;

-- name: existing_memory
-- the current memory of a scope that has this content
select id, version
from memory.memory
where team = memory.caller_team() and scope = $1 and content_hash = $2
    and replaced_at is null and forgotten_at is null and superseded_by is null;

-- name: enrich_memory
-- a memory was told again: keep the further source, tags and turns, and the greater importance
update memory.memory
set tags = array(select distinct tag from unnest(tags || $3::text[]) as tag order by tag),
    turns = array(select distinct turn from unnest(turns || $4::text[]) as turn),
    conversation = coalesce(conversation, $5),
    importance = greatest(importance, $6),
    pinned = pinned or $7,
    expires_at = case when expires_at is null or $8::timestamptz is null then null else greatest(expires_at, $8) end,
    provenance = case
        when $9::text is null or $9 is not distinct from source then provenance
        when source is null then provenance
        else provenance || jsonb_build_object('source', $9::text, 'recorded_at', now())
    end,
    source = coalesce(source, $9)
where team = memory.caller_team() and id = $1 and version = $2;

-- name: supersede
-- newer knowledge takes the place of these memories: they held until it began to
update memory.memory
set valid_until = case
        when valid_until is not null and valid_until <= $3 then valid_until
        else greatest($3, valid_from)
    end,
    superseded_by = $2
where team = memory.caller_team() and id = any ($1) and id <> $2 and replaced_at is null and forgotten_at is null
returning id;

-- name: current_version
-- a memory as it is now, locked for a change
select
    id, version, scope, kind, content, source, tags, importance, pinned, conversation, turns, author,
    valid_from, valid_until, expires_at, recorded_at, replaced_at, reason, superseded_by, forgotten_at,
    provenance
from memory.memory
where team = memory.caller_team() and id = $1 and replaced_at is null and forgotten_at is null
for update;

-- name: close_version
-- the version that an update replaces: it held until the new one does
update memory.memory
set replaced_at = now(), valid_until = least(coalesce(valid_until, 'infinity'), greatest($3, valid_from))
where team = memory.caller_team() and id = $1 and version = $2;

-- name: insert_version
-- the version that an update makes
insert into memory.memory (
    team, id, version, scope, kind, content, content_hash, source, tags, importance, pinned, conversation, turns, author,
    valid_from, valid_until, expires_at, recorded_at, reason, superseded_by, provenance, document
)
select
    team, id, version + 1, scope, $3, $4, $5, $6, $7, $8, $9, conversation, turns, $10, $11, $12, $13, now(), $14,
    superseded_by, provenance, search.document($15)
from memory.memory
where team = memory.caller_team() and id = $1 and version = $2;

-- name: forget
-- hide memories; their text stays until it is erased
update memory.memory
set forgotten_at = now(), reason = $2
where team = memory.caller_team() and id = any ($1) and forgotten_at is null
returning id;

-- name: store_embeddings
-- the vectors of versions that still exist
insert into memory.embedding (team, id, version, scope, model, embedding)
select m.team, m.id, m.version, m.scope, $1, given.embedding
from unnest($2::uuid[], $3::integer[], $4::halfvec[]) as given(id, version, embedding)
-- One look-up a vector: joined as sets, the plan may read the whole table, which grows while it is filled.
cross join lateral (
    select team, id, version, scope from memory.memory as stored
    where stored.team = memory.caller_team() and stored.id = given.id and stored.version = given.version
    limit 1
) as m
on conflict (team, id, version) do update set model = excluded.model, embedding = excluded.embedding, indexed = false;

-- name: insert_links
-- relations between memories of one scope; answers with those that are new
insert into memory.link (team, scope, from_id, relation, to_id)
select memory.caller_team(), $1, given.from_id, given.relation, given.to_id
from unnest($2::uuid[], $3::text[], $4::uuid[]) as given(from_id, relation, to_id)
on conflict do nothing
returning from_id;

-- name: merge_into
-- a memory takes in near duplicates: their tags and sources stay with it
update memory.memory
set tags = array(select distinct tag from unnest(tags || $3::text[]) as tag order by tag),
    importance = greatest(importance, $4),
    pinned = pinned or $5,
    source = coalesce(source, $6),
    provenance = provenance || $7::jsonb
where team = memory.caller_team() and id = $1 and version = $2;
