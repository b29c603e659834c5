-- requires-program: 0.1.0
-- Search reads slack.message_index alone; bodies are read afterwards, for the few messages that are shown.

-- What a search is narrowed to. Null: not narrowed by that.
create type slack.narrowing as (
    channels text[], authors text[], from_ts timestamptz, to_ts timestamptz, has_file boolean, has_link boolean,
    has_reaction boolean, in_thread boolean, thread_channel text, thread_ts timestamptz
);

create function slack.has_reactions(of_channel text, of_ts timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, slack as $$
    select exists (
        select from slack.reactions as r
        join slack.messages as m on m.team = r.team and m.channel = r.channel and m.ts = r.ts
        where r.team = slack.setting('team') and r.channel = of_channel and r.ts = of_ts and r.present
          and r.at >= m.reactions_as_of)
$$;

-- By words: BM25 over the newest `pool` messages that have any of the candidates, and every phrase.
create function slack.search_words(
    candidates tsquery, phrases tsquery, terms tsquery[], weights real[], average_length real,
    narrow slack.narrowing, pool integer, row_limit integer
) returns table (channel text, ts timestamptz, thread_ts timestamptz, score real)
language sql stable security definer set search_path = pg_catalog, slack as $$
    with candidate as materialized (
        select i.channel, i.ts, i.thread_ts, i.words
        from slack.message_index as i
        where i.team = slack.setting('team') and i.channel = any ((select slack.visible_channels())::text[])
          and i.words @@ candidates and (phrases is null or i.words @@ phrases)
          and ((narrow).channels is null or i.channel = any ((narrow).channels))
          and ((narrow).authors is null or i.author = any ((narrow).authors))
          and ((narrow).from_ts is null or i.ts >= (narrow).from_ts)
          and ((narrow).to_ts is null or i.ts <= (narrow).to_ts)
          and ((narrow).has_file is null or i.has_file = (narrow).has_file)
          and ((narrow).has_link is null or i.has_link = (narrow).has_link)
          and ((narrow).has_reaction is null or slack.has_reactions(i.channel, i.ts) = (narrow).has_reaction)
          and ((narrow).in_thread is null or (i.thread_ts is not null) = (narrow).in_thread)
          and ((narrow).thread_ts is null
              or (i.channel = (narrow).thread_channel and (narrow).thread_ts in (i.ts, i.thread_ts)))
        order by i.ts desc, i.channel
        limit pool
    )
    select c.channel, c.ts, c.thread_ts, search.bm25(c.words, terms, weights, average_length) as score
    from candidate as c
    order by score desc, c.ts desc, c.channel
    limit row_limit
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
) returns table (channel text, ts timestamptz, thread_ts timestamptz, score real)
language sql stable security definer set search_path = pg_catalog, slack, public as $$
    with candidate as materialized (
        select i.channel, i.ts, i.thread_ts, i.embedding
        from slack.message_index as i
        where i.team = slack.setting('team') and i.channel = any ((select slack.visible_channels())::text[])
          and i.model = of_model and (only_public is null or i.public = only_public)
          and ((narrow).channels is null or i.channel = any ((narrow).channels))
          and ((narrow).authors is null or i.author = any ((narrow).authors))
          and ((narrow).from_ts is null or i.ts >= (narrow).from_ts)
          and ((narrow).to_ts is null or i.ts <= (narrow).to_ts)
          and ((narrow).has_file is null or i.has_file = (narrow).has_file)
          and ((narrow).has_link is null or i.has_link = (narrow).has_link)
          and ((narrow).has_reaction is null or slack.has_reactions(i.channel, i.ts) = (narrow).has_reaction)
          and ((narrow).in_thread is null or (i.thread_ts is not null) = (narrow).in_thread)
          and ((narrow).thread_ts is null
              or (i.channel = (narrow).thread_channel and (narrow).thread_ts in (i.ts, i.thread_ts)))
    )
    select c.channel, c.ts, c.thread_ts, (1 - (c.embedding <=> query))::real as score
    from candidate as c
    order by c.embedding <=> query, c.ts desc, c.channel
    limit row_limit
$$;

-- By meaning through the index of public rows, which private rows have no part in. The statement is made here because
-- the index is on an expression with the vector's size and for one model: both are the program's, quoted as literals.
create function slack.search_vectors_indexed(
    query halfvec, of_model text, narrow slack.narrowing, row_limit integer
) returns table (channel text, ts timestamptz, thread_ts timestamptz, score real)
language plpgsql stable security definer
set search_path = pg_catalog, slack, public
as $$
declare
    visible text[] := slack.visible_channels();
begin
    perform set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '120', true);
    return query execute format(
        'select i.channel, i.ts, i.thread_ts, (1 - (i.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)))::real
        from slack.message_index as i
        where i.model = %2$L and i.public and i.team = $2 and i.channel = any ($3)
          and ($4 is null or i.channel = any ($4)) and ($5 is null or i.author = any ($5))
          and ($6 is null or i.ts >= $6) and ($7 is null or i.ts <= $7)
          and ($8 is null or i.has_file = $8) and ($9 is null or i.has_link = $9)
          and ($10 is null or slack.has_reactions(i.channel, i.ts) = $10)
          and ($11 is null or (i.thread_ts is not null) = $11)
        order by i.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)
        limit $12', vector_dims(query), of_model)
    using query, slack.setting('team'), visible, (narrow).channels, (narrow).authors, (narrow).from_ts, (narrow).to_ts,
        (narrow).has_file, (narrow).has_link, (narrow).has_reaction, (narrow).in_thread, row_limit;
end
$$;

-- How many indexed messages a narrowing leaves, counted no further than `most`.
create function slack.count_narrowed(narrow slack.narrowing, most integer) returns bigint
language sql stable security definer set search_path = pg_catalog, slack as $$
    select count(*) from (
        select from slack.message_index as i
        where i.team = slack.setting('team') and i.channel = any ((select slack.visible_channels())::text[])
          and ((narrow).channels is null or i.channel = any ((narrow).channels))
          and ((narrow).authors is null or i.author = any ((narrow).authors))
          and ((narrow).from_ts is null or i.ts >= (narrow).from_ts)
          and ((narrow).to_ts is null or i.ts <= (narrow).to_ts)
          and ((narrow).has_file is null or i.has_file = (narrow).has_file)
          and ((narrow).has_link is null or i.has_link = (narrow).has_link)
        limit most) as found
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
