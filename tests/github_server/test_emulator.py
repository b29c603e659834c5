"""The emulator reads backups of repositories: issues, pull requests and commits, gzipped or not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from emulators.github import World, load_folder, shapes
from emulators.github.sample import sample_world


def test_what_was_written_as_a_backup_is_a_repository_again(tmp_path: Path) -> None:
    widgets = sample_world().repositories["acme/widgets"]
    issue, pull = widgets.issues[1], widgets.pulls[4]
    events = [
        {"event": "commented", **{key: value for key, value in one.items() if key != "reactions"}}
        for one in widgets.comments[1]
    ]
    commit = widgets.commits[pull["merge_commit_sha"]]
    lines = [{"type": "issue", "issue": issue, "events": events}]
    with gzip.open(tmp_path / "a.issues.jsonl.gz", "wt") as file:
        file.write("\n".join(json.dumps(line) for line in lines))
    reviews = [
        {
            "event": "reviewed",
            "state": "approved",
            "id": 9,
            "created_at": "2024-05-02T08:00:00Z",
            "user": None,
        }
    ]
    (tmp_path / "a.pulls.jsonl").write_text(
        json.dumps({"type": "pull", "pull": pull, "events": reviews, "comments": widgets.review_comments[5]})
    )
    (tmp_path / "a.commits.jsonl").write_text(
        json.dumps({"type": "commit", "commit": commit}) + "\n" + json.dumps(commit)
    )
    [found] = load_folder(World(), tmp_path)
    assert found.full_name == "acme/widgets"
    assert sorted(found.issues) == [1, 4]
    assert found.issues[4]["pull_request"]["merged_at"] == pull["merged_at"]
    assert [one["body"] for one in found.comments[1]] == [one["body"] for one in widgets.comments[1]]
    assert (found.reviews[4][0]["state"], found.reviews[4][0]["user"]["login"]) == ("APPROVED", "ghost")
    assert found.pull_files[4][0]["filename"] == "widgets/exporter.py"
    assert found.branches["main"] == commit["sha"]
    assert found.commits[commit["sha"]]["commit"]["message"] == "Raise the limit (#4)"
    assert found.data["html_url"] == f"{shapes.WEB}/acme/widgets"
