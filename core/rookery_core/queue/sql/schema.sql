-- name: history_is_hypertable
-- tells whether the history is a hypertable
select exists (
    select from timescaledb_information.hypertables
    where hypertable_schema = 'queue' and hypertable_name = 'history'
);

-- name: make_history_hypertable
-- splits the history into chunks of one day, including existing rows
select create_hypertable(
    'queue.history', by_range('finished_at', interval '1 day'), migrate_data => true, if_not_exists => true
);
