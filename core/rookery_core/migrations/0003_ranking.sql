-- requires-program: 0.1.0
-- Ranking by words: one way to turn a text into lexemes, for documents and for queries alike, and BM25 over the
-- tsvectors that come of it. docs/ranking.md says how the pieces go together.

create schema search;
grant usage on schema search to
    rookery_slack, rookery_docs, rookery_github, rookery_memory, rookery_ingest, rookery_agent;

-- Scripts that are written without spaces, and pictographs: found by pairs of characters.
create function search.wide_pattern() returns text
language sql immutable parallel safe
return '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029'
    '\u3040-\u30fa\u30fc-\u30ff\u3100-\u9fff\uac00-\ud7af\uf900-\ufaff\U0001f300-\U0001faff\U00020000-\U0003ffff]+';

comment on function search.wide_pattern() is
    'Regular expression of a run of characters from scripts without spaces, or pictographs.';

-- A tsvector holds less than 1 MB of lexemes. 200,000 bytes of text stay below that whatever they are.
create function search.clipped(body text) returns text
language sql immutable parallel safe strict
return case
    when octet_length(body) <= 200000 then body
    when octet_length(left(body, 200000)) <= 200000 then left(body, 200000)
    when octet_length(left(body, 100000)) <= 200000 then left(body, 100000)
    else left(body, 50000)
end;

comment on function search.clipped(text) is
    'The beginning of a text that is indexed: 200,000 bytes at most. Shorter than the text: say so to the user.';

create function search.folded(body text) returns text
language sql immutable parallel safe strict
return case
    when octet_length(body) = length(body) then body
    else normalize(regexp_replace(normalize(body, nfkd), '[\u0300-\u036f]+', '', 'g'), nfc)
end;

comment on function search.folded(text) is
    'The text without accents and without presentation forms (full width, ligatures).';

create function search.prose(folded text) returns text
language sql immutable parallel safe strict
return translate(
    case
        when octet_length(folded) = length(folded) then folded
        else regexp_replace(folded, search.wide_pattern() || '|[\u2000-\u206f\u3000-\u303f]+', ' ', 'g')
    end,
    '/\._@:=<>|#&%+*~^$`{}[]()"-',
    '                           '
);

comment on function search.prose(text) is
    'The text as words only, so that the parser sees no host names, paths and the like, which it would keep whole.';

create function search.grams(folded text) returns text[]
language sql immutable parallel safe strict
return (
    select array_agg(distinct pair.gram)
    from (
        select letter.value || coalesce(lead(letter.value) over (partition by run.number order by letter.number), '')
            as gram
        from regexp_matches(folded, search.wide_pattern(), 'g') with ordinality as run(found, number),
            string_to_table(run.found[1], null) with ordinality as letter(value, number)
    ) as pair
);

comment on function search.grams(text) is
    'Pairs of neighbouring characters in every run of a script without spaces; the last character of a run alone.';

