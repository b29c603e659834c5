-- name: fetch_versions
-- the versions of these ids and numbers
select
    m.id, m.version, m.scope, m.kind, m.content, m.source, m.tags, m.importance, m.pinned, m.conversation,
    m.turns, m.author, m.valid_from, m.valid_until, m.expires_at, m.recorded_at, m.replaced_at, m.reason,
    m.superseded_by, m.forgotten_at, m.provenance
from memory.memory as m
join unnest($1::uuid[], $2::integer[]) as wanted(id, version) using (id, version)
where m.team = memory.caller_team();

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

-- name: said_and_meant
-- how these versions begin, and their vectors by a model, as far as they have one
select wanted.id, wanted.version, m.beginning, e.embedding
from unnest($2::uuid[], $3::integer[]) as wanted(id, version)
-- One look-up a version: joined as sets, the plan may read the whole table.
cross join lateral (
    select left(stored.content, $4) as beginning
    from memory.memory as stored
    where stored.team = memory.caller_team() and stored.id = wanted.id and stored.version = wanted.version
    limit 1
) as m
left join lateral (
    select meant.embedding
    from memory.embedding as meant
    where meant.team = memory.caller_team() and meant.id = wanted.id and meant.version = wanted.version
        and meant.model = $1
    limit 1
) as e on true;
