-- name: put_source
-- a source under its name; settings of the latest import win
insert into docs.source (team, name, title, kind, settings)
values ($1, $2, $3, $4, $5)
on conflict (team, name) do update set title = excluded.title, kind = excluded.kind, settings = excluded.settings;

-- name: put_version
insert into docs.version (team, source, version, sort_key, base_url)
values ($1, $2, $3, $4, $5)
on conflict (team, source, version) do update set sort_key = excluded.sort_key, base_url = excluded.base_url;

-- name: lock_version
-- one import of a version at a time; the lock ends with the connection, however that comes about
select pg_advisory_lock(hashtextextended('docs ' || $1 || ' ' || $2 || ' ' || $3, 0));

-- name: unlock_version
select pg_advisory_unlock(hashtextextended('docs ' || $1 || ' ' || $2 || ' ' || $3, 0));

-- name: begin_run
insert into docs.import_run (team, source, version) values ($1, $2, $3) returning run_id;

-- name: end_run
update docs.import_run set finished_at = now(), summary = $3 where team = $1 and run_id = $2;

-- name: known_pages
-- what is stored of each page of a version, to tell what has changed
select path, url, digest, etag, last_modified from docs.page where team = $1 and source = $2 and version = $3;

-- name: touch_contents
-- Texts that are needed now must not be forgotten as unused; what was touched within the hour is safe for a day. Locked
-- in the order of their digests, so that two imports never wait for each other in a circle.
update docs.content set touched_at = now()
from (
    select content_id from docs.content
    where team = $1 and digest = any($2::bytea[]) and touched_at < now() - interval '1 hour'
    order by digest
    for no key update
) as stale
where content.team = $1 and content.content_id = stale.content_id;

-- name: known_contents
select content_id, digest from docs.content where team = $1 and digest = any($2::bytea[]);

-- name: put_contents
-- texts that another import may be storing as well; in the order of their digests
insert into docs.content (team, digest, title, heading_path, text, overlap, postings)
select $1, digest, title, string_to_array(heading_path, E'\n'), text, overlap, postings
from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bytea[])
    as given (digest, title, heading_path, text, overlap, postings)
order by digest
on conflict (team, digest) do update set touched_at = now()
returning content_id, digest, (xmax = 0) as inserted;

-- name: put_pages
insert into docs.page (team, source, version, path, url, title, description, kind, digest, etag, last_modified)
select $1, $2, $3, path, url, title, description, kind, digest, etag, last_modified
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[], $11::timestamptz[])
    as given (path, url, title, description, kind, digest, etag, last_modified)
order by path
on conflict (team, source, version, path) do update set
    url = excluded.url, title = excluded.title, description = excluded.description, kind = excluded.kind,
    digest = excluded.digest, etag = excluded.etag, last_modified = excluded.last_modified, changed_at = now()
returning page_id, path, (xmax = 0) as inserted;

-- name: clear_passages
delete from docs.passage where team = $1 and page_id = any($2::bigint[]);

-- name: put_passages
insert into docs.passage (team, page_id, position, content_id, anchor, anchors)
select $1, page_id, position, content_id, anchor, string_to_array(anchors, E'\n')
from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::text[])
    as given (page_id, position, content_id, anchor, anchors);

-- name: put_words
insert into docs.word (team, word)
select $1, word from unnest($2::text[]) as given (word) order by word
on conflict do nothing;

-- name: touch_revision
update docs.version set revision = revision + 1, edition = gen_random_uuid(), changed_at = now()
where team = $1 and source = $2 and version = $3;

-- name: remove_pages
delete from docs.page where team = $1 and source = $2 and version = $3 and path = any($4::text[]);

-- name: count_version
-- figures that list_sources shows, counted at the end of an import
update docs.version as v set pages = counted.pages, passages = counted.passages, imported_at = now()
from (
    select count(distinct page.page_id)::integer as pages, count(passage.position)::integer as passages
    from docs.page left join docs.passage using (team, page_id)
    where page.team = $1 and page.source = $2 and page.version = $3
) as counted
where v.team = $1 and v.source = $2 and v.version = $3
returning counted.pages, counted.passages;

-- name: without_vector
-- texts of a version that a model has not embedded yet, in the order they were stored
select distinct content.content_id, content.title, content.heading_path, substr(content.text, content.overlap + 1) as text
from docs.page
join docs.passage using (team, page_id)
join docs.content using (team, content_id)
where page.team = $1 and page.source = $2 and page.version = $3 and page.kind <> 'index'
  and not exists (
      select from docs.embedding
      where embedding.team = $1 and embedding.model = $4 and embedding.content_id = content.content_id
  )
order by content.content_id
limit $5;

-- name: put_vectors
-- a text without words gets a row without vector, so that it is not tried again
insert into docs.embedding (team, content_id, model, embedding)
values ($1, $2, $3, $4)
on conflict do nothing;

-- name: forget_unused
-- texts that no page has held for a day; an import under way may be about to use younger ones
delete from docs.content
where team = $1 and touched_at < now() - interval '1 day'
  and not exists (
      select from docs.passage where passage.team = $1 and passage.content_id = content.content_id
  );

-- name: remove_source
delete from docs.source where team = $1 and name = $2;

-- name: remove_version
delete from docs.version where team = $1 and source = $2 and version = $3;

-- name: source_settings
select kind, title, settings from docs.source where team = $1 and name = $2;

-- name: versions
select version from docs.version where team = $1 and source = $2 order by sort_key desc, version desc;
