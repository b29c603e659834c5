"""Twenty everyday questions about whatever repository is loaded, with the calls that answer them.

Each names the call to our server, and the REST requests that the official server makes for the tool calls a model
would need there, with the shape in which it passes each on. Subjects come from the data: the most discussed issue, the
most reviewed pull request, the busiest person, the commonest words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.github import peer
from emulators.github import Repository

Shape = Callable[[Any], Any]
Request = tuple[str, dict[str, Any], Shape]


@dataclass(frozen=True)
class Question:
    """One question: in words, our call, and the peer's requests with their shapes."""

    words: str
    tool: str
    arguments: dict[str, Any]
    requests: list[Request]


@dataclass(frozen=True)
class Subjects:
    """What the questions are about."""

    name: str
    word: str
    discussed: int
    discussed_pull: int
    reviewed: int
    commented: int
    path: str
    person: str
    label: str
    year: str
    sha: str
    comment: str

    @classmethod
    def of(cls, repository: Repository) -> Subjects:
        """The subjects of one repository."""
        titles = Counter(
            word
            for one in repository.issues.values()
            for word in set(re.findall(r"[a-z]{5,}", one["title"].lower()))
        )
        issues = [number for number in repository.issues if number not in repository.pulls]
        discussed = max(issues, key=lambda number: len(repository.comments.get(number, ())))
        commented = max(repository.pulls, key=lambda number: len(repository.review_comments.get(number, ())))
        labels = Counter(label["name"] for number in issues for label in repository.issues[number]["labels"])
        people = Counter(one["user"]["login"] for one in repository.pulls.values())
        years = Counter(one["created_at"][:4] for one in repository.issues.values())
        paths = Counter(file["filename"] for file in repository.pull_files.get(commented, ()))
        return cls(
            name=repository.full_name,
            word=titles.most_common(8)[-1][0],
            discussed=discussed,
            discussed_pull=max(repository.pulls, key=lambda number: len(repository.comments.get(number, ()))),
            reviewed=max(repository.pulls, key=lambda number: len(repository.reviews.get(number, ()))),
            commented=commented,
            path=paths.most_common(1)[0][0] if paths else "",
            person=people.most_common(1)[0][0],
            label=labels.most_common(1)[0][0] if labels else "bug",
            year=years.most_common(1)[0][0],
            sha=repository.branches[repository.default_branch],
            comment=repository.comments[discussed][len(repository.comments[discussed]) // 2]["html_url"],
        )


def questions(subjects: Subjects) -> list[Question]:
    """The twenty questions."""
    s = subjects
    repo = f"/repos/{s.name}"
    year = f"{s.year}-01-01..{s.year}-12-31"

    def search(words: str, shape: Shape | None = None, sort: str = "") -> Request:
        shape = shape or peer.found(peer.issue)
        more = {"sort": sort, "order": "desc"} if sort else {}
        return "/search/issues", {"q": f"repo:{s.name} {words}", "per_page": 30, **more}, shape

    def pull(number: int) -> Request:
        return f"{repo}/pulls/{number}", {}, peer.pull

    def comments(number: int) -> Request:
        return f"{repo}/issues/{number}/comments", {"per_page": 30}, peer.listed(peer.comment)

    def ref(number: int) -> str:
        return f"{s.name}#{number}"

    return [
        Question("Which issues are open?", "search_issues", {"repo": s.name, "kind": "issue", "state": "open", "sort": "updated"},
                 [search("is:issue is:open", lambda answer: peer.issue_list(answer["items"]), sort="updated")]),
        Question("Is anything known about this?", "search_issues", {"repo": s.name, "query": s.word}, [search(s.word)]),
        Question("What is this issue about, and what came of it?", "get_issue", {"issue": ref(s.discussed)},
                 [(f"{repo}/issues/{s.discussed}", {}, peer.issue), comments(s.discussed)]),
        Question("What was said there last?", "get_issue", {"issue": ref(s.discussed), "comments": "newest", "max_tokens": 800},
                 [(f"{repo}/issues/{s.discussed}", {}, peer.issue), comments(s.discussed)]),
        Question("What does this one comment say?", "get_issue", {"issue": s.comment}, [comments(s.discussed)]),
        Question("Is this pull request approved, is it green?", "get_pull_request", {"pull": ref(s.reviewed), "parts": []},
                 [pull(s.reviewed), (f"{repo}/pulls/{s.reviewed}/reviews", {"per_page": 30}, peer.listed(peer.review))]),
        Question("What does this pull request do?", "get_pull_request", {"pull": ref(s.reviewed), "max_tokens": 1000}, [pull(s.reviewed)]),
        Question("What did reviewers ask for inline?", "get_pull_request", {"pull": ref(s.commented), "parts": ["threads"]},
                 [pull(s.commented), (f"{repo}/pulls/{s.commented}/comments", {"per_page": 30}, peer.threads)]),
        Question("How did the discussion of it go?", "get_pull_request", {"pull": ref(s.discussed_pull), "parts": ["conversation", "reviews"]},
                 [pull(s.discussed_pull), comments(s.discussed_pull),
                  (f"{repo}/pulls/{s.discussed_pull}/reviews", {"per_page": 30}, peer.listed(peer.review))]),
        Question("Which commits are in it?", "get_pull_request", {"pull": ref(s.commented), "parts": ["commits"]},
                 [pull(s.commented), (f"{repo}/pulls/{s.commented}/commits", {"per_page": 30}, peer.listed(peer.pull_commit))]),
        Question("Which files does it change?", "get_pull_request", {"pull": ref(s.commented), "parts": ["files"]},
                 [pull(s.commented), (f"{repo}/pulls/{s.commented}/files", {"per_page": 30}, peer.listed(peer.file))]),
        Question("How does it change this file?", "get_pull_request", {"pull": ref(s.commented), "parts": ["diff"], "path": s.path},
                 [pull(s.commented), (f"{repo}/pulls/{s.commented}/files", {"per_page": 30}, peer.listed(peer.file))]),
        Question("Which pull requests are open?", "search_issues", {"repo": s.name, "kind": "pr", "state": "open", "sort": "updated"},
                 [(f"{repo}/pulls", {"state": "open", "per_page": 30}, peer.listed(peer.pull))]),
        Question("What was merged that year?", "search_issues",
                 {"repo": s.name, "kind": "pr", "state": "merged", "since": f"{s.year}-01-01", "until": f"{s.year}-12-31", "dates": "merged"},
                 [search(f"is:pr is:merged merged:{year}")]),
        Question("What is this person working on?", "search_issues", {"repo": s.name, "kind": "pr", "author": s.person, "sort": "updated"},
                 [search(f"is:pr author:{s.person}", sort="updated")]),
        Question("Which issues have this label?", "search_issues", {"repo": s.name, "kind": "issue", "labels": [s.label]},
                 [search(f'is:issue label:"{s.label}"')]),
        Question("Where is this person involved?", "search_issues", {"repo": s.name, "involves": s.person}, [search(f"involves:{s.person}")]),
        Question("What did this person do that year?", "get_user_activity",
                 {"user": s.person, "repo": s.name, "since": f"{s.year}-01-01", "until": f"{s.year}-12-31"},
                 [search(f"is:pr author:{s.person} created:{year}"), search(f"is:issue author:{s.person} created:{year}"),
                  search(f"is:pr reviewed-by:{s.person} updated:{year}"),
                  (f"{repo}/commits", {"author": s.person, "since": f"{s.year}-01-01", "until": f"{s.year}-12-31", "per_page": 30}, peer.listed(peer.commit))]),
        Question("What happened on the main branch lately?", "list_commits", {"repo": s.name}, [(f"{repo}/commits", {"per_page": 30}, peer.listed(peer.commit))]),
        Question("What is in this commit?", "get_commit", {"commit": f"{s.name}@{s.sha}"}, [(f"{repo}/commits/{s.sha}", {}, peer.commit)]),
    ]  # fmt: skip
