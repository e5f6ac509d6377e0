"""`tool` pub, sub, req, reply and rtt as a chosen user."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text
from pynats_common.commandline.declare import arg, opt
from pynats_common.creds import decode_creds

from pynsc.cli import AccountOption, Text, TlsOptions
from pynsc.core.client import run_client
from pynsc.core.session import Session

REPLY_TIMEOUT_S = 5


@dataclass
class ToolBase(TlsOptions, AccountOption):
    user: Annotated[Text, opt("--user", "-u", help="user name")] = ""
    nats: Annotated[Text, opt("--nats", help="server url, instead of the operator's")] = ""


@dataclass
class ToolPub(ToolBase):
    encrypt: Annotated[bool, opt("--encrypt", "-E", hidden=True)] = False
    subject: Annotated[Text, arg(help="subject")] = ""
    message: Annotated[Text, arg(help="message")] = ""


@dataclass
class ToolSub(ToolBase):
    encrypt: Annotated[bool, opt("--encrypt", "-E", hidden=True)] = False
    subject: Annotated[Text, arg(help="subject")] = ""
    queue: Annotated[Text, opt("--queue", "-q", help="queue group")] = ""
    max_messages: Annotated[int, opt("--max-messages", hidden=True)] = -1


@dataclass
class ToolReply(ToolSub):
    # Again, because one's own arguments come before those of the class above.
    subject: Annotated[Text, arg(help="subject")] = ""
    message: Annotated[Text, arg(help="answer")] = ""


def _run(session: Session, options: ToolBase, work: Callable[[Any], Awaitable[None]]) -> None:
    account = session.account_name(options.account)
    user = session.user_name(account, options.user)
    store = session.store()
    path = session.keys.creds_path(store.name, account, user)
    if not path.exists():
        raise StoreError(
            f'no creds file for user "{user}"', "its key must be stored; see generate creds"
        )
    creds = decode_creds(read_text(path))
    urls = [u for u in options.nats.split(",") if u] or store.operator().nats.operator_service_urls
    run_client(urls, creds.jwt, creds.key_pair, work, options)


def _need_subject(options: ToolPub | ToolSub) -> None:
    if not options.subject:
        raise StoreError("a subject is required")
    if options.encrypt:
        # The original refuses the flag too. It was an experiment that used one nonce for all
        # messages of a key, which makes AES-GCM unsafe.
        raise StoreError("the experimental --encrypt option is no longer supported",
                         "encrypt payloads in the application, with curve keys")  # fmt: skip


def pub(session: Session, options: ToolPub) -> None:
    _need_subject(options)

    async def work(client: Any) -> None:
        await client.publish(options.subject, options.message.encode())
        await client.flush()

    _run(session, options, work)
    session.report.ok(f"published [{options.subject}] : '{options.message}'")


def sub(session: Session, options: ToolSub) -> None:
    """Prints messages until --max-messages or an interrupt."""
    _need_subject(options)
    await_count = options.max_messages

    async def work(client: Any) -> None:
        subscription = await client.subscribe(options.subject, queue=options.queue)
        await client.flush()
        print(f"listening on [{options.subject}]", flush=True)
        count = 0
        while await_count < 0 or count < await_count:
            message = await subscription.next_msg(timeout=None)
            count += 1
            text = message.data.decode("utf-8", "replace")
            print(f"[#{count}] received on [{message.subject}]: '{text}'", flush=True)

    _run(session, options, work)


def req(session: Session, options: ToolPub) -> None:
    _need_subject(options)

    async def work(client: Any) -> None:
        session.report.note(f"published request: [{options.subject}] : '{options.message}'")
        answer = await client.request(
            options.subject, options.message.encode(), timeout=REPLY_TIMEOUT_S
        )
        text = answer.data.decode("utf-8", "replace")
        session.report.output = f"received reply: [{answer.subject}] : '{text}'"

    _run(session, options, work)


def reply(session: Session, options: ToolReply) -> None:
    """Answers requests until --max-messages or an interrupt; without a message it echoes."""
    _need_subject(options)

    async def work(client: Any) -> None:
        subscription = await client.subscribe(options.subject, queue=options.queue)
        await client.flush()
        print(f"listening on [{options.subject}]", flush=True)
        count = 0
        while options.max_messages < 0 or count < options.max_messages:
            message = await subscription.next_msg(timeout=None)
            count += 1
            print(f"[#{count}] received on [{message.subject}]", flush=True)
            if message.reply:
                await message.respond(options.message.encode() or message.data)
                await client.flush()

    _run(session, options, work)


def rtt(session: Session, options: ToolBase) -> None:
    async def work(client: Any) -> None:
        await client.flush()
        start = time.perf_counter()
        await client.flush()
        session.report.output = f"round trip time to [{client.connected_url.netloc}] = " \
            f"{(time.perf_counter() - start) * 1000:.3f}ms"  # fmt: skip

    _run(session, options, work)
