-- TimescaleDB, where the server offers it.

-- name: is_hypertable
select exists (
    select from timescaledb_information.hypertables where hypertable_schema = 'slack' and hypertable_name = $1
);

-- name: has_columnstore
select exists (
    select from timescaledb_information.hypertables
    where hypertable_schema = 'slack' and hypertable_name = $1 and compression_enabled
);

-- name: make_messages_hypertable
select create_hypertable('slack.messages', by_range('ts', interval '7 days'),
    create_default_indexes => false, migrate_data => true, if_not_exists => true);

-- name: make_raw_events_hypertable
select create_hypertable('slack.raw_events', by_range('received_at', interval '7 days'),
    create_default_indexes => false, migrate_data => true, if_not_exists => true);

-- name: columnstore_messages
-- the author is what old messages are looked up by, besides the time
alter table slack.messages set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'team, channel', timescaledb.orderby = 'ts desc',
    timescaledb.sparse_index = 'bloom(author)'
);

-- name: join_messages
-- chunks that become columns are joined to a quarter
alter table slack.messages set (timescaledb.compress_chunk_time_interval = '91 days');

-- name: columnstore_raw_events
alter table slack.raw_events set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'team', timescaledb.orderby = 'received_at desc, id desc'
);

-- name: compact_chunks
select slack.compact_chunks(interval '45 days');
