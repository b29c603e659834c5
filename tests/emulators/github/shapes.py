"""Objects in the shapes of GitHub's REST API, made from the little that differs between them."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

API = "https://api.github.com"
WEB = "https://github.com"
Json = dict[str, Any]
UNSIGNED: Json = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}
"""What a commit without a signature says of it."""


def number_of(text: str) -> int:
    """A stable id for a name."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:7], 16)


def user(login: str, *, kind: str = "User", name: str | None = None) -> Json:
    """A simple user."""
    url = f"{API}/users/{login}"
    links = {
        f"{one}_url": f"{url}/{one}{suffix}"
        for one, suffix in (
            ("followers", ""),
            ("following", "{/other_user}"),
            ("gists", "{/gist_id}"),
            ("starred", "{/owner}{/repo}"),
            ("subscriptions", ""),
            ("repos", ""),
            ("events", "{/privacy}"),
            ("received_events", ""),
        )
    }
    return {
        "login": login,
        "id": number_of(login),
        "node_id": f"U_{login}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number_of(login)}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/{login}",
        "organizations_url": f"{url}/orgs",
        "type": kind,
        "site_admin": False,
        "user_view_type": "public",
        **links,
    } | ({"name": name} if name else {})


def full_user(simple: Json, *, created_at: str, **more: Any) -> Json:
    """A user as GET /users/{login} answers."""
    blank: Json = dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return {
        **simple,
        "name": None,
        "blog": "",
        **blank,
        **counts,
        "created_at": created_at,
        "updated_at": created_at,
        **more,
    }


_REPOSITORY_LINKS = [
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs",
    "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels", "languages",
    "merges", "milestones", "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers",
    "subscription", "tags", "teams", "trees",
]  # fmt: skip


def minimal_repository(full_name: str, owner: Json, *, private: bool, description: str | None) -> Json:
    """A repository as it is embedded in other objects."""
    url = f"{API}/repos/{full_name}"
    return {
        "id": number_of(full_name),
        "node_id": f"R_{number_of(full_name)}",
        "name": full_name.partition("/")[2],
        "full_name": full_name,
        "private": private,
        "owner": owner,
        "html_url": f"{WEB}/{full_name}",
        "description": description,
        "fork": False,
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_LINKS},
    }


def repository(minimal: Json, *, default_branch: str, created_at: str, pushed_at: str, **more: Any) -> Json:
    """A repository as GET /repos/{owner}/{repo} answers."""
    full_name = minimal["full_name"]
    base: Json = {
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "clone_url": f"{WEB}/{full_name}.git",
        "svn_url": f"{WEB}/{full_name}",
        "homepage": None,
        "mirror_url": None,
        "size": 128,
        "stargazers_count": 0,
        "watchers_count": 0,
        "watchers": 0,
        "subscribers_count": 0,
        "network_count": 0,
        "language": None,
        "license": None,
        "topics": [],
        "forks_count": 0,
        "forks": 0,
        "open_issues_count": 0,
        "open_issues": 0,
        "archived": False,
        "disabled": False,
        "visibility": "private" if minimal["private"] else "public",
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "default_branch": default_branch,
        "created_at": created_at,
        "updated_at": pushed_at,
        "pushed_at": pushed_at,
    }
    flags = dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True)
    return {**minimal, **base, **flags, "has_pages": False, "has_discussions": False, **more}


def label(full_name: str, name: str, color: str = "ededed", description: str | None = None) -> Json:
    """A label."""
    url = f"{API}/repos/{full_name}/labels/{quote(name)}"
    ident = number_of(f"{full_name}:{name}")
    return {
        "id": ident,
        "node_id": f"LA_{ident}",
        "url": url,
        "name": name,
        "color": color,
        "default": False,
        "description": description,
    }