create function search.symbols(folded text) returns text[]
language sql immutable parallel safe strict
return (
    select array_agg(distinct found.match[1])
    from regexp_matches(
        lower(folded),
        -- compounds (pg_stat_statements, node.js, 2.30.1, a/b), then words that end in signs (c++, c#), names that
        -- begin with a dot (.net), flags (--force), operators (->, ::, !=)
        '([[:alnum:]]+(?:[-._/:@]+[[:alnum:]]+)+|[[:alnum:]]+(?:\+\+|#)|(?<![[:alnum:]])\.[[:alpha:]][[:alnum:]]+'
        '|(?<![[:alnum:]-])--?[[:alpha:]][[:alnum:]]*|[-+*/<>=!&|^%~:?@#$]{2,})',
        'g'
    ) as found(match)
    where length(found.match[1]) <= 64
        and (found.match[1] ~ '[[:alnum:]]' or length(found.match[1]) <= 3)
);

comment on function search.symbols(text) is
    'What a parser of prose loses or cuts up: C++, pg_stat_statements, --force, ->; lower case, 64 characters at most.';

create function search.document(body text) returns tsvector
language plpgsql immutable parallel safe strict
as $$
declare
    folded text := search.folded(search.clipped(body));
    prose text := search.prose(folded);
    english tsvector := to_tsvector('pg_catalog.english', prose);
    grams text[];
    symbols text[] := search.symbols(folded);
    -- The plain forms that the stems do not cover: inflected words and words that English leaves out.
    result tsvector := english || ts_delete(to_tsvector('pg_catalog.simple', prose), tsvector_to_array(english));
begin
    if octet_length(folded) > length(folded) then
        grams := search.grams(folded);
    end if;
    if grams is not null then
        result := result || array_to_tsvector(grams);
    end if;
    if symbols is not null then
        result := result || array_to_tsvector(symbols);
    end if;
    return result;
end
$$;

comment on function search.document(text) is
    'The tsvector of a text: English stems, plain forms, pairs of wide characters, symbols. Takes any text.';

create function search.term(lexeme text, prefix boolean default false) returns tsquery
language sql immutable parallel safe strict
return (
    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' || case when prefix then ':*' else '' end
)::tsquery;

comment on function search.term(text, boolean) is
    'The tsquery that matches exactly this lexeme, or what begins with it.';

create function search.query_lexemes(query text)
returns table (lexeme text, prefix boolean, weight real)
language sql immutable parallel safe strict
rows 10
as $$
    with source as materialized (
        select folded, search.prose(folded) as prose
        from search.folded(left(query, 10000)) as folded
    ),
    stem as (
        select word.lexeme, min(word.positions[1]) as place
        from source, unnest(to_tsvector('pg_catalog.english', source.prose)) as word
        group by word.lexeme
    ),
    plain as (
        select word.lexeme, min(word.positions[1]) as place
        from source, unnest(to_tsvector('pg_catalog.simple', source.prose)) as word
        group by word.lexeme
    ),
    found(lexeme, prefix, weight, place) as (
        select stem.lexeme, false, 1.0, stem.place from stem
        union all
        select gram, false, 1.0, 0
        from source, unnest(search.grams(source.folded)) as gram
        where length(gram) = 2
        union all
        -- A character alone: what begins with it.
        select run.found[1], true, 1.0, 0
        from source, regexp_matches(source.folded, search.wide_pattern(), 'g') as run(found)
        where length(run.found[1]) = 1
        union all
        select symbol, false, 1.0, 0 from source, unnest(search.symbols(source.folded)) as symbol
    ),
    with_plain as (
        select found.lexeme, found.prefix, found.weight, found.place from found
        union all
        -- Nothing but words that English leaves out: then these are what is asked for.
        select plain.lexeme, false, 1.0, plain.place
        from plain
        where not exists (select from found)
    )
    select every.lexeme, bool_or(every.prefix), max(every.weight)::real
    from with_plain as every
    group by every.lexeme
    order by min(every.place), every.lexeme
    limit 64
$$;

comment on function search.query_lexemes(text) is
    'What a query looks for: at most 64 lexemes, in their order. Takes any text; none when there is nothing to look for.';

create function search.any_of(terms tsquery[]) returns tsquery
language plpgsql immutable parallel safe strict
as $$
declare
    term tsquery;
    result tsquery;
begin
    foreach term in array terms loop
        result := coalesce(result || term, term);
    end loop;
    return result;
end
$$;

comment on function search.any_of(tsquery[]) is 'The tsquery that any of the terms satisfies; null for none.';

create function search.term_frequency(document tsvector, term tsquery) returns real
language sql immutable parallel safe strict
-- ts_rank of one term, all weights 1, is (1/1² + 1/2² + … + 1/n²) / (π²/6) for n occurrences, and cheap: it looks the
-- lexeme up in the sorted vector. Solved for n.
return round(
    1.0 / (1.64493406685 * greatest(1.0 - ts_rank(array[1, 1, 1, 1]::real[], document, term), 1e-6)) - 0.5
)::real;

comment on function search.term_frequency(tsvector, tsquery) is
    'How often a single term occurs in a document; 0 when it does not.';

create function search.idf(documents double precision, containing double precision) returns real
language sql immutable parallel safe strict
return ln(1.0 + (greatest(documents, containing) - containing + 0.5) / (containing + 0.5))::real;

comment on function search.idf(double precision, double precision) is
    'Inverse document frequency of a term that `containing` of `documents` contain; never negative.';

create function search.bm25(document tsvector, terms tsquery[], weights real[], average_length real)
returns real
language plpgsql immutable parallel safe strict
as $$
declare
    k1 constant double precision := 1.2;
    b constant double precision := 0.75;
    norm double precision := k1 * (1 - b + b * length(document) / greatest(average_length, 1));
    score double precision := 0;
    rank double precision;
    frequency double precision;
begin
    for i in 1 .. cardinality(terms) loop
        rank := ts_rank(array[1, 1, 1, 1]::real[], document, terms[i]);
        if rank > 0 then
            frequency := round(1.0 / (1.64493406685 * greatest(1.0 - rank, 1e-6)) - 0.5);
            score := score + weights[i] * frequency * (k1 + 1) / (frequency + norm);
        end if;
    end loop;
    return score;
end
$$;

comment on function search.bm25(tsvector, tsquery[], real[], real) is
    'BM25 of a document for terms with their weights (idf); average_length is the mean of length(document).';

-- Statistics of a collection, for what is too large to count while searching. Refreshed by whoever fills it, from public
-- content only: then a private document changes no score that a stranger sees.
create table search.collection (
    team text collate "C" not null,
    name text collate "C" not null,
    documents bigint not null check (documents >= 0),
    average_length real not null check (average_length >= 0),
    refreshed_at timestamptz not null default now(),
    primary key (team, name)
);

create table search.lexeme (
    team text collate "C" not null,
    collection text collate "C" not null,
    lexeme text collate "C" not null,
    documents integer not null check (documents > 0),
    primary key (team, collection, lexeme),
    foreign key (team, collection) references search.collection (team, name) on delete cascade
);

comment on table search.lexeme is 'In how many documents of a collection a lexeme occurs, where in more than one.';

create function search.refresh_statistics(in_team text, in_collection text, vectors text) returns bigint
language plpgsql
as $$
declare
    -- ts_stat and execute take a statement, not a value.
    statement text := replace(vectors, '$1', quote_literal(in_team));
    counted bigint;
    mean real;
begin
    execute format('select count(*), coalesce(avg(length(document)), 0) from (%s) as vector(document)', statement)
        into counted, mean;
    delete from search.collection where team = in_team and name = in_collection;
    insert into search.collection (team, name, documents, average_length)
    values (in_team, in_collection, counted, mean);
    insert into search.lexeme (team, collection, lexeme, documents)
    select in_team, in_collection, word, ndoc
    from ts_stat(statement)
    where ndoc > 1;
    return counted;
end
$$;

comment on function search.refresh_statistics(text, text, text) is
    'Counts a collection anew and returns its documents. `vectors`: SQL of the program that selects one tsvector column, with $1 for the team.';

create function search.phrases(query text) returns tsquery
language plpgsql immutable parallel safe strict
as $$
declare
    quoted text;
    phrase tsquery;
    result tsquery;
begin
    for quoted in
        select match[1] from regexp_matches(search.folded(left(query, 10000)), '"([^"]{2,200})"', 'g') as match limit 8
    loop
        phrase := phraseto_tsquery('pg_catalog.english', search.prose(quoted));
        if numnode(phrase) > 0 then
            result := coalesce(result && phrase, phrase);
        end if;
    end loop;
    return result;
end
$$;

comment on function search.phrases(text) is 'What the query puts between double quotes, all of it; null for none.';

create function search.rarest(terms tsquery[], containing double precision[], most double precision) returns tsquery
language sql immutable parallel safe strict
return (
    select search.any_of(array_agg(ordered.term order by ordered.place))
    from (
        select term, row_number() over (order by df, place) as place, sum(df) over (order by df, place) as total
        from unnest(terms, containing) with ordinality as given(term, df, place)
    ) as ordered
    where ordered.total <= most or ordered.place = 1
);

comment on function search.rarest(tsquery[], double precision[], double precision) is
    'Any of the rarest terms, as many as bring about `most` candidates in all; at least the rarest one.';

create function search.prepare(in_team text, in_collection text, query text, pool integer default 2000)
returns table (
    terms tsquery[], weights real[], average_length real, any_term tsquery, candidates tsquery, phrases tsquery
)
language sql stable parallel safe
rows 1
as $$
    with known as materialized (
        select documents, average_length from search.collection where team = in_team and name = in_collection
    ),
    counted as materialized (
        select
            search.term(asked.lexeme, asked.prefix) as term,
            asked.weight,
            row_number() over () as place,
            coalesce(
                case
                    when asked.prefix then (
                        select sum(stored.documents) from search.lexeme as stored
                        where stored.team = in_team and stored.collection = in_collection
                            and stored.lexeme ^@ asked.lexeme
                    )
                    else (
                        select stored.documents from search.lexeme as stored
                        where stored.team = in_team and stored.collection = in_collection
                            and stored.lexeme = asked.lexeme
                    )
                end,
                1
            )::double precision as containing
        from search.query_lexemes(query) as asked
    ),
    gathered as (
        select
            array_agg(counted.term order by counted.place) as terms,
            array_agg(
                (counted.weight * case
                    when known.documents > 0 then search.idf(known.documents, counted.containing)
                    else 1
                end)::real
                order by counted.place
            ) as weights,
            array_agg(counted.containing order by counted.place) as containing,
            coalesce(max(known.average_length), 20)::real as average_length
        from counted left join known on true
    )
    select
        gathered.terms, gathered.weights, gathered.average_length, search.any_of(gathered.terms),
        search.rarest(gathered.terms, gathered.containing, pool), search.phrases(query)
    from gathered
    where gathered.terms is not null
$$;

comment on function search.prepare(text, text, text, integer) is
    'Everything about a query that search.bm25 needs, in one row; no row when there is nothing to look for.';

grant select on search.collection, search.lexeme to
    rookery_slack, rookery_docs, rookery_github, rookery_memory, rookery_ingest, rookery_agent;
grant insert, update, delete on search.collection, search.lexeme to rookery_ingest;
