-- requires-program: 0.1.0
create schema docs;

-- A source is a body of documentation under one name: a manual, a site, a folder. Its settings repeat its import.
create table docs.source (
    team text not null,
    name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    title text not null,
    kind text not null,
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (team, name)
);

-- A version of a source. Its revision grows with every change of its pages, so that readers know when to look again.
create table docs.version (
    team text not null,
    source text not null,
    version text not null,
    sort_key bigint[] not null,
    base_url text not null,
    revision bigint not null default 0,
    pages integer not null default 0,
    passages integer not null default 0,
    imported_at timestamptz,
    changed_at timestamptz,
    primary key (team, source, version),
    foreign key (team, source) references docs.source (team, name) on delete cascade
);

create table docs.page (
    team text not null,
    page_id bigint generated always as identity,
    source text not null,
    version text not null,
    path text not null,
    url text not null,
    title text not null,
    description text,
    kind text not null check (kind in ('page', 'changelog', 'index')),
    digest bytea not null,
    etag text,
    last_modified timestamptz,
    changed_at timestamptz not null default now(),
    primary key (team, page_id),
    unique (team, source, version, path),
    foreign key (team, source, version) references docs.version (team, source, version) on delete cascade
);
create index page_url on docs.page (team, url);

-- A distinct text, stored and embedded once however many versions hold it. Rows never change.
-- postings: what search needs to know of the text, as rookery_docs.search.postings writes it.
create table docs.content (
    team text not null,
    content_id bigint generated always as identity,
    digest bytea not null,
    title text not null,
    heading_path text[] not null,
    text text not null,
    overlap integer not null,
    postings bytea not null,
    touched_at timestamptz not null default now(),
    primary key (team, content_id),
    unique (team, digest)
);
-- Half a million small reads are faster from rows that are not compressed.
alter table docs.content alter column postings set storage external;

create table docs.embedding (
    team text not null,
    content_id bigint not null,
    model text not null,
    embedding halfvec,
    primary key (team, model, content_id),
    foreign key (team, content_id) references docs.content (team, content_id) on delete cascade
);

-- Where a text stands: the passages of a page in order.
create table docs.passage (
    team text not null,
    page_id bigint not null,
    position integer not null,
    content_id bigint not null,
    anchor text,
    anchors text[] not null default '{}',
    primary key (team, page_id, position),
    foreign key (team, page_id) references docs.page (team, page_id) on delete cascade,
    foreign key (team, content_id) references docs.content (team, content_id)
);
create index passage_content on docs.passage (team, content_id);

-- Every word of the corpus, for queries that misspell one.
create table docs.word (
    team text not null,
    word text not null,
    primary key (team, word)
);

-- What each import did.
create table docs.import_run (
    team text not null,
    run_id bigint generated always as identity,
    source text not null,
    version text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    summary jsonb not null default '{}',
    primary key (team, run_id)
);

do $$
declare
    name text;
begin
    foreach name in array array[
        'source', 'version', 'page', 'content', 'embedding', 'passage', 'word', 'import_run'
    ] loop
        execute format('alter table docs.%I enable row level security', name);
        execute format(
            'create policy own_team on docs.%I using (team = current_setting(''rookery.team'', true))', name
        );
    end loop;
end
$$;

-- Words like those of a query. Trigram operators are not leakproof, so behind the policy they would lose their index;
-- hence a function of the owner's, which looks at the caller's team only. Without pg_trgm it finds nothing.
do $$
begin
    if exists (select from pg_extension where extname = 'pg_trgm') then
        create index word_trigrams on docs.word using gin (word gin_trgm_ops);
        create function docs.similar_words(wanted text[], most integer)
        returns table (asked text, word text, similarity real)
        language sql stable security definer
        set search_path = pg_catalog, public
        set pg_trgm.similarity_threshold = 0.35
        as $body$
            select query.asked, near.word, near.similarity
            from unnest(wanted) as query (asked)
            cross join lateral (
                select candidate.word, similarity(candidate.word, query.asked) as similarity
                from docs.word as candidate
                where candidate.team = current_setting('rookery.team', true) and candidate.word % query.asked
                order by similarity desc, candidate.word
                limit most
            ) as near
        $body$;
    else
        create function docs.similar_words(wanted text[], most integer)
        returns table (asked text, word text, similarity real)
        language sql stable
        as $body$ select null::text, null::text, null::real where false $body$;
    end if;
end
$$;
revoke execute on function docs.similar_words(text[], integer) from public;

grant usage on schema docs to rookery_docs, rookery_ingest;
grant select on all tables in schema docs to rookery_docs, rookery_ingest;
grant insert, update, delete on all tables in schema docs to rookery_ingest;
grant execute on function docs.similar_words(text[], integer) to rookery_docs, rookery_ingest;