def comment(
    full_name: str, number: int, ident: int, author: Json, body: str, at: str, association: str, *, pull: bool
) -> Json:
    """A comment of an issue's or pull request's conversation."""
    page = f"{WEB}/{full_name}/{'pull' if pull else 'issues'}/{number}"
    return {
        "id": ident,
        "node_id": f"IC_{ident}",
        "url": f"{API}/repos/{full_name}/issues/comments/{ident}",
        "html_url": f"{page}#issuecomment-{ident}",
        "issue_url": f"{API}/repos/{full_name}/issues/{number}",
        "user": author,
        "body": body,
        "created_at": at,
        "updated_at": at,
        "author_association": association,
        "performed_via_github_app": None,
        "reactions": reactions(f"{API}/repos/{full_name}/issues/comments/{ident}"),
    }


def reactions(url: str) -> Json:
    """No reactions at all."""
    counts = dict.fromkeys(("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"), 0)
    return {"url": f"{url}/reactions", "total_count": 0, **counts}


def issue(
    full_name: str, number: int, author: Json, title: str, body: str | None, at: str, **more: Any
) -> Json:
    """An issue, as its list and its page answer."""
    url = f"{API}/repos/{full_name}/issues/{number}"
    return {
        "id": number_of(f"{full_name}#{number}"),
        "node_id": f"I_{number}",
        "url": url,
        "repository_url": f"{API}/repos/{full_name}",
        "labels_url": url + "/labels{/name}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{WEB}/{full_name}/issues/{number}",
        "number": number,
        "state": "open",
        "state_reason": None,
        "title": title,
        "body": body,
        "user": author,
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": 0,
        "closed_at": None,
        "closed_by": None,
        "created_at": at,
        "updated_at": at,
        "author_association": "NONE",
        "performed_via_github_app": None,
        "reactions": reactions(url),
        "timeline_url": f"{url}/timeline",
        **more,
    }


def pull_links(full_name: str, number: int) -> Json:
    """What an issue says of the pull request that it is."""
    return {
        "url": f"{API}/repos/{full_name}/pulls/{number}",
        "html_url": f"{WEB}/{full_name}/pull/{number}",
        "diff_url": f"{WEB}/{full_name}/pull/{number}.diff",
        "patch_url": f"{WEB}/{full_name}/pull/{number}.patch",
    }


def pull(
    full_name: str,
    number: int,
    author: Json,
    title: str,
    body: str | None,
    at: str,
    *,
    head: Json,
    base: Json,
    **more: Any,
) -> Json:
    """A pull request as GET /repos/{owner}/{repo}/pulls/{number} answers."""
    url = f"{API}/repos/{full_name}/pulls/{number}"
    issue_url = f"{API}/repos/{full_name}/issues/{number}"
    addresses: Json = {
        **pull_links(full_name, number),
        "issue_url": issue_url,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{API}/repos/{full_name}/pulls/comments{{/number}}",
        "comments_url": f"{issue_url}/comments",
        "statuses_url": f"{API}/repos/{full_name}/statuses/{head['sha']}",
    }
    targets = {
        "self": url, "html": addresses["html_url"], "issue": issue_url, "comments": addresses["comments_url"],
        "review_comments": addresses["review_comments_url"], "review_comment": addresses["review_comment_url"],
        "commits": addresses["commits_url"], "statuses": addresses["statuses_url"],
    }  # fmt: skip
    state: Json = {
        "state": "open", "locked": False, "active_lock_reason": None, "draft": False, "merged": False, "mergeable": True,
        "rebaseable": True, "mergeable_state": "clean", "merged_by": None, "merged_at": None, "closed_at": None,
        "merge_commit_sha": None, "auto_merge": None, "maintainer_can_modify": False,
    }  # fmt: skip
    counts = dict.fromkeys(
        ("comments", "review_comments", "commits", "additions", "deletions", "changed_files"), 0
    )
    return {
        "id": number_of(f"{full_name}!{number}"),
        "node_id": f"PR_{number}",
        "number": number,
        **addresses,
        "_links": {name: {"href": target} for name, target in targets.items()},
        "title": title,
        "user": author,
        "body": body,
        "labels": [],
        "milestone": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": head,
        "base": base,
        "author_association": "NONE",
        "created_at": at,
        "updated_at": at,
        **state,
        **counts,
        **more,
    }


def listed_commit(commit: Json) -> Json:
    """A commit as lists and searches have it."""
    return {key: value for key, value in commit.items() if key not in ("files", "stats")}
