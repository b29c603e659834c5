-- requires-program: 0.1.0
-- Functions for whoever ingests.

-- The id under which a channel is kept now: where its moves end, or where the latest of them led if they go in a circle.
create function slack.present_id(of_team text, of_channel text) returns text language sql stable
set search_path = pg_catalog, slack as $$
    with recursive step (id, path, at, is_round) as (
        select of_channel collate "C", array[of_channel collate "C"], '-infinity'::timestamptz, false
        union all
        select a.new_id, step.path || a.new_id, a.at, a.new_id = any (step.path)
        from step join slack.channel_aliases as a on a.team = of_team and a.old_id = step.id
        where not step.is_round
    ), last as (
        select id, path, is_round from step order by cardinality(path) desc limit 1
    )
    select case when not last.is_round then last.id else (
        select step.id from step where cardinality(step.path) > array_position(last.path, last.id)
        order by step.at desc limit 1
    ) end
    from last
$$;

-- The order of versions that nothing else tells apart: the fuller first, then by hash.
create function slack.fullness(author text, subtype text, body text, content jsonb) returns bytea
language sql stable parallel safe
return (
    select int4send(octet_length(said)) || substring(sha256(said) for 12)
    from convert_to(jsonb_build_array(author, subtype, body, content)::text, 'UTF8') as said
);

-- Old messages as columns. TimescaleDB's own policies need an owner who may log in, which ours may not; so whoever
-- ingests asks for it, once a day. Without TimescaleDB there is nothing to do.
--
-- Old chunks are joined to quarters as they become columns: a channel's week is too little to compress well, and every
-- chunk costs each read a little. What a chunk was joined to is written anew, so that its batches are full again.
create function slack.compact_chunks(older_than interval) returns integer language plpgsql security definer
set search_path = pg_catalog, slack, public as $$
declare
    chunk record;
    joined regclass;
    quarters regclass[] := '{}';
    done integer := 0;
begin
    if not exists (select from pg_extension where extname = 'timescaledb') then
        return 0;
    end if;
    for chunk in execute
        'select format(''%I.%I'', chunk_schema, chunk_name)::regclass as name from timescaledb_information.chunks
        where hypertable_schema = ''slack'' and not is_compressed and range_end < now() - $1 order by range_end'
        using older_than
    loop
        execute 'select compress_chunk($1, if_not_compressed => true)' into joined using chunk.name;
        if joined <> chunk.name and not joined = any (quarters) then
            quarters := quarters || joined;
        end if;
        done := done + 1;
    end loop;
    foreach joined in array quarters loop
        execute 'select compress_chunk($1, recompress => true)' using joined;
    end loop;
    return done;
end
$$;

-- Whoever ingests lets the planner look at what it has just written: an import fills empty tables faster than
-- autovacuum comes round, and a planner that takes them for empty compares each row of a batch with every row there is.
create function slack.refresh_planner() returns void language plpgsql security definer
set search_path = pg_catalog, slack as $$
begin
    analyze slack.messages, slack.message_index, slack.reactions, slack.message_history;
end
$$;

revoke execute on all functions in schema slack from public;
grant execute on function
    slack.present_id(text, text), slack.fullness(text, text, text, jsonb), slack.compact_chunks(interval),
    slack.refresh_planner()
    to rookery_ingest;
