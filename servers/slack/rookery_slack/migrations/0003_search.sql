-- requires-program: 0.1.0
-- Search reads slack.message_index alone; bodies are read afterwards, for the few messages that are shown.
-- Searches are planned for what they are narrowed to: a day, or a quiet channel, is read through its own index and
-- whole. A plan made for any narrowing could use none, since every condition of it begins with "or it is not asked for".

-- Words that are in many messages are looked for in the newest stretch of time that is likely to hold enough of them, then
-- in longer ones: to gather every message that has them, only to keep the newest, meant a visit to tens of thousands of rows.

-- What a search is narrowed to. Null: not narrowed by that.
create type slack.narrowing as (
    channels text[], authors text[], from_ts timestamptz, to_ts timestamptz, has_file boolean, has_link boolean,
    has_reaction boolean, in_thread boolean, thread_channel text, thread_ts timestamptz
);

create type slack.scored as (channel text, ts timestamptz, thread_ts timestamptz, score real);

create function slack.has_reactions(of_channel text, of_ts timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, slack as $$
    select exists (
        select from slack.reactions as r
        join slack.messages as m on m.team = r.team and m.channel = r.channel and m.ts = r.ts
        where r.team = slack.setting('team') and r.channel = of_channel and r.ts = of_ts and r.present
          and r.at >= m.reactions_as_of)
$$;

-- The channels of a search: those asked for that the caller may see.
create function slack.searched_channels(narrow slack.narrowing) returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case when (narrow).channels is null then slack.visible_channels() else coalesce((
        select array_agg(v.id order by v.id) from unnest(slack.visible_channels()) as v (id)
        where v.id = any ((narrow).channels)
    ), '{}') end
$$;

-- Whether a message is what a search is narrowed to. Written into each statement by the planner, which knows the
-- narrowing then: what is not asked for leaves nothing behind, and a time reaches the index.
create function slack.fits(found slack.message_index, narrow slack.narrowing) returns boolean
language sql stable
return found.ts >= coalesce((narrow).from_ts, '-infinity') and found.ts <= coalesce((narrow).to_ts, 'infinity')
    and ((narrow).authors is null or found.author = any ((narrow).authors))
    and ((narrow).has_file is null or found.has_file = (narrow).has_file)
    and ((narrow).has_link is null or found.has_link = (narrow).has_link)
    and ((narrow).has_reaction is null or slack.has_reactions(found.channel, found.ts) = (narrow).has_reaction)
    and ((narrow).in_thread is null or (found.thread_ts is not null) = (narrow).in_thread)
    and ((narrow).thread_ts is null
        or (found.channel = (narrow).thread_channel and (narrow).thread_ts in (found.ts, found.thread_ts)));

-- How many indexed messages a narrowing leaves, counted no further than `most`. Of what is dear to look at, and of
-- threads, nothing is asked: the count may be too high.
create function slack.count_narrowed(narrow slack.narrowing, most integer) returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    narrow.has_reaction := null;
    narrow.in_thread := null;
    narrow.thread_ts := null;
    return (select count(*) from (
        select from slack.message_index as i
        where i.team = of_team and i.channel = any (searched) and slack.fits(i, narrow)
        limit most) as found);
end
$$;

-- By words: BM25 over the newest `pool` messages that have any of the candidates, and every phrase.
create function slack.search_words(
    candidates tsquery, phrases tsquery, terms tsquery[], weights real[], average_length real,
    narrow slack.narrowing, likely double precision, newest_on boolean, pool integer,
    row_limit integer
) returns setof slack.scored language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
    oldest timestamptz := greatest((narrow).from_ts, (select min(i.ts) from slack.message_index as i where i.team = of_team));
    newest timestamptz := least((narrow).to_ts, (select max(i.ts) from slack.message_index as i where i.team = of_team));
    reach interval := newest - oldest;
    found slack.scored[];
begin
    perform set_config('enable_bitmapscan', case when newest_on then 'off' else 'on' end, true);
    if likely > 1.5 * pool and not newest_on then
        reach := reach * (1.5 * pool / likely);
    end if;
    loop
        narrow.from_ts := greatest(oldest, newest - reach);
        found := array(
            select row(c.channel, c.ts, c.thread_ts, search.bm25(c.words, terms, weights, average_length))::slack.scored
            from (
                select i.channel, i.ts, i.thread_ts, i.words from slack.message_index as i
                where i.team = of_team and i.channel = any (searched) and slack.fits(i, narrow)
                  and i.words @@ candidates and (phrases is null or i.words @@ phrases)
                order by i.ts desc, i.channel
                limit pool
            ) as c);
        exit when cardinality(found) >= pool or narrow.from_ts <= oldest or oldest is null;
        reach := reach * 4;
    end loop;
    perform set_config('enable_bitmapscan', 'on', true);
    return query select f.* from unnest(found) as f order by f.score desc, f.ts desc, f.channel limit row_limit;
end
$$;

-- Scores of given messages, however they were found.
create function slack.score_words(
    channels text[], times timestamptz[], terms tsquery[], weights real[], average_length real
) returns table (channel text, ts timestamptz, score real)
language sql stable security definer set search_path = pg_catalog, slack as $$
    select i.channel, i.ts, search.bm25(i.words, terms, weights, average_length)
    from unnest(channels, times) as wanted (channel, ts)
    join slack.message_index as i on i.team = slack.setting('team') and i.channel = wanted.channel and i.ts = wanted.ts
    where wanted.channel = any ((select slack.visible_channels())::text[])
$$;

-- What was said just before and after a message in the same channel (or thread), with its score for the words:
-- a question and its answer seldom share all their words.
create function slack.score_neighbours(
    channels text[], times timestamptz[], within interval, each_way integer,
    terms tsquery[], weights real[], average_length real
) returns table (channel text, ts timestamptz, neighbour_ts timestamptz, place integer, thread_ts timestamptz, score real)
language sql stable security definer set search_path = pg_catalog, slack as $$
    select wanted.channel, wanted.ts, near.ts, near.place, near.thread_ts,
        search.bm25(near.words, terms, weights, average_length)
    from unnest(channels, times) as wanted (channel, ts)
    cross join lateral (
        (select i.ts, i.words, i.thread_ts, -(row_number() over (order by i.ts desc))::integer as place
            from slack.message_index as i
            where i.team = slack.setting('team') and i.channel = wanted.channel
              and i.ts < wanted.ts and i.ts >= wanted.ts - within
            order by i.ts desc limit each_way)
        union all
        (select i.ts, i.words, i.thread_ts, (row_number() over (order by i.ts))::integer as place
            from slack.message_index as i
            where i.team = slack.setting('team') and i.channel = wanted.channel
              and i.ts > wanted.ts and i.ts <= wanted.ts + within
            order by i.ts limit each_way)
    ) as near
    where wanted.channel = any ((select slack.visible_channels())::text[])
$$;

-- By meaning, every row that is left considered: for narrow searches, for rows outside the public index, and
-- wherever there is no index. Only rows that are public, or are not, where `only_public` says so.
create function slack.search_vectors_exactly(
    query halfvec, of_model text, narrow slack.narrowing, only_public boolean, row_limit integer
) returns setof slack.scored language plpgsql stable security definer
set search_path = pg_catalog, slack, public set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    return query with candidate as materialized (
        select i.channel, i.ts, i.thread_ts, i.embedding from slack.message_index as i
        where i.team = of_team and i.channel = any (searched) and slack.fits(i, narrow)
          and i.model = of_model and (only_public is null or i.public = only_public)
    )
    select c.channel, c.ts, c.thread_ts, (1 - (c.embedding <=> query))::real from candidate as c
    order by c.embedding <=> query, c.ts desc, c.channel
    limit row_limit;
end
$$;

-- By meaning through the index of public rows, which private rows have no part in. The statement is made here because
-- the index is on an expression with the vector's size and for one model: both are the program's, quoted as literals.
create function slack.search_vectors_indexed(
    query halfvec, of_model text, narrow slack.narrowing, row_limit integer
) returns setof slack.scored language plpgsql stable security definer
set search_path = pg_catalog, slack, public set jit = off as $$
begin
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '120', true);
    return query execute format(
        'select i.channel, i.ts, i.thread_ts, (1 - (i.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)))::real
        from slack.message_index as i
        where i.model = %2$L and i.public and i.team = $2 and i.channel = any ($3) and slack.fits(i, $4)
        order by i.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)
        limit $5', vector_dims(query), of_model)
    using query, slack.setting('team'), slack.searched_channels(narrow), narrow, row_limit;
end
$$;

-- Whether vectors of a model are indexed, so that a broad search need not look at every row.
create function slack.has_vector_index(of_model text) returns boolean
language sql stable security definer set search_path = pg_catalog, slack as $$
    select exists (
        select from pg_index as x join pg_class as c on c.oid = x.indexrelid join pg_am as a on a.oid = c.relam
        where x.indrelid = 'slack.message_index'::regclass and a.amname = 'hnsw' and x.indisvalid
          and strpos(pg_get_expr(x.indpred, x.indrelid), quote_literal(of_model)) > 0)
$$;

revoke execute on all functions in schema slack from public;
grant execute on all functions in schema slack to rookery_slack, rookery_ingest;
-- Only functions here use these.
revoke execute on function
    slack.page_end(text, timestamptz, timestamptz, boolean, boolean, integer),
    slack.fits(slack.message_index, slack.narrowing)
    from rookery_slack, rookery_ingest;
