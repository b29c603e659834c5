-- requires-program: 0.1.0
-- Search. Behind a policy `@@` and `<=>` lose their indexes, because they are not leakproof. These functions run as the
-- owner instead, and filter by the caller's scopes themselves: no argument widens them.

-- The caller's scopes, narrowed to those asked for (null: all of them).
create function memory.searched_scopes(asked text[]) returns text[]
language sql stable parallel safe
return array(
    select name
    from unnest(memory.readable_scopes()) as name
    where asked is null or name = any (asked)
);

create function memory.frequencies(document tsvector, terms tsquery[]) returns real[]
language plpgsql immutable parallel safe strict
as $$
declare
    found real[] := '{}';
begin
    for i in 1 .. cardinality(terms) loop
        -- As in search.term_frequency, without the call.
        found[i] := round(
            1.0 / (1.64493406685 * greatest(1.0 - ts_rank(array[1, 1, 1, 1]::real[], document, terms[i]), 1e-6)) - 0.5
        );
    end loop;
    return found;
end
$$;

comment on function memory.frequencies(tsvector, tsquery[]) is 'How often each term occurs in a document, in their order.';

create type memory.filters as (
    kinds text[],
    tags text[],
    as_of timestamptz,
    since timestamptz,
    minimum_importance real,
    sources text,
    conversation text,
    from_turns boolean
);

create function memory.holds(found memory.memory, filters memory.filters) returns boolean
language sql stable parallel safe
return (found).forgotten_at is null
    and (found).valid_from <= coalesce((filters).as_of, now())
    and ((found).valid_until is null or (found).valid_until > coalesce((filters).as_of, now()))
    and ((found).expires_at is null or (found).expires_at > now())
    and ((filters).kinds is null or (found).kind = any ((filters).kinds))
    and ((filters).tags is null or (found).tags @> (filters).tags)
    and ((filters).since is null or (found).valid_from >= (filters).since)
    and ((filters).minimum_importance is null or (found).importance >= (filters).minimum_importance)
    and ((filters).sources is null or starts_with((found).source, (filters).sources))
    and ((filters).conversation is null or (found).conversation = (filters).conversation)
    and ((filters).from_turns is not true or (found).conversation is not null);

comment on function memory.holds(memory.memory, memory.filters) is
    'Whether a version is to be found: not forgotten or expired, valid at the time asked about, and as the filters say.';

create function memory.count_searched(asked text[], most integer) returns integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    mine text[] := memory.searched_scopes(asked);
begin
    return (
        select count(*)
        from (select from memory.memory as m where m.team = memory.caller_team() and m.scope = any (mine) limit most) as few
    );
end
$$;

comment on function memory.count_searched(text[], integer) is 'How many versions the caller''s scopes hold, up to `most`.';

create function memory.lexical_hits(
    asked text[], terms tsquery[], matching tsquery, filters memory.filters, most integer
)
returns table (id uuid, version integer, length integer, frequencies real[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
rows 200
as $$
declare
    mine text[] := memory.searched_scopes(asked);
begin
    return query
    select m.id, m.version, length(m.document), memory.frequencies(m.document, terms)
    from memory.memory as m
    where m.team = memory.caller_team() and m.scope = any (mine) and m.document @@ matching and memory.holds(m, filters)
    order by m.recorded_at desc
    limit most;
end
$$;

create function memory.semantic_hits(
    asked text[], in_model text, query public.halfvec, filters memory.filters, most integer
)
returns table (id uuid, version integer, similarity real)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_custom_plan
rows 200
as $$
declare
    mine text[] := memory.searched_scopes(asked);
begin
    return query
    select e.id, e.version, (1 - (e.embedding <=> query))::real
    from memory.embedding as e
    join memory.memory as m using (team, id, version)
    where e.team = memory.caller_team() and e.scope = any (mine) and e.model = in_model and memory.holds(m, filters)
        and vector_dims(e.embedding) = vector_dims(query)
    order by e.embedding <=> query
    limit most;
end
$$;

comment on function memory.semantic_hits(text[], text, public.halfvec, memory.filters, integer) is
    'The nearest memories, ranked exactly: for scopes of some thousands.';

create function memory.nearest_hits(
    asked text[], in_model text, query public.halfvec, filters memory.filters, most integer
)
returns table (id uuid, version integer, similarity real)
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
rows 200
as $$
declare
    mine text[] := memory.searched_scopes(asked);
    size integer := vector_dims(query);
begin
    perform set_config('hnsw.ef_search', least(greatest(most, 40), 1000)::text, true);
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true);
    -- The index is of one model and size, which must be constants of the plan.
    return query execute format(
        'with near as materialized ('
        '    (select e.id, e.version, e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) as distance'
        '     from memory.embedding as e'
        '     where e.model = %2$L and e.indexed and e.team = $2 and e.scope = any ($3)'
        '     order by e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) limit $4)'
        '    union all'
        '    (select e.id, e.version, e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)'
        '     from memory.embedding as e'
        '     where e.model = %2$L and not e.indexed and e.team = $2 and e.scope = any ($3)'
        '     order by 3 limit $4)'
        ') '
        'select near.id, near.version, (1 - near.distance)::real '
        'from near join memory.memory as m on m.team = $2 and m.id = near.id and m.version = near.version '
        'where memory.holds(m, $5) order by near.distance limit $4',
        size, in_model
    )
    using query, memory.caller_team(), mine, most, filters;
end
$$;

comment on function memory.nearest_hits(text[], text, public.halfvec, memory.filters, integer) is
    'The nearest memories by the HNSW index, with what is not in it yet ranked exactly: for large scopes.';

create function memory.lexeme_counts(asked text[], lexemes text[])
returns table (memories bigint, average_length real, containing bigint[])
language sql stable
as $$
    with mine as materialized (
        select memory.caller_team() as team, memory.searched_scopes(asked) as scopes
    )
    select
        (select sum(s.memories)::bigint from memory.scope_statistics as s, mine
            where s.team = mine.team and s.scope = any (mine.scopes)),
        (select avg(s.average_length)::real from memory.scope_statistics as s, mine
            where s.team = mine.team and s.scope = any (mine.scopes)),
        array(
            select coalesce(
                (select sum(l.memories)::bigint from memory.lexeme as l, mine
                    where l.team = mine.team and l.scope = any (mine.scopes) and l.lexeme = given.lexeme),
                1
            )
            from unnest(lexemes) with ordinality as given(lexeme, place)
            order by given.place
        )
$$;

comment on function memory.lexeme_counts(text[], text[]) is
    'In how many memories of the caller''s scopes each lexeme occurs, by the statistics of the large ones.';

create function memory.refresh_scope(in_scope text) returns bigint
language plpgsql
as $$
declare
    -- ts_stat takes a statement, not a value. Row security narrows it to the caller's scopes.
    vectors text := format(
        'select document from memory.memory where team = %L and scope = %L and replaced_at is null and forgotten_at is null',
        memory.caller_team(), in_scope
    );
    counted bigint;
    mean real;
begin
    execute format('select count(*), coalesce(avg(length(document)), 0) from (%s) as vector', vectors)
        into counted, mean;
    delete from memory.scope_statistics where team = memory.caller_team() and scope = in_scope;
    insert into memory.scope_statistics (team, scope, memories, average_length)
    values (memory.caller_team(), in_scope, counted, mean);
    insert into memory.lexeme (team, scope, lexeme, memories)
    select memory.caller_team(), in_scope, word, ndoc from ts_stat(vectors) where ndoc > 1;
    return counted;
end
$$;

comment on function memory.refresh_scope(text) is 'Counts the words of a large scope anew; returns its memories.';
