-- requires-program: 0.1.0
-- The id of this database. Idempotency keys that are sent to external systems begin with it, because ids of events start
-- again from 1 in a rebuilt database, and an external system would mistake a new effect for an old one.
create table queue.installation (
    id text collate "C" not null default left(replace(gen_random_uuid()::text, '-', ''), 16),
    is_single_row boolean primary key default true check (is_single_row)
);

insert into queue.installation default values;

grant select on queue.installation to rookery_memory, rookery_ingest, rookery_agent;

-- Null for an effect that was intended without one: its key was sent as it was, and stays the same in every attempt.
alter table queue.effect add column installation text collate "C";
