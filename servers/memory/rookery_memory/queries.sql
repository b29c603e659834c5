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

-- name: fetch_versions
-- the versions of these ids and numbers
select
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from memory.memory as m
join unnest($1::uuid[], $2::integer[]) as wanted(id, version) using (id, version)
where m.team = memory.caller_team();

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

-- name: insert_links
-- relations between memories of one scope
insert into memory.link (team, scope, from_id, relation, to_id)
select memory.caller_team(), $1, given.from_id, given.relation, given.to_id
from unnest($2::uuid[], $3::text[], $4::uuid[]) as given(from_id, relation, to_id)
on conflict do nothing;

-- name: query_lexemes
-- what a query looks for
select lexeme, search.term(lexeme, prefix)::text as term, weight from search.query_lexemes($1);

-- name: count_searched
select memory.count_searched($1, $2);

-- name: lexeme_counts
select * from memory.lexeme_counts($1, $2);

-- name: rarest
-- any of the rarest terms, as many as bring about so many candidates
select search.rarest($1::tsquery[], $2::double precision[], $3)::text;

-- name: lexical_hits
select * from memory.lexical_hits($1, $2::tsquery[], $3::tsquery, $4::memory.filters, $5);

-- name: semantic_hits
select * from memory.semantic_hits($1, $2, $3, $4::memory.filters, $5);

-- name: nearest_hits
select * from memory.nearest_hits($1, $2, $3, $4::memory.filters, $5);

-- name: store_embeddings
-- the vectors of versions that still exist
insert into memory.embedding (team, id, version, scope, model, embedding)
select m.team, m.id, m.version, m.scope, $1, given.embedding
from unnest($2::uuid[], $3::integer[], $4::halfvec[]) as given(id, version, embedding)
join memory.memory as m on m.team = memory.caller_team() and m.id = given.id and m.version = given.version
on conflict (team, id, version) do update set model = excluded.model, embedding = excluded.embedding, indexed = false;

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

-- name: store_turn_embeddings
insert into memory.turn_embedding (team, scope, conversation, position, model, embedding)
select memory.caller_team(), given.scope, given.conversation, given.position, $1, given.embedding
from unnest($2::text[], $3::text[], $4::integer[], $5::halfvec[]) as given(scope, conversation, position, embedding)
on conflict (team, scope, conversation, position)
    do update set model = excluded.model, embedding = excluded.embedding;

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

-- name: open_conversation
-- a conversation, made when it is new; locked, so that positions follow each other
insert into memory.conversation (team, scope, id, title)
values (memory.caller_team(), $1, $2, $3)
on conflict (team, scope, id) do update set title = coalesce(excluded.title, memory.conversation.title)
returning speakers, turns, last_at;

-- name: last_turn
select session, session_name from memory.turn
where team = memory.caller_team() and scope = $1 and conversation = $2
order by position desc limit 1;

-- name: known_turns
-- which of these ids the conversation has already
select id from memory.turn
where team = memory.caller_team() and scope = $1 and conversation = $2 and id = any ($3);

-- name: insert_turns
insert into memory.turn (
    team, scope, conversation, position, id, session, session_name, speaker, content, said_at, asks, document
)
select
    memory.caller_team(), $1, $2, given.position, given.id, given.session, given.session_name, given.speaker,
    given.content, given.said_at, given.asks, search.document(given.indexed)
from unnest(
    $3::integer[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::boolean[],
    $11::text[]
) as given(position, id, session, session_name, speaker, content, said_at, asks, indexed);

-- name: grow_conversation
update memory.conversation
set turns = turns + $3,
    speakers = $4,
    started_at = least(started_at, $5),
    last_at = greatest(last_at, $6)
where team = memory.caller_team() and scope = $1 and id = $2;

-- name: speakers
-- who speaks in the conversations that are searched
select array(
    select distinct speaker
    from memory.conversation, unnest(speakers) as speaker
    where team = memory.caller_team() and scope = any (memory.searched_scopes($1)) and ($2::text is null or id = $2)
    limit 200
);

-- name: conversation_exists
select exists (
    select from memory.conversation
    where team = memory.caller_team() and scope = any (memory.searched_scopes($1)) and id = $2
);

-- name: recent_conversations
select id from memory.conversation
where team = memory.caller_team() and scope = any (memory.searched_scopes($1))
order by recorded_at desc limit 5;

-- name: turn_hits
select * from memory.turn_hits($1, $2, $3::tsquery[], $4::tsquery, $5, $6, $7);

-- name: facts_of_turns
-- what was drawn from the turns of these conversations and still holds, with the positions of the turns
select m.id, m.version, m.scope, m.conversation, t.position
from memory.memory as m
join memory.turn as t
    on t.team = m.team and t.scope = m.scope and t.conversation = m.conversation and t.id = any (m.turns)
where m.team = memory.caller_team() and m.scope = any (memory.searched_scopes($1))
    and m.conversation is not null and ($2::text is null or m.conversation = $2)
    and m.id = any ($3::uuid[]);

-- name: fetch_turns
select scope, conversation, position, id, session, session_name, speaker, content, said_at
from memory.turn
join unnest($1::text[], $2::text[], $3::integer[]) as wanted(scope, conversation, position)
    using (scope, conversation, position)
where team = memory.caller_team();

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

-- name: merge_into
-- a memory takes in near duplicates: their tags and sources stay with it
update memory.memory
set tags = array(select distinct tag from unnest(tags || $3::text[]) as tag order by tag),
    importance = greatest(importance, $4),
    pinned = pinned or $5,
    source = coalesce(source, $6),
    provenance = provenance || $7::jsonb
where team = memory.caller_team() and id = $1 and version = $2;

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
