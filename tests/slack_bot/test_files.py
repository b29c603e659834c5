"""Files in and out: what is read, what is refused, and where the token never goes."""

from __future__ import annotations

import io
from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.models.protocol import Media, ModelRequest, ToolUse
from rookery.slack.answers.attachments import AttachmentReader, text_of_pdf
from rookery_slackapi.web import connect
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, said
from slack_bot.scripted import ScriptedModel, calling

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def pdf(text: str) -> bytes:
    """A PDF of one page, written by hand: no library that writes them is needed."""
    stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    out, places = io.BytesIO(b"%PDF-1.4\n"), list[int]()
    out.seek(0, io.SEEK_END)
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % table)
    return out.getvalue()


def prompt_of(request: ModelRequest) -> str:
    return "".join(getattr(block, "text", "") for block in request.messages[0].blocks)


async def test_text_images_and_pdf_reach_the_model(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    files = [
        slack.people.file(cast.ada.id, "notes.txt", "grüße from the notes".encode(), "text/plain"),
        slack.people.file(cast.ada.id, "plan.pdf", pdf("The plan is to ship on Friday"), "application/pdf"),
        slack.people.file(cast.ada.id, "shot.png", PNG, "image/png"),
        slack.people.file(cast.ada.id, "tool.exe", b"MZ", "application/x-msdownload"),
    ]
    model = ScriptedModel()
    async with start_bot(model):
        root = slack.people.mention(cast.ada.id, cast.general.id, "look at these", files=files)
        await answered(slack, cast.general.id, root)
    prompt = prompt_of(model.requests[0])
    assert "grüße from the notes" in prompt
    assert "The plan is to ship on Friday" in prompt
    assert "The file tool.exe could not be read" in prompt
    media = [block for block in model.requests[0].messages[0].blocks if isinstance(block, Media)]
    assert [(one.name, one.media_type, one.data) for one in media] == [("shot.png", "image/png", PNG)]


@pytest.mark.parametrize("name", ["notes.txt", "shot.png"])
async def test_without_a_model_it_says_that_files_were_not_looked_at(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, name: str
) -> None:
    kind = "image/png" if name.endswith("png") else "text/plain"
    file = slack.people.file(cast.ada.id, name, PNG, kind)
    async with start_bot():
        with_file = slack.people.mention(cast.ada.id, cast.general.id, "what is in it?", files=[file])
        (text,) = await answered(slack, cast.general.id, with_file)
        without = slack.people.mention(cast.ada.id, cast.general.id, "what is in it?")
        (plain,) = await answered(slack, cast.general.id, without)
    assert "The files were not looked at: that takes a language model." in text
    assert "not looked at" not in plain


async def test_too_large_and_too_many_are_told_not_read(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    files = [slack.people.file(cast.ada.id, f"{n}.txt", b"x" * (50 + n), "text/plain") for n in range(4)]
    model = ScriptedModel()
    async with start_bot(model, file_bytes=52, files_per_question=3):
        root = slack.people.mention(cast.ada.id, cast.general.id, "sizes", files=[files[3], *files[:3]])
        await answered(slack, cast.general.id, root)
    prompt = prompt_of(model.requests[0])
    assert "The file 3.txt could not be read" in prompt
    assert "1 more files were not read" in prompt
    assert {name for name, _ in slack.downloads} == {files[0].id, files[1].id}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/files-pri/T1-F1/notes.txt",
        "https://files.slack.com.evil.example/notes.txt",
        "https://files.slack.com@evil.example/notes.txt",
        "http://files.slack.com/notes.txt",
        "https://files.slack.com:8443/notes.txt",
        "https://notslack.com/notes.txt",
        "http://127.0.0.1:1/notes.txt",
        "file:///etc/passwd",
        "https://[bad/notes.txt",
        "https://files.slack.com\\@evil.example/notes.txt",
        "https://evil.example\\.slack.com/notes.txt",
        "",
    ],
)
async def test_the_token_goes_to_slack_only(slack: SlackEmulator, bot_settings: Any, url: str) -> None:
    settings = bot_settings()
    reader = AttachmentReader(connect(settings), settings)
    shape = {"id": "F0", "name": "n.txt", "mimetype": "text/plain", "size": 3, "url_private": url or "x"}
    found = await reader.read_files([shape])
    assert (found.sections, found.attachments) == ((), ())
    assert "could not be read" in found.problems[0]
    assert slack.downloads == []


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 broken", b"\x00" * 100])
def test_a_hostile_pdf_is_only_empty(content: bytes) -> None:
    assert text_of_pdf(content) == ""


async def test_a_file_goes_out_below_the_answer(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    use = ToolUse("1", "share_file", {"name": "../list.csv", "content": "a,b\n1,2\n"})
    async with start_bot(ScriptedModel(steps=[calling(use)])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "as a file please")
        await answered(slack, cast.general.id, root)
        await slack.state.wait_for(lambda: any(m.files for m in said(slack, cast.general.id, root)))
        (message,) = [m for m in said(slack, cast.general.id, root) if m.files]
    assert (message.files[0].name, message.files[0].content) == ("list.csv", b"a,b\n1,2\n")
