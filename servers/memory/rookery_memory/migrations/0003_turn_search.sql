-- requires-program: 0.1.0
-- Search in conversations. Where there are more turns than are ranked whole, candidates come from the rarest words of the
-- question: a name of whoever speaks is in every turn, and of any words only the newest turns would be looked at.

create function memory.count_turns(asked text[], in_conversation text, most integer) returns integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    mine text[] := memory.searched_scopes(asked);
begin
    return (
        select count(*)
        from (
            select from memory.turn as t
            where t.team = memory.caller_team() and t.scope = any (mine)
                and (in_conversation is null or t.conversation = in_conversation)
            limit most
        ) as few
    );
end
$$;

create function memory.turn_hits(
    asked text[], in_conversation text, terms tsquery[], matching tsquery, in_model text, query public.halfvec,
    most integer
)
returns table (
    scope text, conversation text, turn_position integer, session integer, asks boolean, length integer,
    frequencies real[], similarity real
)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_custom_plan
rows 600
as $$
declare
    mine text[] := memory.searched_scopes(asked);
    everything boolean := memory.count_turns(asked, in_conversation, most + 1) <= most;
    telling tsquery := matching;
begin
    if not everything then
        telling := search.rarest(
            terms,
            array(
                select (
                    select count(*)
                    from (
                        select from memory.turn as t
                        where t.team = memory.caller_team() and t.scope = any (mine)
                            and (in_conversation is null or t.conversation = in_conversation) and t.document @@ given.term
                        limit most / 2
                    ) as few
                )
                from unnest(terms) with ordinality as given(term, place)
                order by given.place
            ),
            most / 2
        );
    end if;
    return query
    with worded as materialized (
        select t.scope, t.conversation, t.position
        from memory.turn as t
        where not everything and t.team = memory.caller_team() and t.scope = any (mine)
            and (in_conversation is null or t.conversation = in_conversation) and t.document @@ telling
        order by t.recorded_at desc
        limit most / 2
    ),
    near as materialized (
        select e.scope, e.conversation, e.position
        from memory.turn_embedding as e
        where not everything and e.team = memory.caller_team() and e.scope = any (mine)
            and (in_conversation is null or e.conversation = in_conversation)
            and e.model = in_model and vector_dims(e.embedding) = vector_dims(query)
        order by e.embedding <=> query
        limit most / 8
    ),
    others as materialized (
        -- Among the matches alone a rare word would seem common.
        select t.scope, t.conversation, t.position
        from memory.turn as t
        where not everything and t.team = memory.caller_team() and t.scope = any (mine)
            and (in_conversation is null or t.conversation = in_conversation)
        order by t.scope, t.conversation, t.position
        limit most / 4
    ),
    wanted as materialized (
        -- A turn is ranked with its neighbours.
        select distinct found.scope, found.conversation, found.position + step as position
        from (select * from worded union all select * from near union all select * from others) as found, generate_series(-1, 1) as step
    ),
    ranked as (
        select t.*
        from memory.turn as t
        where everything and t.team = memory.caller_team() and t.scope = any (mine)
            and (in_conversation is null or t.conversation = in_conversation)
        union all
        select t.*
        from wanted
        join memory.turn as t
            on t.team = memory.caller_team() and t.scope = wanted.scope and t.conversation = wanted.conversation
                and t.position = wanted.position
        where not everything
    )
    select
        t.scope, t.conversation, t.position, t.session, t.asks, length(t.document),
        case when t.document @@ matching then memory.frequencies(t.document, terms) end,
        case
            when e.model = in_model and vector_dims(e.embedding) = vector_dims(query)
            then (1 - (e.embedding <=> query))::real
        end
    from ranked as t
    left join memory.turn_embedding as e using (team, scope, conversation, position)
    order by t.scope, t.conversation, t.position;
end
$$;

comment on function memory.turn_hits(text[], text, tsquery[], tsquery, text, public.halfvec, integer) is
    'What ranks the turns of the caller''s conversations: all of them, or where there are more than `most`, candidates with their neighbours.';

-- Functions are executable by all unless told otherwise.
revoke execute on all functions in schema memory from public;
grant execute on all functions in schema memory to rookery_memory;
