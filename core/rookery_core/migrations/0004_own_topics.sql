-- requires-program: 0.1.0
-- A subscription of Rookery's own programs, which trust what they receive: nobody publishes to its topic, or reads what is
-- on it, through the tools that a model calls.
alter table queue.subscription add column internal boolean not null default false;
