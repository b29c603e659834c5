-- requires-program: 0.1.0
-- Old messages as columns. TimescaleDB's own policies need an owner who may log in, which ours may not; so whoever
-- ingests asks for it, once a day. Without TimescaleDB there is nothing to do.
create function slack.compact_chunks(older_than interval) returns integer language plpgsql security definer
set search_path = pg_catalog, slack, public as $$
declare
    chunk record;
    done integer := 0;
begin
    if not exists (select from pg_extension where extname = 'timescaledb') then
        return 0;
    end if;
    for chunk in execute
        'select format(''%I.%I'', chunk_schema, chunk_name) as name from timescaledb_information.chunks
        where hypertable_schema = ''slack'' and not is_compressed and range_end < now() - $1 order by range_end'
        using older_than
    loop
        execute format('select compress_chunk(%L::regclass, if_not_compressed => true)', chunk.name);
        done := done + 1;
    end loop;
    return done;
end
$$;
revoke execute on function slack.compact_chunks(interval) from public;
grant execute on function slack.compact_chunks(interval) to rookery_ingest;

-- After an import the planner should know the tables as they are now, not as autovacuum will find them in a minute.
do $$
begin
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'grant maintain on slack.messages, slack.message_index, slack.reactions to rookery_ingest';
    end if;
end
$$;
