-- requires-program: 0.1.0
-- What the Slack bot remembers of its own work. Messages themselves are not kept here.

create table agent.slack_question (
    team text collate "C" not null,
    channel text not null,
    ts text not null,
    thread_ts text not null,
    asker text not null,
    asker_kind text check (asker_kind in ('member', 'guest', 'outsider')),
    state text not null default 'waiting'
        check (state in ('waiting', 'answering', 'answered', 'failed', 'cancelled', 'refused', 'ignored')),
    trace_id text,
    reply_ts text,
    answered_text text,
    edited_text text,
    deleted boolean not null default false,
    asked_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    primary key (team, channel, ts)
);

comment on column agent.slack_question.answered_text is 'the question as it read when it was answered';
comment on column agent.slack_question.edited_text is 'the question as its author changed it, if they did';

create index slack_question_of_asker on agent.slack_question (team, asker, asked_at);
create index slack_question_of_channel on agent.slack_question (team, channel, asked_at);
create index slack_question_of_thread on agent.slack_question (team, channel, thread_ts);
create index slack_question_of_reply on agent.slack_question (team, channel, reply_ts) where reply_ts is not null;

create table agent.slack_feedback (
    team text collate "C" not null,
    channel text not null,
    question_ts text not null,
    user_id text not null,
    rating smallint check (rating in (-1, 1)),
    comment text,
    trace_id text,
    given_at timestamptz not null default clock_timestamp(),
    primary key (team, channel, question_ts, user_id)
);

create index slack_feedback_of_trace on agent.slack_feedback (team, trace_id);

create table agent.slack_admin (
    team text collate "C" not null,
    user_id text not null,
    added_by text not null,
    added_at timestamptz not null default clock_timestamp(),
    primary key (team, user_id)
);

create table agent.slack_ignored (
    team text collate "C" not null,
    user_id text not null,
    added_by text not null,
    added_at timestamptz not null default clock_timestamp(),
    primary key (team, user_id)
);

create table agent.slack_audit (
    team text collate "C" not null,
    id bigint generated always as identity,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    channel text,
    command text not null,
    allowed boolean not null,
    outcome text not null,
    primary key (team, id)
);

create index slack_audit_at on agent.slack_audit (team, at);

create table agent.slack_offer (
    team text collate "C" not null,
    channel text not null,
    ts text not null,
    asker text not null,
    answer text check (answer in ('yes', 'no')),
    offered_at timestamptz not null default clock_timestamp(),
    primary key (team, channel, ts)
);

create table agent.slack_rule (
    team text collate "C" not null,
    id bigint generated always as identity,
    owner text not null,
    name text not null check (length(name) between 1 and 100),
    channel text not null,
    criteria text not null check (length(criteria) between 1 and 2000),
    action text not null check (length(action) between 1 and 2000),
    examples jsonb not null default '[]',
    enabled boolean not null default true,
    created_at timestamptz not null default clock_timestamp(),
    primary key (team, id),
    unique (team, owner, name)
);

create index slack_rule_of_channel on agent.slack_rule (team, channel) where enabled;

create table agent.slack_rule_match (
    team text collate "C" not null,
    rule_id bigint not null,
    channel text not null,
    ts text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (team, rule_id, channel, ts),
    foreign key (team, rule_id) references agent.slack_rule (team, id) on delete cascade
);

create index slack_rule_match_at on agent.slack_rule_match (team, rule_id, at);

grant select, insert, update, delete on
    agent.slack_question, agent.slack_feedback, agent.slack_admin, agent.slack_ignored, agent.slack_offer,
    agent.slack_rule, agent.slack_rule_match
to rookery_agent;
-- An audit is written and read, never changed.
grant select, insert on agent.slack_audit to rookery_agent;
