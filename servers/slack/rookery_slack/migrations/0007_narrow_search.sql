-- requires-program: 0.1.0
-- Searches are planned for what they are narrowed to: a day, or a quiet channel, is read through its own index and
-- whole. A plan made for any narrowing could use none, since every condition of it begins with "or it is not asked for".

-- The channels of a search: those asked for that the caller may see.
create function slack.searched_channels(narrow slack.narrowing) returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case when (narrow).channels is null then slack.visible_channels() else coalesce((
        select array_agg(v.id order by v.id) from unnest(slack.visible_channels()) as v (id)
        where v.id = any ((narrow).channels)
    ), '{}') end
$$;

create or replace function slack.search_words(
    candidates tsquery, phrases tsquery, terms tsquery[], weights real[], average_length real,
    narrow slack.narrowing, pool integer, row_limit integer
) returns table (channel text, ts timestamptz, thread_ts timestamptz, score real)
language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    return query with candidate as materialized (
        select i.channel, i.ts, i.thread_ts, i.words
        from slack.message_index as i
        where i.team = of_team and i.channel = any (searched)
          and i.words @@ candidates and (phrases is null or i.words @@ phrases)
          and i.ts >= coalesce((narrow).from_ts, '-infinity') and i.ts <= coalesce((narrow).to_ts, 'infinity')
          and ((narrow).authors is null or i.author = any ((narrow).authors))
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
    limit row_limit;
end
$$;

create or replace function slack.search_vectors_exactly(
    query halfvec, of_model text, narrow slack.narrowing, only_public boolean, row_limit integer
) returns table (channel text, ts timestamptz, thread_ts timestamptz, score real)
language plpgsql stable security definer
set search_path = pg_catalog, slack, public set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    return query with candidate as materialized (
        select i.channel, i.ts, i.thread_ts, i.embedding
        from slack.message_index as i
        where i.team = of_team and i.channel = any (searched)
          and i.model = of_model and (only_public is null or i.public = only_public)
          and i.ts >= coalesce((narrow).from_ts, '-infinity') and i.ts <= coalesce((narrow).to_ts, 'infinity')
          and ((narrow).authors is null or i.author = any ((narrow).authors))
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
    limit row_limit;
end
$$;

create or replace function slack.count_narrowed(narrow slack.narrowing, most integer) returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    return (select count(*) from (
        select from slack.message_index as i
        where i.team = of_team and i.channel = any (searched)
          and i.ts >= coalesce((narrow).from_ts, '-infinity') and i.ts <= coalesce((narrow).to_ts, 'infinity')
          and ((narrow).authors is null or i.author = any ((narrow).authors))
          and ((narrow).has_file is null or i.has_file = (narrow).has_file)
          and ((narrow).has_link is null or i.has_link = (narrow).has_link)
        limit most) as found);
end
$$;

-- Whether any message outside of the public ones is left to be compared by itself.
create index message_index_not_public on slack.message_index (team, channel, ts) where not public;

revoke execute on function slack.searched_channels(slack.narrowing) from public;
grant execute on function slack.searched_channels(slack.narrowing) to rookery_slack, rookery_ingest;
