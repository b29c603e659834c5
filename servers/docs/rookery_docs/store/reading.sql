-- name: releases
-- every version of every source of the team, the latest of each source first
-- One whose first import was interrupted counts as far as it came; before its first page it is not there.
select version.source, source.title, source.kind, version.version, version.base_url, version.revision,
       version.edition::text as edition, coalesce(unfinished.pages, version.pages) as pages, version.passages,
       version.imported_at, version.changed_at
from docs.version
join docs.source on source.team = version.team and source.name = version.source
left join lateral (
    select count(*) as pages from docs.page
    where page.team = version.team and page.source = version.source and page.version = version.version
) as unfinished on version.imported_at is null
where version.team = $1 and (version.imported_at is not null or unfinished.pages > 0)
order by version.source, version.sort_key desc, version.version desc;

-- name: index_rows
-- what an index in memory is made of
select page.page_id, page.path, passage.content_id, page.kind, content.postings, embedding.embedding,
       page.url, page.title, content.heading_path, passage.anchor, content.text
from docs.page
join docs.passage using (team, page_id)
join docs.content using (team, content_id)
left join docs.embedding on embedding.team = page.team and embedding.model = $4
    and embedding.content_id = passage.content_id
where page.team = $1 and page.source = $2 and page.version = $3 and page.kind <> 'index'
order by page.page_id, passage.position;

-- name: similar_words
select asked, word, similarity from docs.similar_words($1, $2);

-- name: pages_by_path
-- pages of a name, newest version first; null for source or version leaves them open
select page.page_id, page.source, page.version, page.path, page.url, page.title, page.description
from docs.page join docs.version using (team, source, version)
where page.team = $1 and page.path = $2
  and ($3::text is null or page.source = $3) and ($4::text is null or page.version = $4)
order by version.sort_key desc, page.source;

-- name: pages_by_url
select page.page_id, page.source, page.version, page.path, page.url, page.title, page.description
from docs.page join docs.version using (team, source, version)
where page.team = $1 and page.url = any($2::text[])
order by version.sort_key desc, page.source;

-- name: pages_by_anchor
select distinct page.page_id, page.source, page.version, page.path, page.url, page.title, page.description,
       version.sort_key
from docs.passage
join docs.page using (team, page_id)
join docs.version using (team, source, version)
where passage.team = $1 and $2 = any(passage.anchors)
  and ($3::text is null or page.source = $3) and ($4::text is null or page.version = $4)
order by version.sort_key desc, page.source, page.path
limit 20;

-- name: pages_like
-- names near one that was not found
select distinct path from docs.page
where team = $1 and ($3::text is null or source = $3)
  and (position($2 in lower(path)) > 0 or position($2 in lower(title)) > 0)
order by path
limit 5;

-- name: paths_as_long
-- names that may be another spelling of one: about as long
select distinct path from docs.page
where team = $1 and ($3::text is null or source = $3)
  and abs(length(regexp_replace(path, '^.*/|\.\w+$', '', 'g')) - length($2)) <= 3
limit 5000;

-- name: passages
-- a whole page
select passage.position, passage.anchor, passage.anchors, content.heading_path, content.text, content.overlap
from docs.passage join docs.content using (team, content_id)
where passage.team = $1 and passage.page_id = $2
order by passage.position;
