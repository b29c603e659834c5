-- name: history_is_hypertable
-- whether the history is one already
select exists (
    select from timescaledb_information.hypertables
    where hypertable_schema = 'queue' and hypertable_name = 'history'
);

-- name: make_history_hypertable
-- splits the history into chunks of a day, what is there included
select create_hypertable(
    'queue.history', by_range('finished_at', interval '1 day'), migrate_data => true, if_not_exists => true
);
