-- requires-program: 0.1.0
-- Searches can exclude: channels, authors and words. A search with filters but without words is newest first.

alter type slack.narrowing
    add attribute without_channels text[], add attribute without_authors text[], add attribute without_words text;

create or replace function slack.searched_channels(narrow slack.narrowing) returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case
        when (narrow).channels is null and (narrow).without_channels is null then slack.visible_channels()
        else coalesce((
            select array_agg(v.id order by v.id) from unnest(slack.visible_channels()) as v (id)
            where ((narrow).channels is null or v.id = any ((narrow).channels))
              and ((narrow).without_channels is null or not v.id = any ((narrow).without_channels))
        ), '{}')
    end
$$;

create or replace function slack.fits(found slack.message_index, narrow slack.narrowing) returns boolean
language sql stable
return found.ts >= coalesce((narrow).from_ts, '-infinity') and found.ts <= coalesce((narrow).to_ts, 'infinity')
    and ((narrow).authors is null or found.author = any ((narrow).authors))
    and ((narrow).has_file is null or found.has_file = (narrow).has_file)
    and ((narrow).has_link is null or found.has_link = (narrow).has_link)
    and ((narrow).has_reaction is null or slack.has_reactions(found.channel, found.ts) = (narrow).has_reaction)
    and ((narrow).in_thread is null or (found.thread_ts is not null) = (narrow).in_thread)
    and ((narrow).thread_ts is null
        or (found.channel = (narrow).thread_channel and (narrow).thread_ts in (found.ts, found.thread_ts)))
    and ((narrow).without_authors is null or found.author is null or not found.author = any ((narrow).without_authors))
    and ((narrow).without_words is null or not found.words @@ ((narrow).without_words)::tsquery);

-- The newest messages that fit a filter. They have no score.
create function slack.newest_messages(narrow slack.narrowing, row_limit integer)
returns setof slack.scored language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
begin
    return query select i.channel, i.ts, i.thread_ts, null::real from slack.message_index as i
        where i.team = of_team and i.channel = any (searched) and slack.fits(i, narrow)
        order by i.ts desc, i.channel limit row_limit;
end
$$;

-- The tsquery that a message has if it has all of any one word or quoted phrase; null where none of them holds a word.
create function slack.any_word_or_phrase(words text[]) returns text language sql immutable parallel safe
set search_path = pg_catalog, search as $$
    select string_agg('(' || coalesce(search.phrases(w.word)::text, all_of.terms) || ')', ' | ')
    from unnest(words) as w (word), lateral (
        select string_agg(search.term(l.lexeme, l.prefix)::text, ' & ') as terms
        from search.query_lexemes(w.word) as l
    ) as all_of
    where coalesce(search.phrases(w.word)::text, all_of.terms) is not null
$$;

revoke execute on function
    slack.newest_messages(slack.narrowing, integer), slack.any_word_or_phrase(text[]) from public;
grant execute on function
    slack.newest_messages(slack.narrowing, integer), slack.any_word_or_phrase(text[])
    to rookery_slack, rookery_ingest;
