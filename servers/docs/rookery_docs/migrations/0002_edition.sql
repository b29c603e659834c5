-- requires-program: 0.1.0
-- Names the state of a version's pages for whoever keeps something made of them. A revision alone does not: a copy of this
-- database counts on from the same number.
alter table docs.version add column edition uuid not null default gen_random_uuid();
