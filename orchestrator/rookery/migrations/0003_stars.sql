-- requires-program: 0.1.0
-- A rating from 1 to 5 beside the thumb, as the form for comments offers it.

alter table agent.slack_feedback add column stars smallint check (stars between 1 and 5);
